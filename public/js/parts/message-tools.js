import { h, iconButton } from "../dom.js";
import { removeNote } from "../notes.js";
import { messageContext } from "../slots.js";
import { isComposing } from "../text-field.js";
import { MessageActions } from "./message-actions.js";
import { pressButton } from "./message-buttons.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../protocol.js").Message} Message */
/** @typedef {import("./message-list.js").MessageList} MessageList */

const PHONE = "(max-width: 43.6875em)";
/** A tap on these does what they are for. */
const ACTIVE = "a, button, summary, input, textarea, video, audio, [data-action]";

/**
 * Brings the actions to a message: a toolbar that moves to the one under the mouse, with the focus or last tapped; on a
 * phone a tap opens a sheet. Carries out what is pressed inside messages.
 */
export class MessageTools {
  /** @param {App} app @param {MessageList} list */
  constructor(app, list) {
    this.app = app;
    this.list = list;
    this.actions = new MessageActions(app, list);
    this.phone = window.matchMedia(PHONE);
    this.bar = Object.assign(h("div", { class: "tools", role: "toolbar" }), { guest: true });
    /** When, beside a message that doesn't show it. @type {HTMLElement|null} */
    this.stamp = null;
    /** What the last press was made with. */
    this.pointer = "mouse";
    /** Whether the focus is moved by keys. */
    this.walked = false;
    document.addEventListener("pointerdown", () => { this.walked = false; }, true);
    document.addEventListener("keydown", ({ key }) => { this.walked ||= key === "Tab" || key.startsWith("Arrow"); }, true);
    const { log } = list;
    log.addEventListener("pointerdown", (event) => { this.pointer = event.pointerType; }, { passive: true });
    log.addEventListener("pointermove", (event) => event.pointerType === "mouse" && this.over(event), { passive: true });
    // A finger leaves with every tap.
    log.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && this.leave());
    // On a phone a jump to a message brings the focus, too.
    log.addEventListener("focusin", (event) => this.phone.matches && !this.walked || this.attach(event.target));
    log.addEventListener("click", (event) => this.click(event));
    log.addEventListener("keydown", (event) => this.key(event));
    log.addEventListener("contextmenu", (event) => this.contextMenu(event));
    app.store.on("me", () => this.refresh());
    app.actions.provide("message", () => this.messageOf(document.activeElement));
    app.actions.add({ id: "edit.last", of: "app", label: () => app.t("keys.editLast"), keys: ["ArrowUp"], within: "composer",
      when: () => composerIsEmpty() && this.own !== undefined, run: () => this.editLast() });
  }

  /** Whether the last press was a finger's on a phone. */
  get tapped() {
    return this.pointer !== "mouse" && this.phone.matches;
  }

  /** The rows were drawn, or permissions have changed: so may have what can be done. */
  refresh() {
    this.actions.resumeEdits();
    if (!this.bar.isConnected) return;
    const message = this.messageOf(this.bar);
    if (message && !message.deleted) return this.renew(this.buttons(message));
    if (this.bar.contains(document.activeElement)) this.bar.parentElement?.focus({ preventScroll: true });
    this.detach();
  }

  /** A button that is the same stays: it may be being pressed. @param {Node[]} buttons */
  renew(buttons) {
    const { bar } = this;
    const before = [...bar.childNodes];
    const kept = buttons.map((button) => before.find((one) => one.isEqualNode(button)) ?? button);
    if (kept.length === before.length && kept.every((one, index) => one === before[index])) return;
    const at = controls(bar).indexOf(document.activeElement);
    for (const one of before) if (!kept.includes(one)) one.remove();
    kept.forEach((one, index) => one === bar.childNodes[index] || bar.insertBefore(one, bar.childNodes[index] ?? null));
    const all = controls(bar);
    if (at >= 0 && !bar.contains(document.activeElement)) /** @type {HTMLElement} */ (all[Math.min(at, all.length - 1)]).focus({ preventScroll: true });
  }

  leave() {
    if (!this.bar.querySelector(":focus-visible")) this.detach();
  }

  detach() {
    this.bar.remove();
    this.stamp?.remove();
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
    this.detach();
    if (!message || message.deleted || node.classList.contains("editing")) return;
    this.bar.replaceChildren(...this.buttons(message));
    this.bar.setAttribute("aria-label", this.app.t("messages.actions"));
    node.append(this.bar);
    if (node.querySelector(":scope > time")) return;
    this.stamp = Object.assign(this.list.view.stamp(message.ts), { guest: true, className: "aside" });
    node.append(this.stamp);
  }

  /** @param {Element|null} node @returns {Message|undefined} */
  messageOf(node) {
    const id = /** @type {HTMLElement|null} */ (node?.closest(".message[data-id]") ?? null)?.dataset.id;
    return id ? this.list.room?.timeline.byId.get(id) : undefined;
  }

  /** @param {Message} message @returns {Node[]} */
  buttons(message) {
    const { app } = this;
    const bar = app.actions.of("message", message).filter((action) => action.bar);
    // As it is when the button is pressed.
    const now = () => this.messageOf(this.bar) ?? message;
    const more = iconButton("more", app.t("messages.more"), () => this.openMenu(now(), more));
    more.setAttribute("aria-haspopup", "menu");
    return [
      ...app.plugins.slots.fill("message-menu", messageContext(message)),
      ...bar.map(({ icon = "none", label, danger, run }) => iconButton(icon, label(message), () => run(now()), danger ? "danger" : "")),
      more,
    ];
  }

  /** All that can be done. @param {Message} message @param {HTMLElement} opener @param {{x: number, y: number}} [point] */
  openMenu(message, opener, point) {
    const { app } = this;
    app.openMenu(app.t("messages.actions"), () => app.actions.of("message", message).map(({ icon, label, danger, run }) =>
      ({ icon, label: label(message), danger, run: () => run(message) })), opener, point);
  }

  /** The right button; the browser's own menu where it has more to offer. @param {MouseEvent} event */
  contextMenu(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    const message = this.messageOf(target);
    if (!message || message.deleted || target.closest("a, img, video, audio, textarea") || !document.getSelection()?.isCollapsed) return;
    event.preventDefault();
    // A long press.
    if (this.tapped) return this.app.openSheet(message);
    const node = /** @type {HTMLElement} */ (target.closest(".message"));
    node.focus({ preventScroll: true });
    this.openMenu(message, node, { x: event.clientX, y: event.clientY });
  }

  /** A tap beside everything that acts by itself shows what can be done. @param {MouseEvent} event */
  tap(event) {
    const target = /** @type {Element} */ (event.target);
    if (this.pointer === "mouse" || target.closest(ACTIVE) || !document.getSelection()?.isCollapsed) return;
    const message = this.messageOf(target);
    if (!this.phone.matches) this.attach(target);
    else if (message && !message.deleted) this.app.openSheet(message);
  }

  /** @param {MouseEvent} event */
  click(event) {
    this.tap(event);
    const link = /** @type {HTMLAnchorElement|null} */ (/** @type {Element} */ (event.target).closest("a[href^='#']"));
    // The address stays the same, and the place is left all the same.
    if (link && link.hash === location.hash) this.app.router.emit("change", this.app.router.route);
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
    if (action === "retry-alone") app.outbox.retry(nonce, { alone: true });
    if (action === "take-back") app.emit("take-back", app.outbox.entries.find((entry) => entry.nonce === nonce));
    if (action === "dismiss") removeNote(app.store, room.name, note);
    if (action === "fold") list.fold(/** @type {HTMLElement} */ (target.parentElement));
    if (action === "gap") void app.session.pages.fillGap(room.name);
    if (action === "jump") void app.session.pages.show(room.name, { id: target.dataset.target ?? "" });
    if (action === "copy-room") void this.actions.copyLink(target.dataset.link ?? "");
    if (action === "picture" && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      app.emit("dialog", { name: "picture", url: target.getAttribute("href") });
    }
    if (action === "press") void pressButton(app, this.messageOf(target)?.message_id, target);
    if (action === "profile") {
      const user = app.store.users.get(target.dataset.user ?? "");
      if (user) app.emit("profile", { user, anchor: target });
    }
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (isComposing(event)) return;
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (event.key === "Escape" && !/** @type {Element} */ (event.target).matches("textarea")) {
      event.preventDefault();
      return this.app.emit("focus-composer");
    }
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

  /** One's own last message that is here and can be edited. @returns {Message|undefined} */
  get own() {
    const me = this.app.store.me?.id;
    const events = this.list.room?.timeline.events ?? [];
    return /** @type {Message|undefined} */ (events.findLast((one) => one.type === "message" && one.user.id === me && !one.deleted && one.kind === "text"));
  }

  editLast() {
    if (this.own) void this.actions.edit(this.own);
  }
}

/** What can have the focus in it. @param {Element} bar @returns {(Element|null)[]} */
function controls(bar) {
  return [...bar.querySelectorAll("a, button:enabled, [tabindex]")];
}

/** Whether nothing is written in the message field. */
export function composerIsEmpty() {
  return /** @type {HTMLTextAreaElement|null} */ (document.querySelector("#composer-input"))?.value === "";
}
