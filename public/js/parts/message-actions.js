import { plainText } from "../plain.js";
import { copyText } from "../platform.js";
import { roomHash } from "../router.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../protocol.js").Message} Message */
/** @typedef {import("./message-list.js").MessageList} MessageList */

/** What can be done with a message, as actions: toolbar, sheet, menu and keys offer the same. */
export class MessageActions {
  /** @param {App} app @param {MessageList} list */
  constructor(app, list) {
    this.app = app;
    this.list = list;
    const { t, store, actions } = app;
    const own = (/** @type {Message} */ message) => message.user.id === store.me?.id;
    const here = (/** @type {Message} */ message) => !message.deleted;
    const writable = (/** @type {Message} */ message) => here(message) && !store.room(message.room)?.archived;
    const rules = (/** @type {Message} */ { room }) =>
      ["owner", "moderator"].includes(store.room(room)?.role ?? "") || store.may("message.delete_any");
    /** @type {Omit<import("../actions.js").Action, "of">[]} */
    const all = [
      { id: "message.reply", icon: "reply", label: () => t("messages.reply"), bar: true, keys: ["R"], when: writable,
        run: (message) => app.emit("reply", this.now(message)) },
      { id: "message.edit", icon: "edit", label: () => t("messages.edit"), bar: true, keys: ["E"],
        when: (message) => writable(message) && own(message) && message.kind === "text", run: (message) => void this.edit(this.now(message)) },
      { id: "message.copy", icon: "copy", label: () => t("messages.copyText"), keys: ["C"],
        when: (message) => here(message) && message.content !== "", run: ({ content }) => void this.copy(content, t("messages.textCopied")) },
      { id: "message.link", icon: "link", label: () => t("messages.copyLink"), bar: true, keys: ["L"], when: here,
        run: (message) => void this.copyLink(roomHash(message.room, message.seq)) },
      { id: "message.unread", icon: "unread", label: () => t("messages.markUnread"), keys: ["U"], when: (message) => here(message) && !own(message),
        run: (message) => app.session.reads.keepUnread(message.room, message.seq - 1) },
      { id: "message.delete", icon: "trash", label: () => t("messages.delete"), bar: true, danger: true, keys: ["Delete"],
        when: (message) => here(message) && (own(message) || rules(message)), run: (message) => this.confirmDelete(this.now(message)) },
    ];
    for (const action of all) actions.add({ ...action, of: "message", within: "message" });
  }

  /** It may be edited while its actions are shown. @param {Message} message @returns {Message} */
  now(message) {
    return this.app.store.room(message.room)?.timeline.byId.get(message.message_id) ?? message;
  }

  /** @param {Message} message */
  async edit(message) {
    try {
      await this.app.later();
    } catch (error) {
      return this.app.complain(error);
    }
    // It may have come since the last drawing.
    this.list.render();
    this.editor(message)?.focus();
  }

  /** @param {Message} message */
  editor(message) {
    const { app } = this;
    const node = this.list.log.querySelector(`[data-id="${CSS.escape(message.message_id)}"]`);
    if (!app.loaded || !(node instanceof HTMLElement) || node.classList.contains("editing")) return null;
    return new app.loaded.MessageEditor(app, node, message, {
      done: () => {
        Object.assign(node, { rowVersion: "" });
        this.list.render();
      },
      remove: (now) => this.confirmDelete(now),
      now: () => this.list.room?.timeline.byId.get(message.message_id),
    });
  }

  /** What was being edited when the room was left goes on. */
  resumeEdits() {
    const { app, list: { room } } = this;
    const ids = Object.keys(room ? app.drafts.of(room.name).edits : {});
    if (ids.length && !app.loaded) return void app.later().then(() => this.resumeEdits(), () => {});
    for (const id of ids) {
      const message = room?.timeline.byId.get(id);
      if (message && !message.deleted) this.editor(message);
    }
  }

  /** @param {Message} message */
  confirmDelete(message) {
    const { app } = this;
    app.emit("confirm", {
      title: app.t("delete.title"),
      text: plainText(message).slice(0, 300),
      action: app.t("messages.delete"),
      run: () => app.session.remove(message.message_id),
    });
  }

  /** @param {string} hash */
  copyLink(hash) {
    return this.copy(new URL(hash, location.href).href, this.app.t("messages.copied"));
  }

  /** @param {string} text @param {string} said when it is there; else the text is shown, to be copied by hand */
  async copy(text, said) {
    this.app.toast(await copyText(text) ? said : text);
  }
}
