/** Markdown in the browser: code to copy, spoilers to open, keys for where messages are written, and a preview. */

import { Preview } from "./preview.js";

const TEXTS = {
  en: { "markdown.preview": "Preview", "markdown.copy": "Copy", "markdown.copied": "Copied", "markdown.spoiler": "Spoiler: show it" },
  "zh-Hant": { "markdown.preview": "預覽", "markdown.copy": "複製", "markdown.copied": "已複製", "markdown.spoiler": "防雷內容：顯示" },
  "zh-Hans": { "markdown.preview": "预览", "markdown.copy": "复制", "markdown.copied": "已复制", "markdown.spoiler": "剧透内容：显示" },
};
const MAC = /Mac|iPhone|iPad/.test(navigator.platform);
const COPIED_MS = 1500;
const ITEM = /^(\s*)([-*+]|(\d{1,9})([.)]))( +)(\[[ xX]\] )?/;

/** @param {any} chat */
export function activate(chat) {
  for (const [language, texts] of Object.entries(TEXTS)) chat.addMessages(language, texts);
  // The conversation, and what stands beside it.
  const places = [...document.querySelectorAll("[role=log], panel-host")];
  const furnish = () => {
    for (const place of places) {
      for (const code of place.querySelectorAll(".text pre > code")) addCopy(chat, code);
      for (const spoiler of place.querySelectorAll(".text .spoiler:not([open], [tabindex])")) close(chat, spoiler);
    }
  };
  // A row that is drawn again loses what no drawing has.
  const watch = new MutationObserver(furnish);
  for (const place of places) watch.observe(place, { childList: true, subtree: true, attributeFilter: ["tabindex"] });
  furnish();
  const preview = new Preview(chat);
  chat.addSlot("composer", () => preview.fill());
  chat.addAction({ id: "preview", of: "app", label: () => chat.t("markdown.preview"), keys: ["Mod+Alt+P"], run: () => preview.toggle() });
  const open = (/** @type {Event} */ event) => openSpoiler(event);
  const press = (/** @type {KeyboardEvent} */ event) => key(event);
  for (const place of places) for (const type of ["click", "keydown"]) place.addEventListener(type, open, true);
  document.addEventListener("keydown", press, true);
  return () => {
    watch.disconnect();
    preview.end();
    for (const place of places) for (const type of ["click", "keydown"]) place.removeEventListener(type, open, true);
    document.removeEventListener("keydown", press, true);
    for (const tools of document.querySelectorAll(".code-tools")) tools.remove();
  };
}

/** @param {any} chat @param {Element} code */
function addCopy(chat, code) {
  const block = /** @type {Element} */ (code.parentElement);
  if (block.querySelector(":scope > .code-tools")) return;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = chat.t("markdown.copy");
  button.addEventListener("click", async () => {
    await copy(code);
    button.textContent = chat.t("markdown.copied");
    setTimeout(() => { button.textContent = chat.t("markdown.copy"); }, COPIED_MS);
  });
  const tools = document.createElement("span");
  tools.className = "code-tools";
  tools.append(button);
  block.prepend(Object.assign(tools, { guest: true }));
}

/** Where the page is not secure, browsers copy only what is selected. @param {Element} code */
async function copy(code) {
  if (navigator.clipboard) return navigator.clipboard.writeText(code.textContent ?? "");
  getSelection()?.selectAllChildren(code);
  document.execCommand("copy");
}

/** @param {any} chat @param {Element} spoiler */
function close(chat, spoiler) {
  spoiler.setAttribute("tabindex", "0");
  spoiler.setAttribute("role", "button");
  spoiler.setAttribute("aria-label", chat.t("markdown.spoiler"));
}

/** @param {Event} event */
function openSpoiler(event) {
  const spoiler = event.target instanceof Element ? event.target.closest(".spoiler:not([open])") : null;
  if (!spoiler || (event instanceof KeyboardEvent && !["Enter", " "].includes(event.key))) return;
  // A link in it is not followed by the press that shows it.
  event.preventDefault();
  event.stopPropagation();
  spoiler.setAttribute("open", "");
  for (const name of ["role", "aria-label"]) spoiler.removeAttribute(name);
  // It keeps the focus, and is no stop any more.
  spoiler.setAttribute("tabindex", "-1");
}

/** @param {KeyboardEvent} event */
function key(event) {
  const area = event.target;
  if (!(area instanceof HTMLTextAreaElement) || !area.matches(".composer-input, .edit-area, [data-markdown]") || event.isComposing || event.keyCode === 229 || event.altKey) return;
  if (event.key === "Enter" && event.shiftKey ? nextItem(area) : mark(area, event)) event.preventDefault();
}

/** @param {HTMLTextAreaElement} area @param {KeyboardEvent} event @returns {boolean} whether it was one of the keys */
function mark(area, event) {
  if (!(MAC ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey)) return false;
  const name = (event.shiftKey ? "Shift+" : "") + event.key.toLowerCase();
  const { selectionStart: start, selectionEnd: end } = area;
  if (name === "k" && start < end) {
    replace(area, start, end, `[${area.value.slice(start, end)}](https://)`);
    area.setSelectionRange(area.selectionEnd - 1, area.selectionEnd - 1);
    event.stopPropagation();
    return true;
  }
  const marks = { b: "**", i: "*", e: "`", "Shift+x": "~~" }[name];
  if (marks) around(area, start, end, marks);
  return marks !== undefined;
}

/** Put marks around what is selected, or take them away. @param {HTMLTextAreaElement} area @param {number} start @param {number} end @param {string} marks */
function around(area, start, end, marks) {
  const text = area.value.slice(start, end);
  const { length } = marks;
  const before = area.value.slice(0, start);
  const after = area.value.slice(end);
  // One star beside another is a part of two.
  const single = marks !== "*" || (/(^|[^*])\*(\*\*)?$/.test(before) && /^\*(\*\*)?([^*]|$)/.test(after));
  if (before.endsWith(marks) && after.startsWith(marks) && single) {
    replace(area, start - length, end + length, text);
    area.setSelectionRange(start - length, end - length);
  } else {
    replace(area, start, end, marks + text + marks);
    area.setSelectionRange(start + length, end + length);
  }
}

/** Begin another item of a list; after an empty one, end the list. @param {HTMLTextAreaElement} area */
function nextItem(area) {
  const { selectionStart: at, selectionEnd, value } = area;
  const begin = value.lastIndexOf("\n", at - 1) + 1;
  const line = value.slice(begin, at);
  const item = ITEM.exec(line);
  if (!item || at !== selectionEnd) return false;
  const [whole, indent, bullet, number, dot, space, box] = item;
  if (whole === line) replace(area, begin, at, "");
  else replace(area, at, at, `\n${indent}${number ? Number(number) + 1 + dot : bullet}${space}${box ? "[ ] " : ""}`);
  return true;
}

/** By a command of the browser's, so that Ctrl+Z takes it back. @param {HTMLTextAreaElement} area @param {number} start @param {number} end @param {string} text */
function replace(area, start, end, text) {
  area.setSelectionRange(start, end);
  if (document.execCommand(text ? "insertText" : "delete", false, text)) return;
  area.setRangeText(text, start, end, "end");
  area.dispatchEvent(new Event("input", { bubbles: true }));
}
