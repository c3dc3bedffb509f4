/** What fields in which people write have in common. */

/** Whether a key belongs to the composition of a word: Enter then ends the word, and 229 is all that some browsers tell.
 * @param {KeyboardEvent} event */
export function isComposing(event) {
  return event.isComposing || event.keyCode === 229;
}

/** When Enter sends what is in a field, as the user has it. */
export class EnterKey {
  /** @param {() => boolean} enterSends @param {() => boolean} [touch] whether the keyboard is one on the screen */
  constructor(enterSends, touch = () => window.matchMedia("(pointer: coarse)").matches) {
    this.enterSends = enterSends;
    this.touch = touch;
    /** Whether the last key had no name. */
    this.unnamed = false;
  }

  /** @param {KeyboardEvent} event of a pressed key @returns {boolean} */
  sends(event) {
    this.unnamed = event.keyCode === 229;
    if (event.key !== "Enter" || event.altKey || isComposing(event)) return false;
    return event.ctrlKey || event.metaKey || (this.enterSends() && !event.shiftKey);
  }

  /** Keyboards on a screen, for which every word is a composition, tell of Enter only by the line break that it makes.
   * @param {InputEvent} event of what is about to be written @returns {boolean} */
  breaks(event) {
    const { inputType } = event;
    return this.unnamed && (inputType === "insertLineBreak" || inputType === "insertParagraph") && this.enterSends() && this.touch();
  }
}

/**
 * Whether a place in a text is in a block of code that isn't closed before it.
 * @param {string} text @param {number} at
 */
export function inCode(text, at) {
  const end = text.indexOf("\n", at);
  const fences = text.slice(0, end < 0 ? undefined : end).match(/^ {0,3}(?:`{3,}[^`\n]*|~{3}.*)$/gm);
  return (fences?.length ?? 0) % 2 === 1;
}

/**
 * Whether Enter sends, as the user has it; in a block of code it begins a line.
 * @param {import("./app.js").App} app @param {HTMLTextAreaElement} area
 */
export function enterSends({ settings, store }, area) {
  return settings.get("enterSends") && !(store.hasPlugin("markdown") && inCode(area.value, area.selectionStart));
}

/**
 * Put a text into a field in place of a part of it, so that it can be undone.
 * @param {HTMLTextAreaElement} area @param {string} text @param {number} [start] @param {number} [end]
 */
export function replaceText(area, text, start = area.selectionStart, end = area.selectionEnd) {
  area.focus({ preventScroll: true });
  area.setSelectionRange(start, end);
  // Deprecated, and the only way that browsers can undo.
  if (document.activeElement === area && document.execCommand(text ? "insertText" : "delete", false, text)) return;
  area.setRangeText(text, start, end, "end");
  area.dispatchEvent(new InputEvent("input", { bubbles: true }));
}

/** A text as it is sent: without empty lines around it; what its first line is indented by stays. @param {string} text */
export function tidy(text) {
  const tidied = text.replace(/^(?:[^\S\n]*\n)+/, "").trimEnd();
  return tidied.includes("\n") ? tidied : tidied.trimStart();
}

/**
 * How long a text is, in characters as the server counts them.
 * @param {string} text
 */
export function countCharacters(text) {
  let count = text.length;
  for (let index = 0; index < text.length - 1; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit < 0xd800 || unit > 0xdbff) continue;
    const next = text.charCodeAt(index + 1);
    if (next >= 0xdc00 && next <= 0xdfff) {
      count -= 1;
      index += 1;
    }
  }
  return count;
}
