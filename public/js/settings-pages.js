import { Emitter } from "./emitter.js";

/**
 * A setting. `value` reads it and `change` takes what was chosen; `options` are those of a choice: value and text.
 * @typedef {{kind: "choice", label: string, hint?: string, value: () => string, options: [string, string][], change: (value: string) => unknown}
 *   | {kind: "check", label: string, hint?: string, value: () => boolean, change: (value: boolean) => unknown}
 *   | {kind: "text"|"time", label: string, hint?: string, value: () => string, most?: number, change: (value: string) => unknown}
 *   | {kind: "node", node: () => Node|null}
 *   | {kind: "button", label: string, hint?: string, icon?: string, danger?: boolean, press: () => unknown}} Field
 * @typedef {{id: string, title: () => string, fields: () => Field[], when?: () => boolean}} Page
 */

/** The pages of the settings, in order: each part with settings adds one. Emits `change`. */
export class SettingsPages extends Emitter {
  constructor() {
    super();
    /** @type {Page[]} */
    this.all = [];
  }

  /** Those of the program itself, before what plugins have added. @param {Page[]} pages */
  begin(pages) {
    this.all.unshift(...pages);
  }

  /** @param {Page} page @returns {() => void} takes it away @throws {RangeError} if its id is taken */
  add(page) {
    if (this.all.some((one) => one.id === page.id)) throw new RangeError(`there is a page "${page.id}" already`);
    this.all.push(page);
    this.emit("change");
    return () => {
      this.all = this.all.filter((one) => one !== page);
      this.emit("change");
    };
  }

  /** Those there are now. */
  get shown() {
    return this.all.filter((page) => page.when?.() ?? true);
  }
}
