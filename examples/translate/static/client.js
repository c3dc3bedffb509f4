/** Draws the translation below a message. */

/** @param {any} chat */
export function activate(chat) {
  chat.addSlot("message-footer", ({ extras }) => {
    const text = extras.translate?.text;
    if (!text) return null;
    const line = document.createElement("p");
    line.className = "translate-text";
    line.lang = chat.settings.language;
    line.dir = "auto";
    line.textContent = text;
    return line;
  });
}
