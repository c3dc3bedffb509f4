/** Reactions in the browser: chips below a message, the quick ones beside what else can be done with it, and all others in the picker of the plugin `emoji`. */

const TEXTS = {
  en: {
    "reactions.others": { one: "{names} and one more", other: "{names} and {count} more" },
    "reactions.people": { one: "one person", other: "{count} people" },
    "reactions.with": "{emoji}: {names}",
    "reactions.add": "React with {emoji}",
    "reactions.more": "Another reaction",
  },
  "zh-Hant": { "reactions.others": "{names}與其他 {count} 人", "reactions.people": "{count} 人", "reactions.with": "{emoji}：{names}",
    "reactions.add": "以 {emoji} 回應", "reactions.more": "其他回應" },
  "zh-Hans": { "reactions.others": "{names}与其他 {count} 人", "reactions.people": "{count} 人", "reactions.with": "{emoji}：{names}",
    "reactions.add": "用 {emoji} 回应", "reactions.more": "其他回应" },
};
const NAMED = 10;
const LISTED = 100;
const PICKER = "/plugins/emoji/static/picker.js";
const HOLD_MS = 450;
const EDGE_PX = 8;

/** @typedef {{emoji: string, count: number, users: string[]}} Counted */

/** @param {any} chat */
export function activate(chat) {
  for (const [language, texts] of Object.entries(TEXTS)) chat.addMessages(language, texts);
  const may = (/** @type {any} */ message) => chat.may("reactions.react", message.room);
  const popup = new Popup();
  /** The names of those that the page doesn't know, by their ids. @type {Map<string, string>} */
  const asked = new Map();
  chat.addSlot("message-footer", ({ message }) => chips(chat, popup, asked, message, message.reactions ?? [], may(message)));
  chat.addSlot("message-menu", ({ message }) => (may(message) ? quick(chat, message) : null));
  return () => popup.close();
}

/** Whether the user has reacted so, as it is now. @param {any} chat @param {any} message @param {string} emoji @returns {boolean} */
function isOn(chat, message, emoji) {
  const now = chat.store.message(message.room, message.message_id) ?? message;
  return now.reactions?.find((/** @type {Counted} */ each) => each.emoji === emoji)?.users.includes(chat.user()?.id) ?? false;
}

/** Set a reaction, or take it back. @param {any} chat @param {any} message @param {string} emoji */
async function toggle(chat, message, emoji) {
  try {
    await chat.request("react", { message_id: message.message_id, emoji, on: !isOn(chat, message, emoji) });
  } catch (error) {
    chat.toast(/** @type {Error} */ (error).message);
  }
}

/** @param {any} chat @param {Popup} popup @param {Map<string, string>} asked @param {any} message @param {Counted[]} reactions @param {boolean} may */
function chips(chat, popup, asked, message, reactions, may) {
  if (reactions.length === 0) return null;
  const box = document.createElement("span");
  box.className = "reactions";
  for (const { emoji, count, users } of reactions) {
    const chip = button("reaction", "", () => may && void toggle(chat, message, emoji));
    const name = () => label(chip, chat.t("reactions.with", { emoji, names: names(chat, asked, users, count) }));
    const ask = async () => {
      if (users.every((id) => nameOf(chat, asked, id))) return;
      for (const user of await who(chat, message, emoji)) asked.set(user.id, user.display_name || user.name);
      name();
    };
    name();
    chip.setAttribute("aria-pressed", String(users.includes(chat.user()?.id)));
    chip.setAttribute("aria-disabled", String(!may));
    chip.append(face(chat, emoji), " ", String(count));
    for (const type of ["pointerenter", "focus"]) chip.addEventListener(type, () => void ask().catch(() => {}), { once: true });
    onHold(chip, () => void list(chat, popup, message, emoji, count, chip));
    box.append(chip);
  }
  return box;
}

/** @param {any} chat @param {any} message @param {string} emoji @returns {Promise<any[]>} the users */
async function who(chat, message, emoji) {
  const { reactions } = await chat.request("reactions", { message_id: message.message_id, emoji });
  return reactions[0]?.users ?? [];
}

/** All who reacted so. @param {any} chat @param {Popup} popup @param {any} message @param {string} emoji @param {number} count @param {HTMLElement} opener */
async function list(chat, popup, message, emoji, count, opener) {
  try {
    const users = await who(chat, message, emoji);
    const lines = users.slice(0, LISTED).map((user) => Object.assign(document.createElement("li"), { textContent: user.display_name || user.name, dir: "auto" }));
    const all = document.createElement("ul");
    const rest = count - lines.length;
    all.append(...lines, ...(rest > 0 ? [Object.assign(document.createElement("li"), { textContent: `${lines.length ? "+ " : ""}${chat.t("reactions.people", { count: rest })}` })] : []));
    const head = Object.assign(document.createElement("b"), { textContent: `${emoji} ${count}` });
    popup.open(`${emoji} ${chat.t("reactions.people", { count })}`, opener.getBoundingClientRect(), head, all);
  } catch (error) {
    chat.toast(/** @type {Error} */ (error).message);
  }
}

/** What is shown of an emoji: itself, or the picture of one of this server's own. @param {any} chat @param {string} emoji @returns {Node|string} */
function face(chat, emoji) {
  if (!/^:[a-z0-9_+-]+:$/.test(emoji) || !chat.store.hasPlugin("emoji")) return emoji;
  return Object.assign(document.createElement("img"), { className: "emoji", src: `/plugins/emoji/c/${emoji.slice(1, -1)}`, alt: emoji, width: 20, height: 20 });
}

/** @param {any} chat @param {any} message */
function quick(chat, message) {
  const bar = document.createElement("span");
  bar.className = "reactions-quick";
  for (const emoji of chat.settings.quick) bar.append(choice(chat, emoji, isOn(chat, message, emoji), () => void toggle(chat, message, emoji)));
  if (chat.store.hasPlugin("emoji")) {
    const more = button("reactions-more", chat.t("reactions.more"), () => {
      const from = more.getBoundingClientRect();
      // Once the sheet on a phone is closed.
      requestAnimationFrame(() => void pick(chat, message, from));
    });
    more.textContent = "+";
    more.setAttribute("aria-haspopup", "dialog");
    bar.append(more);
  }
  return bar;
}

/** Choose among all emoji, in the picker of the plugin `emoji`. @param {any} chat @param {any} message @param {DOMRect} from */
async function pick(chat, message, from) {
  try {
    const { openPicker } = await import(/** @type {string} */ (PICKER));
    openPicker(chat, from, (/** @type {string} */ emoji) => void toggle(chat, message, emoji));
  } catch (error) {
    chat.toast(/** @type {Error} */ (error).message);
  }
}

/** What floats above the page, one at a time; the browser closes it at Escape and at a press elsewhere. */
class Popup {
  constructor() {
    /** @type {HTMLElement|null} */
    this.box = null;
  }

  /** @param {string} title @param {DOMRect} from what it stands beside @param {...Node} content */
  open(title, from, ...content) {
    this.close();
    const box = Object.assign(document.createElement("div"), { className: "reactions-popup", popover: "auto" });
    box.setAttribute("role", "dialog");
    box.setAttribute("aria-label", title);
    box.append(...content);
    const resized = new ResizeObserver(() => place(box, from));
    box.addEventListener("toggle", (event) => /** @type {ToggleEvent} */ (event).newState === "closed" && box.remove());
    document.body.append(box);
    box.showPopover();
    place(box, from);
    resized.observe(box);
    this.box = box;
  }

  close() {
    this.box?.remove();
    this.box = null;
  }
}

/** Below, or above where there is no room for all that it may come to show. @param {HTMLElement} box @param {DOMRect} from */
function place(box, from) {
  const { offsetWidth: width, offsetHeight: height } = box;
  const highest = Number.parseFloat(getComputedStyle(box).maxHeight) || height;
  const top = from.bottom + highest + EDGE_PX < window.innerHeight ? from.bottom : from.top - height;
  box.style.setProperty("left", `${Math.max(EDGE_PX, Math.min(from.left, window.innerWidth - width - EDGE_PX))}px`);
  box.style.setProperty("top", `${Math.max(EDGE_PX, Math.min(top, window.innerHeight - height - EDGE_PX))}px`);
}

/** @param {any} chat @param {string} emoji @param {boolean} on @param {() => void} act */
function choice(chat, emoji, on, act) {
  const each = button("", chat.t("reactions.add", { emoji }), act);
  each.setAttribute("aria-pressed", String(on));
  each.textContent = emoji;
  return each;
}

/** @param {string} className @param {string} text @param {() => void} act */
function button(className, text, act) {
  const button = Object.assign(document.createElement("button"), { type: "button", className });
  label(button, text);
  button.addEventListener("click", act);
  return button;
}

/** @param {HTMLElement} node @param {string} text */
function label(node, text) {
  node.title = text;
  node.setAttribute("aria-label", text);
}

/** A finger that rests, or the right button; the press is none then. @param {HTMLElement} node @param {() => void} act */
function onHold(node, act) {
  let timer = 0;
  let held = false;
  node.addEventListener("pointerdown", (event) => {
    held = false;
    if (event.pointerType !== "mouse") timer = window.setTimeout(() => { held = true; act(); }, HOLD_MS);
  });
  for (const type of ["pointerup", "pointercancel", "pointerleave"]) node.addEventListener(type, () => clearTimeout(timer));
  node.addEventListener("click", (event) => held && event.stopImmediatePropagation(), { capture: true });
  node.addEventListener("contextmenu", (event) => {
    event.preventDefault();
    event.stopPropagation();
    if (event.button === 2 && /** @type {PointerEvent} */ (event).pointerType === "mouse") act();
  });
}

/** @param {any} chat @param {Map<string, string>} asked @param {string} id @returns {string|undefined} */
function nameOf(chat, asked, id) {
  const user = chat.store.user(id);
  return user ? user.display_name || user.name : asked.get(id);
}

/** @param {any} chat @param {Map<string, string>} asked @param {string[]} users @param {number} count */
function names(chat, asked, users, count) {
  const known = users.map((id) => nameOf(chat, asked, id)).filter(Boolean).slice(0, NAMED);
  if (known.length === 0) return chat.t("reactions.people", { count });
  const shown = known.join(", ");
  return known.length < count ? chat.t("reactions.others", { names: shown, count: count - known.length }) : shown;
}
