import { h, iconButton } from "../dom.js";
import { Part } from "./part.js";

/** @typedef {{text: string, action: string, run: () => void}} Lasting a word that stays until it is dismissed, and what can be done */

const SHOWN_MS = 6000;
const MOST = 3;

/** Short words at the edge of the page, which go by themselves, unless there is something to be done. */
export class ToastArea extends Part {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    super(app);
    app.on("toast", (toast) => this.show(toast));
  }

  /** @param {string|Lasting} toast */
  show(toast) {
    const text = typeof toast === "string" ? toast : toast.text;
    for (const shown of this.children) if (shown.firstChild?.textContent === text) shown.remove();
    const node = h("p", { class: "toast" }, text);
    if (typeof toast === "string") setTimeout(() => node.remove(), SHOWN_MS);
    else {
      node.append(" ", h("button", { type: "button", class: "link-button", onClick: toast.run }, toast.action),
        iconButton("close", this.t("app.dismiss"), () => node.remove()));
    }
    this.append(node);
    while (this.children.length > MOST) this.firstElementChild?.remove();
  }
}
