import { Emitter } from "./emitter.js";

/** @typedef {import("./actions.js").Action} Action */
/** @typedef {import("./actions.js").Place} Place */
/** @typedef {{key: string, code?: string, ctrlKey?: boolean, metaKey?: boolean, altKey?: boolean, shiftKey?: boolean}} Press */

const ALONE = new Set(["Control", "Meta", "Alt", "Shift", "AltGraph", "CapsLock", "Dead", "Process", "Unidentified"]);

/**
 * What a press is called: `Mod+K`, `Alt+Shift+ArrowUp`, `?`, `Escape`. `Mod` is Ctrl, on a Mac the Command key. Letters with
 * a modifier are those of the key, so that shortcuts work with any script.
 * @param {Press} press @param {boolean} mac
 * @returns {string} empty for a modifier alone
 */
export function keyOf({ key, code = "", ctrlKey, metaKey, altKey, shiftKey }, mac) {
  if (ALONE.has(key)) return "";
  const modified = ctrlKey || metaKey || altKey;
  const letter = /^Key([A-Z])$/.exec(code)?.[1];
  const latin = /^[\x20-\x7e]$/.test(key);
  const symbol = [...key].length === 1;
  const name = key === " " ? "Space" : modified && letter && !latin ? letter : symbol ? key.toUpperCase() : key;
  const shifted = shiftKey && (!symbol || /^[A-Z]$/.test(name));
  const mod = mac ? metaKey : ctrlKey;
  const other = mac ? ctrlKey && "Ctrl" : metaKey && "Meta";
  return [mod && "Mod", other, altKey && "Alt", shifted && "Shift", name].filter(Boolean).join("+");
}

/** Whether a key writes something where there is a text field. @param {string} key */
export function writes(key) {
  return [...key.replace(/^Shift\+/, "")].length === 1 || /^(?:Shift\+)?(?:Space|Delete|Backspace|Enter|Tab)$/.test(key);
}

/** A key as it is printed on it. @param {string} key @param {boolean} mac */
export function keyLabel(key, mac) {
  const names = /** @type {Record<string, string>} */ ({ ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→", Escape: "Esc",
    Mod: mac ? "⌘" : "Ctrl", ...(mac ? { Alt: "⌥", Shift: "⇧", Ctrl: "⌃" } : {}) });
  return key.split(/\+(?=.)/).map((part) => names[part] ?? part).join(mac ? "" : "+");
}

/** Which keys call which action: what the actions bring, and what the user has chosen instead. Emits `change`. */
export class Keymap extends Emitter {
  /**
   * @param {import("./actions.js").Actions} actions
   * @param {Record<string, string[]>} chosen by id of the action
   * @param {(chosen: Record<string, string[]>) => void} keep
   */
  constructor(actions, chosen, keep) {
    super();
    this.actions = actions;
    this.chosen = chosen;
    this.keep = keep;
  }

  /** @param {Action} action @returns {readonly string[]} */
  keysOf({ id, keys = [] }) {
    return this.chosen[id] ?? keys;
  }

  /** @param {Action} action @param {string[]|null} keys null for those it came with */
  choose({ id }, keys) {
    const { [id]: _, ...others } = this.chosen;
    this.chosen = keys ? { ...others, [id]: keys } : others;
    this.keep(this.chosen);
    this.emit("change");
  }

  /** The actions that a key calls, those of the narrowest place first. @param {string} key @param {Place[]} places narrowest first */
  find(key, places) {
    const all = [...this.actions.byId.values()].filter((action) => this.keysOf(action).includes(key));
    return places.flatMap((place) => all.filter((action) => (action.within ?? "app") === place));
  }

  /** The other actions that a key calls where it would call this one. @param {Action} action @param {string} key */
  conflicts(action, key) {
    const place = action.within ?? "app";
    return [...this.actions.byId.values()].filter((other) => {
      const there = other.within ?? "app";
      return other.id !== action.id && this.keysOf(other).includes(key) && (there === place || there === "app" || place === "app");
    });
  }
}
