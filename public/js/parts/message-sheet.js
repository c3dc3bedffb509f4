import { h, icon } from "../dom.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../protocol.js").Message} Message */
/** @typedef {import("./message-actions.js").MessageActions} MessageActions */

/** What can be done with a message on a phone: a sheet from below, with what a mouse would see by hovering. */
export class MessageSheet {
  /** @param {App} app @param {MessageActions} actions */
  constructor(app, actions) {
    this.app = app;
    this.actions = actions;
    this.dialog = h("dialog", { class: "sheet" });
    this.dialog.addEventListener("pointerdown", (event) => event.target === this.dialog && this.dialog.close());
    this.dialog.addEventListener("close", () => this.dialog.remove());
  }

  /** @param {Message} message */
  open(message) {
    const { app, dialog } = this;
    const { t, format, plugins } = app;
    const edited = message.edited_at ? t("messages.editedAt", { time: format.exact(message.edited_at) }) : "";
    dialog.setAttribute("aria-label", t("messages.actions"));
    dialog.replaceChildren(
      h("p", { class: "sheet-head" }, h("b", { class: "one-line", dir: "auto" }, app.nameOf(message.user)),
        h("span", null, format.exact(message.ts)), edited ? h("span", null, edited) : null),
      h("p", { class: "sheet-text one-line", dir: "auto" }, message.content.slice(0, 200)),
      h("div", { class: "sheet-extras" }, ...plugins.fill("message-actions", { message: { ...message }, room: message.room })),
      ...this.actions.of(message).map((action) => this.button(action)),
      h("button", { type: "button", class: "sheet-action", onClick: () => dialog.close() }, icon("close"), t("app.cancel")));
    dialog.querySelector(".sheet-extras")?.addEventListener("click", () => dialog.close());
    document.body.append(dialog);
    dialog.showModal();
  }

  /** @param {import("./message-actions.js").Action} action */
  button({ icon: name, label, danger, run }) {
    const act = () => {
      // The focus goes back first, so that the action may take it.
      this.dialog.close();
      run();
    };
    return h("button", { type: "button", class: danger ? "sheet-action danger" : "sheet-action", onClick: act }, icon(name), label);
  }
}
