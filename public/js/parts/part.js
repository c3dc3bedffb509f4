/** @typedef {import("../app.js").App} App */

/**
 * A custom element in the light DOM. It stands in the page from the start, is built once when its name is defined, and
 * lives as long as the page.
 */
export class Part extends HTMLElement {
  /** @param {App} app */
  constructor(app) {
    super();
    this.app = app;
    this.store = app.store;
    this.t = app.t;
    app.i18n.on("change", () => this.translated());
  }

  /** The language changed. */
  translated() {}

  /** A node of the static markup, by `data-part`. @param {string} name @returns {any} */
  piece(name) {
    return this.querySelector(`[data-part="${name}"]`);
  }
}
