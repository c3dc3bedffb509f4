/** @typedef {import("../app.js").App} App */

/** A custom element in the light DOM. It lives as long as the page and is started once, with all it needs. */
export class Part extends HTMLElement {
  /** @type {App} */
  app;

  /** @param {App} app */
  start(app) {
    this.app = app;
    this.store = app.store;
    this.t = app.t;
    this.setup();
    app.i18n.on("change", () => this.translated());
  }

  /** Build the fixed nodes, and listen. */
  setup() {}

  /** The language changed. */
  translated() {}

  /** A node of the static markup, by `data-part`. @param {string} name @returns {any} */
  piece(name) {
    return this.querySelector(`[data-part="${name}"]`);
  }
}
