import { EnterKey, enterSends } from "./text-field.js";

/**
 * Call `send` when the user sends what is in a field: by Enter or Ctrl+Enter as they have it, by no key of a composition, and in a
 * block of code by Ctrl+Enter only.
 * @param {import("./app.js").App} app @param {HTMLTextAreaElement} area @param {() => void} send
 */
export function onSend(app, area, send) {
  const enter = new EnterKey(() => enterSends(app, area));
  const act = (/** @type {Event} */ event) => {
    event.preventDefault();
    send();
  };
  area.addEventListener("keydown", (event) => enter.sends(event) && act(event));
  area.addEventListener("beforeinput", (event) => enter.breaks(event) && act(event));
}
