import { h, icon } from "../dom.js";
import { roomHash } from "../router.js";
import { edit } from "./message-editor.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../protocol.js").Message} Message */
/** @typedef {import("./message-list.js").MessageList} MessageList */

/** What can be done with a message: one toolbar that moves to the message under the pointer or with the focus. */
export class MessageTools {
  /** @param {App} app @param {MessageList} list */
  constructor(app, list) {
    this.app = app;
    this.list = list;
    this.bar = h("div", { class: "tools", role: "toolbar" });
    const { log } = list;
    log.addEventListener("pointermove", (event) => event.pointerType === "mouse" && this.over(event), { passive: true });
    log.addEventListener("pointerleave", () => this.bar.querySelector(":focus-visible") || this.bar.remove());
    log.addEventListener("focusin", (event) => this.attach(event.target));
    log.addEventListener("click", (event) => this.click(event));
    log.addEventListener("keydown", (event) => this.key(event));
    app.on("edit-last", () => this.editLast());
  }

  /** Only a pointer that moves: what scrolls under one that rests must not take the tools from the focus.
   * @param {PointerEvent} event */
  over(event) {
    const moved = event.movementX !== 0 || event.movementY !== 0;
    if (moved && !this.bar.querySelector(":focus-visible")) this.attach(event.target);
  }

  /** @param {EventTarget|null} target */
  attach(target) {
    const node = target instanceof Element ? /** @type {HTMLElement|null} */ (target.closest(".message[data-id]")) : null;
    if (!node || node.contains(this.bar)) return;
    const message = this.messageOf(node);
    if (!message || message.deleted || node.classList.contains("editing")) return this.bar.remove();
    this.bar.replaceChildren(...this.buttons(message));
    this.bar.setAttribute("aria-label", this.app.t("messages.actions"));
    node.append(this.bar);
  }

  /** @param {Element|null} node @returns {Message|undefined} */
  messageOf(node) {
    const id = /** @type {HTMLElement|null} */ (node?.closest(".message[data-id]") ?? null)?.dataset.id;
    return id ? this.list.room?.timeline.byId.get(id) : undefined;
  }

  /** @param {Message} message */
  buttons(message) {
    const { t, store, plugins } = this.app;
    const room = this.list.room;
    const own = message.user.id === store.me?.id;
    const rules = room?.role === "owner" || room?.role === "moderator" || store.may("message.delete_any");
    const writable = !room?.archived;
    return [
      ...plugins.fill("message-actions", { message: { ...message }, room: message.room }),
      writable && this.button("reply", t("messages.reply"), () => this.app.emit("reply", message)),
      writable && own && message.kind === "text" && this.button("edit", t("messages.edit"), () => this.edit(message)),
      this.button("link", t("messages.copyLink"), () => this.copyLink(message)),
      (own || rules) && this.button("trash", t("messages.delete"), () => this.confirmDelete(message), "danger"),
    ].filter((node) => node instanceof Node);
  }

  /** @param {string} name @param {string} label @param {() => void} run @param {string} [kind] */
  button(name, label, run, kind = "") {
    return h("button", { type: "button", class: `icon-button ${kind}`, "aria-label": label, title: label, onClick: run }, icon(name));
  }

  /** @param {MouseEvent} event */
  click(event) {
    const target = /** @type {HTMLElement} */ (event.target).closest("[data-action]");
    if (!(target instanceof HTMLElement)) return;
    const { app, list } = this;
    const { room } = list;
    const { action } = target.dataset;
    const nonce = /** @type {HTMLElement|null} */ (target.closest("[data-nonce]"))?.dataset.nonce ?? "";
    const note = /** @type {HTMLElement|null} */ (target.closest("[data-note]"))?.dataset.note ?? "";
    if (!room) return;
    if (action === "retry") app.outbox.retry(nonce);
    if (action === "discard") app.outbox.drop(nonce);
    if (action === "dismiss") app.store.removeNote(room.name, note);
    if (action === "gap") void app.session.fillGap(room.name);
    if (action === "jump") list.show(Number(target.dataset.target));
    if (action === "copy-room") this.copy(new URL(target.dataset.link ?? "", location.href).href);
    if (action === "profile") {
      const user = app.store.users.get(target.dataset.user ?? "");
      if (user) app.emit("profile", { user, anchor: target });
    }
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (event.key === "Escape") return this.app.emit("focus-composer");
    if (!step || event.altKey || /** @type {Element} */ (event.target).matches("textarea")) return;
    const nodes = /** @type {HTMLElement[]} */ ([...this.list.log.querySelectorAll(":scope > .message")]);
    const here = nodes.findIndex((node) => node.contains(document.activeElement));
    const next = here < 0 ? nodes.at(-1) : nodes[here + step];
    event.preventDefault();
    if (next) {
      next.focus({ preventScroll: true });
      next.scrollIntoView({ block: "nearest" });
    } else if (step > 0) this.app.emit("focus-composer");
  }

  editLast() {
    const me = this.app.store.me?.id;
    const events = this.list.room?.timeline.events ?? [];
    const last = events.findLast((one) => one.type === "message" && one.user.id === me && !one.deleted && one.kind === "text");
    if (last) this.edit(/** @type {Message} */ (last));
  }

  /** @param {Message} message */
  edit(message) {
    const node = this.list.log.querySelector(`[data-id="${CSS.escape(message.message_id)}"]`);
    if (!(node instanceof HTMLElement)) return;
    this.bar.remove();
    edit(this.app, node, message, () => {
      Object.assign(node, { rowVersion: "" });
      this.list.render();
    }, () => this.confirmDelete(message));
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
    this.copy(new URL(roomHash(message.room, message.seq), location.href).href);
  }

  /** @param {string} link */
  copy(link) {
    const { app } = this;
    // Clipboard access needs a secure page; without it the link is shown to copy by hand.
    if (!navigator.clipboard) return app.toast(link);
    navigator.clipboard.writeText(link).then(() => app.toast(app.t("messages.copied")), () => app.toast(link));
  }
}
