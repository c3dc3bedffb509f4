import { boot } from "./boot.js";
import { Emitter } from "./emitter.js";

const KEY = "chat.settings";

/**
 * @typedef {{theme: "system"|"light"|"dark"|"contrast", lang: string, density: "comfortable"|"compact",
 *   enterSends: boolean, people: boolean, sidebar: boolean, invisible: boolean}} Values
 */
/** @type {Values} */
const DEFAULTS = { theme: "system", lang: "auto", density: "comfortable", enterSends: true, people: true, sidebar: true,
  invisible: false };

/** What this browser prefers, kept in localStorage. Emits `change` with the name of the setting. early.js reads the same key. */
export class Settings extends Emitter {
  constructor() {
    super();
    /** @type {Values} */
    this.values = { ...DEFAULTS, ...read(KEY, {}) };
  }

  /** @template {keyof Values} K @param {K} name @returns {Values[K]} */
  get(name) {
    return this.values[name];
  }

  /** @template {keyof Values} K @param {K} name @param {Values[K]} value */
  set(name, value) {
    this.values[name] = value;
    write(KEY, this.values);
    this.apply();
    this.emit("change", name);
  }

  get language() {
    return this.values.lang === "auto" ? boot().browserLanguage : this.values.lang;
  }

  /** Hand over to the style sheets. */
  apply() {
    const { dataset } = document.documentElement;
    const { theme, density, people, sidebar } = this.values;
    Object.assign(dataset, { theme, density, people: people ? "shown" : "hidden", sidebar: sidebar ? "shown" : "hidden" });
  }
}

/** @param {string} key @param {any} otherwise */
export function read(key, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "null") ?? otherwise;
  } catch {
    return otherwise;
  }
}

/** @param {string} key @param {any} value undefined removes */
export function write(key, value) {
  try {
    if (value === undefined) localStorage.removeItem(key);
    else localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // Without storage, preferences last as long as the page.
  }
}
