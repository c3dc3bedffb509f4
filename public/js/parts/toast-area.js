import { h } from "../dom.js";
import { Part } from "./part.js";

const SHOWN_MS = 6000;
const MOST = 3;

/** Short words at the edge of the page, which go by themselves. */
export class ToastArea extends Part {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    super(app);
    app.on("toast", (text) => this.show(text));
  }

  /** @param {string} text */
  show(text) {
    const toast = h("p", { class: "toast" }, text);
    this.append(toast);
    while (this.children.length > MOST) this.firstElementChild?.remove();
    setTimeout(() => toast.remove(), SHOWN_MS);
  }
}
