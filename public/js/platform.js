/**
 * What browsers give to some pages only: to those from https or this machine, or with the user's leave. Nothing else
 * in the client asks for any of it, so each has its way without.
 */

/** A name that nothing else has: 32 hexadecimal digits. crypto.randomUUID is for secure pages only. */
export function newId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Put a text on the clipboard.
 * @param {string} text
 * @returns {Promise<boolean>} whether it is there
 */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copySelected(text);
  }
}

/** The way of pages that aren't secure. @param {string} text */
function copySelected(text) {
  const focused = /** @type {HTMLElement|null} */ (document.activeElement);
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "visually-hidden";
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  focused?.focus({ preventScroll: true });
  return copied;
}

/** Whether this browser keeps anything for this page. */
export function keeps() {
  try {
    localStorage.setItem("chat.test", "1");
    localStorage.removeItem("chat.test");
    return true;
  } catch {
    return false;
  }
}
