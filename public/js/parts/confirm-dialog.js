import { h } from "../dom.js";
import { DialogPart } from "./dialog.js";

/** Are you sure? Listens to `confirm` with {title, text, action, run}. */
export class ConfirmDialog extends DialogPart {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    super(app);
    app.on("confirm", ({ title, text, action, run }) => {
      this.openDialog(title, this.form(action, [h("p", { class: "confirm-text", dir: "auto" }, text)], run, "danger"));
      /** @type {HTMLButtonElement|null} */ (this.querySelector("button[type=submit]"))?.focus();
    });
  }
}
