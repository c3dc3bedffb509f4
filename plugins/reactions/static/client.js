/** Reactions in the browser: chips below a message, and the quick ones beside what else can be done with it. */

const TEXTS = {
  en: {
    "reactions.others": { one: "{names} and one more", other: "{names} and {count} more" },
    "reactions.with": "{emoji}: {names}",
    "reactions.add": "React with {emoji}",
  },
  "zh-Hant": { "reactions.others": "{names}與其他 {count} 人", "reactions.with": "{emoji}：{names}", "reactions.add": "以 {emoji} 回應" },
  "zh-Hans": { "reactions.others": "{names}与其他 {count} 人", "reactions.with": "{emoji}：{names}", "reactions.add": "用 {emoji} 回应" },
};
const NAMED = 10;

/** @param {any} chat */
export function activate(chat) {
  for (const [language, texts] of Object.entries(TEXTS)) chat.addMessages(language, texts);
  const joined = (/** @type {any} */ message) => chat.store.room(message.room)?.joined === true;
  chat.addSlot("message-footer", ({ message, extras }) => chips(chat, message, extras.reactions ?? {}, joined(message)));
  chat.addSlot("message-menu", ({ message, extras }) => (joined(message) ? quick(chat, message, extras.reactions ?? {}) : null));
}

/** @param {any} chat @param {any} message @param {Record<string, {count: number, users: string[]}>} reactions @param {boolean} joined */
function chips(chat, message, reactions, joined) {
  const all = Object.entries(reactions);
  if (all.length === 0) return null;
  const box = document.createElement("span");
  box.className = "reactions";
  for (const [emoji, { count, users }] of all) {
    const on = users.includes(chat.user()?.id);
    const who = names(chat, users, count);
    const chip = button(chat, message, emoji, on, chat.t("reactions.with", { emoji, names: who }));
    chip.className = "reaction";
    chip.setAttribute("aria-pressed", String(on));
    chip.disabled = !joined;
    chip.append(emoji, " ", String(count));
    box.append(chip);
  }
  return box;
}

/** @param {any} chat @param {any} message @param {Record<string, {users: string[]}>} reactions */
function quick(chat, message, reactions) {
  const bar = document.createElement("span");
  bar.className = "reactions-quick";
  for (const emoji of chat.settings.quick) {
    const on = reactions[emoji]?.users.includes(chat.user()?.id) ?? false;
    const each = button(chat, message, emoji, on, chat.t("reactions.add", { emoji }));
    each.setAttribute("aria-pressed", String(on));
    each.textContent = emoji;
    bar.append(each);
  }
  return bar;
}

/** A press sets the reaction, or takes it back. @param {any} chat @param {any} message @param {string} emoji @param {boolean} on @param {string} label */
function button(chat, message, emoji, on, label) {
  const button = document.createElement("button");
  button.type = "button";
  button.title = label;
  button.setAttribute("aria-label", label);
  button.addEventListener("click", async () => {
    try {
      await chat.request("react", { message_id: message.message_id, emoji, on: !on });
    } catch (error) {
      button.title = /** @type {Error} */ (error).message;
    }
  });
  return button;
}

/** @param {any} chat @param {string[]} users @param {number} count */
function names(chat, users, count) {
  const known = users.map((id) => chat.store.user(id)).filter(Boolean).slice(0, NAMED).map((user) => user.display_name || user.name);
  const shown = known.join(", ");
  return known.length < count ? chat.t("reactions.others", { names: shown, count: count - known.length }) : shown;
}
