import { h, icon } from "../dom.js";
import { plainText } from "../plain.js";
import { messageContext } from "../slots.js";
import { openModal } from "./modal.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../protocol.js").Message} Message */

/** What can be done with a message on a phone: a sheet from below, with what a mouse would see by hovering. */
export class MessageSheet {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    this.dialog = h("dialog", { class: "sheet" });
    this.dialog.addEventListener("pointerdown", (event) => event.target === this.dialog && this.dialog.close());
    this.dialog.addEventListener("close", () => this.dialog.remove());
    /** @type {Message|null} */
    this.message = null;
  }

  /** @param {Message} message */
  open(message) {
    this.message = message;
    this.fill(message);
    document.body.append(this.dialog);
    openModal(this.dialog);
  }

  /** A plugin's part came or went: its actions with it. */
  refresh() {
    if (!this.message || !this.dialog.isConnected) return;
    this.fill(this.message);
    this.dialog.querySelector("button")?.focus({ preventScroll: true });
  }

  /** @param {Message} message */
  fill(message) {
    const { app, dialog } = this;
    const { t, format, plugins } = app;
    const edited = message.edited_at ? t("messages.editedAt", { time: format.exact(message.edited_at) }) : "";
    dialog.setAttribute("aria-label", t("messages.actions"));
    dialog.replaceChildren(
      h("p", { class: "sheet-head" }, h("b", { class: "one-line", dir: "auto" }, app.authorOf(message)),
        h("span", null, format.exact(message.ts)), edited ? h("span", null, edited) : null),
      h("p", { class: "sheet-text one-line", dir: "auto" }, plainText(message).slice(0, 200)),
      h("div", { class: "sheet-extras" }, ...plugins.slots.fill("message-menu", messageContext(message))),
      ...app.actions.of("message", message).map((action) => this.button(action, message)),
      h("button", { type: "button", class: "sheet-action", onClick: () => dialog.close() }, icon("close"), t("app.cancel")));
    dialog.querySelector(".sheet-extras")?.addEventListener("click", () => dialog.close());
  }

  /** @param {import("../actions.js").Action} action @param {Message} message */
  button({ icon: name = "none", label, danger, run }, message) {
    const act = () => {
      // The focus goes back first, so that the action may take it.
      this.dialog.close();
      run(message);
    };
    return h("button", { type: "button", class: danger ? "sheet-action danger" : "sheet-action", onClick: act }, icon(name), label(message));
  }
}
