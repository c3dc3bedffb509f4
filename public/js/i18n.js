import { Emitter } from "./emitter.js";

/** The languages there are, each by its own name. */
export const LANGUAGES = Object.freeze({ en: "English", "zh-Hant": "繁體中文", "zh-Hans": "简体中文" });

/** @typedef {string|Record<string, string>} Text a text, or one for each plural category */

/**
 * Fill in a text. `{name}` takes a parameter; a table of plural forms is chosen by the parameter `count`.
 * @param {Text} text @param {Record<string, string|number>} params @param {Intl.PluralRules} plural
 * @param {Intl.NumberFormat} number
 */
export function fill(text, params, plural, number) {
  const form = typeof text === "string" ? text : text[plural.select(Number(params.count))] ?? text.other;
  return form.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = params[name];
    return value === undefined ? whole : typeof value === "number" ? number.format(value) : value;
  });
}

/** The interface's language. Emits `change` when another one has been loaded. */
export class I18n extends Emitter {
  constructor() {
    super();
    this.lang = "en";
    this.loaded = false;
    /** @type {Record<string, Text>} */
    this.texts = {};
    /** @type {Record<string, Record<string, Text>>} what plugins brought, by language */
    this.added = {};
    this.plural = new Intl.PluralRules("en");
    this.number = new Intl.NumberFormat("en");
    this.t = this.t.bind(this);
  }

  /** @param {string} lang @param {Promise<Response>} answer the request for its texts */
  async load(lang, answer) {
    const response = await answer;
    if (!response.ok) throw new Error(`texts: HTTP ${response.status}`);
    this.texts = await response.json();
    this.loaded = true;
    this.lang = lang;
    this.plural = new Intl.PluralRules(lang);
    this.number = new Intl.NumberFormat(lang);
    document.documentElement.lang = lang;
    this.translate(document);
    this.emit("change");
  }

  /** @param {string} key @param {Record<string, string|number>} [params] */
  t(key, params = {}) {
    const text = this.texts[key] ?? this.added[this.lang]?.[key] ?? this.added.en?.[key];
    return text === undefined ? key : fill(text, params, this.plural, this.number);
  }

  /** Whether there is such a text. @param {string} key */
  has(key) {
    return key in this.texts || key in (this.added[this.lang] ?? {});
  }

  /** A plugin's texts. @param {string} lang @param {Record<string, Text>} texts @returns {() => void} takes them away */
  add(lang, texts) {
    this.added[lang] = { ...this.added[lang], ...texts };
    return () => {
      for (const key of Object.keys(texts)) delete this.added[lang]?.[key];
    };
  }

  /** Translate the static markup: `data-t` for text, `data-t-label` for an icon's label, `data-t-placeholder`.
   * @param {ParentNode} root */
  translate(root) {
    for (const node of root.querySelectorAll("[data-t]")) node.textContent = this.t(node.getAttribute("data-t") ?? "");
    for (const node of root.querySelectorAll("[data-t-label]")) {
      const label = this.t(node.getAttribute("data-t-label") ?? "");
      node.setAttribute("aria-label", label);
      if (node.matches("button, a")) node.setAttribute("title", label);
    }
    for (const node of root.querySelectorAll("[data-t-placeholder]")) {
      node.setAttribute("placeholder", this.t(node.getAttribute("data-t-placeholder") ?? ""));
    }
  }
}
