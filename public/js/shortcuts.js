import { keyOf, writes } from "./keymap.js";
import { MAC } from "./platform.js";
import { isComposing } from "./text-field.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./actions.js").Place} Place */

const FIELD = "input, textarea, select, [contenteditable]";

/** Keys that work everywhere: they call actions; what is typed or pasted beside all fields goes to the message field. */
export class Shortcuts {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    /** Whether what has the focus was chosen by the keyboard: a letter after a click is the beginning of a text. */
    this.walked = false;
    document.addEventListener("pointerdown", () => { this.walked = false; }, true);
    document.addEventListener("keydown", ({ key }) => { this.walked ||= key === "Tab" || key.startsWith("Arrow"); }, true);
    document.addEventListener("keydown", (event) => this.press(event));
    document.addEventListener("paste", (event) => this.paste(event));
  }

  /** Whether the keyboard belongs to the conversation, and to nothing that lies over it. */
  get free() {
    return document.documentElement.dataset.view === "app" && !document.querySelector("dialog[open]") && !openPopover();
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    if (event.defaultPrevented) return;
    if (!this.free) return this.pressOver(event);
    const composing = isComposing(event);
    const field = inField(event.target);
    const key = composing || event.getModifierState("AltGraph") ? "" : keyOf(event, MAC);
    if (key && this.act(key, event, field)) event.preventDefault();
    // A composition begins where the focus is by now.
    else if (!field && (composing || event.key === "Dead" || types(event))) this.app.emit("focus-composer");
  }

  /** A key with a modifier closes a menu and acts. @param {KeyboardEvent} event */
  pressOver(event) {
    const popover = openPopover();
    const key = keyOf(event, MAC);
    const free = popover && document.documentElement.dataset.view === "app" && !document.querySelector("dialog[open]");
    if (!free || !/^(?:Mod|Alt)\+/.test(key) || this.app.keymap.find(key, ["app"]).length === 0) return;
    event.preventDefault();
    popover.hidePopover();
    this.act(key, event, false);
  }

  /** @param {string} key @param {KeyboardEvent} event @param {boolean} field */
  act(key, { target }, field) {
    const { keymap, actions } = this.app;
    const places = this.places(/** @type {Element} */ (target), field);
    const found = keymap.find(key, places).filter((action) => !field || !writes(key) || action.within === "composer");
    return found.some((action) => actions.runOnChosen(action));
  }

  /** Where the keyboard is, the narrowest first. @param {Element} target @param {boolean} field @returns {Place[]} */
  places(target, field) {
    if (target.id === "composer-input") return ["composer", "app"];
    return !field && this.walked && target.closest?.(".message") ? ["message", "app"] : ["app"];
  }

  /** @param {ClipboardEvent} event */
  paste(event) {
    if (event.defaultPrevented || !this.free || inField(event.target)) return;
    event.preventDefault();
    const area = document.querySelector("#composer-input");
    const { clipboardData } = event;
    // Files are the message field's to take.
    const taken = !area?.dispatchEvent(new ClipboardEvent("paste", { clipboardData, cancelable: true }));
    const text = clipboardData?.getData("text/plain");
    if (!taken && text) this.app.emit("insert", text);
  }
}

/** @returns {HTMLElement|null} */
function openPopover() {
  return document.querySelector("[popover]:popover-open");
}

/** @param {EventTarget|null} target */
function inField(target) {
  return target instanceof Element && target.matches(FIELD);
}

/** Whether a press is a character and nothing else. @param {KeyboardEvent} event */
function types({ key, ctrlKey, metaKey, altKey, target }) {
  const pressesButton = key === " " && target instanceof Element && target.matches("a, button, summary, [tabindex]");
  return [...key].length === 1 && !ctrlKey && !metaKey && !altKey && !pressesButton;
}
