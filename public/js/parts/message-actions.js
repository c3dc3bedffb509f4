import { copyText } from "../platform.js";
import { roomHash } from "../router.js";
import { MessageEditor } from "./message-editor.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../protocol.js").Message} Message */
/** @typedef {import("./message-list.js").MessageList} MessageList */
/** @typedef {{id: string, icon: string, label: string, danger?: boolean, run: () => void}} Action */

/** What can be done with a message: the toolbar and the sheet show the same. */
export class MessageActions {
  /** @param {App} app @param {MessageList} list */
  constructor(app, list) {
    this.app = app;
    this.list = list;
  }

  /** @param {Message} message @returns {Action[]} */
  of(message) {
    const { t, store } = this.app;
    const { room } = this.list;
    const own = message.user.id === store.me?.id;
    const rules = room?.role === "owner" || room?.role === "moderator" || store.may("message.delete_any");
    const writable = !room?.archived;
    // It may be edited while its actions are shown.
    const now = () => room?.timeline.byId.get(message.message_id) ?? message;
    /** @type {(Action & {when: boolean})[]} */
    const all = [
      { id: "reply", icon: "reply", label: t("messages.reply"), when: writable, run: () => this.app.emit("reply", now()) },
      { id: "edit", icon: "edit", label: t("messages.edit"), when: writable && own && message.kind === "text", run: () => this.edit(now()) },
      { id: "link", icon: "link", label: t("messages.copyLink"), when: true, run: () => this.copyLink(message) },
      { id: "delete", icon: "trash", label: t("messages.delete"), when: own || rules, danger: true, run: () => this.confirmDelete(now()) },
    ];
    return all.filter((action) => action.when && !message.deleted);
  }

  /** @param {Message} message */
  edit(message) {
    // It may have come since the last drawing.
    this.list.render();
    this.editor(message)?.focus();
  }

  /** @param {Message} message @returns {MessageEditor|null} */
  editor(message) {
    const node = this.list.log.querySelector(`[data-id="${CSS.escape(message.message_id)}"]`);
    if (!(node instanceof HTMLElement) || node.classList.contains("editing")) return null;
    return new MessageEditor(this.app, node, message, {
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
    const { room } = this.list;
    for (const id of Object.keys(room ? this.app.drafts.of(room.name).edits : {})) {
      const message = room?.timeline.byId.get(id);
      if (message && !message.deleted) this.editor(message);
    }
  }

  /** @param {Message} message */
  confirmDelete(message) {
    const { app } = this;
    app.emit("confirm", {
      title: app.t("delete.title"),
      text: message.content.slice(0, 300),
      action: app.t("messages.delete"),
      run: () => app.session.remove(message.message_id),
    });
  }

  /** @param {Message} message */
  copyLink(message) {
    void this.copy(new URL(roomHash(message.room, message.seq), location.href).href);
  }

  /** @param {string} link */
  async copy(link) {
    const { app } = this;
    app.toast(await copyText(link) ? app.t("messages.copied") : link);
  }
}
