import { boot } from "./boot.js";
import { Emitter } from "./emitter.js";

const KEY = "chat.settings";

/**
 * @typedef {{theme: "system"|"light"|"dark"|"contrast", lang: string, density: "comfortable"|"compact",
 *   size: "small"|"normal"|"large"|"huge", enterSends: boolean, people: boolean, sidebar: boolean, invisible: boolean,
 *   keys: Record<string, string[]>, folded: string[],
 *   notify: boolean, notifyAsked: boolean, sound: boolean, preview: boolean} & import("./attention.js").Wishes} Values
 */
/** @type {Values} */
const DEFAULTS = { theme: "system", lang: "auto", density: "comfortable", size: "normal", enterSends: true, people: true,
  sidebar: true, invisible: false, keys: {}, folded: [], notify: false, notifyAsked: false, sound: true, preview: true,
  levels: {}, level: "mentions", keywords: "", quiet: { until: 0, from: "22:00", to: "07:00", daily: false } };

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
    const { theme, density, size, people, sidebar } = this.values;
    Object.assign(dataset, { theme, density, size, people: people ? "shown" : "hidden", sidebar: sidebar ? "shown" : "hidden" });
  }
}

/** @typedef {"local"|"session"} Place for this browser, or for this tab */

/** @param {Place} place */
const storage = (place) => (place === "local" ? localStorage : sessionStorage);

/** @param {string} key @param {any} otherwise @param {Place} [place] */
export function read(key, otherwise, place = "local") {
  try {
    return JSON.parse(storage(place).getItem(key) ?? "null") ?? otherwise;
  } catch {
    return otherwise;
  }
}

/**
 * @param {string} key @param {any} value undefined removes @param {Place} [place]
 * @returns {boolean} whether it is kept; without storage, preferences last as long as the page
 */
export function write(key, value, place = "local") {
  try {
    if (value === undefined) storage(place).removeItem(key);
    else storage(place).setItem(key, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

/** @returns {string[]} */
export function keys() {
  try {
    return Object.keys(localStorage);
  } catch {
    return [];
  }
}
