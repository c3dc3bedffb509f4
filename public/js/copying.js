/** @typedef {import("./app.js").App} App */
/** @typedef {import("./protocol.js").Message} Message */

/** Several messages are copied with who said them and when. @param {App} app @param {HTMLElement} log */
export function copyWithNames(app, log) {
  document.addEventListener("copy", (event) => {
    const selection = document.getSelection();
    const within = /** @type {Element} */ (event.target).closest?.("input, textarea, [contenteditable]");
    if (within || !selection || selection.rangeCount === 0 || selection.isCollapsed) return;
    const text = transcript(app, log, selection.getRangeAt(0));
    if (!text) return;
    event.clipboardData?.setData("text/plain", text);
    event.preventDefault();
  });
}

/** @param {App} app @param {HTMLElement} log @param {Range} range @returns {string} empty where it is less than two messages */
function transcript(app, log, range) {
  const room = app.store.room(app.store.current);
  const parts = [...log.querySelectorAll(":scope > .message[data-id]")].filter((node) => range.intersectsNode(node))
    .map((node) => ({ node: /** @type {HTMLElement} */ (node), message: room?.timeline.byId.get(/** @type {HTMLElement} */ (node).dataset.id ?? "") }))
    .map(({ node, message }) => ({ message, text: message ? textOf(node, message, range) : "" })).filter(({ text }) => text !== "");
  if (parts.length < 2) return "";
  let author = "";
  return parts.map(({ message, text }) => {
    const { user, ts, display_name } = /** @type {Message} */ (message);
    const before = author;
    author = `${user.id}\n${display_name ?? ""}`;
    return author === before ? text : `${app.authorOf(/** @type {Message} */ (message))} [${app.format.time(ts)}]\n${text}`;
  }).join("\n");
}

/** What of a message lies in the range: as it was written, where that is all of it. @param {HTMLElement} node @param {Message} message @param {Range} range */
function textOf(node, message, range) {
  const body = node.querySelector(":scope > .text");
  if (!body || message.deleted) return "";
  const whole = document.createRange();
  whole.selectNodeContents(body);
  const cutBefore = range.compareBoundaryPoints(Range.START_TO_START, whole) > 0;
  const cutAfter = range.compareBoundaryPoints(Range.END_TO_END, whole) < 0;
  if (!cutBefore && !cutAfter) return message.content || (message.files ?? []).map(({ name }) => name).join(", ");
  if (cutBefore) whole.setStart(range.startContainer, range.startOffset);
  if (cutAfter) whole.setEnd(range.endContainer, range.endOffset);
  return whole.collapsed ? "" : whole.toString();
}
