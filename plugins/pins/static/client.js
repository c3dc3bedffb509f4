/** Pins in the browser: an action of messages, a line below pinned ones, and a panel. */

const TEXTS = {
  en: { "pins.pin": "Pin", "pins.unpin": "Unpin", "pins.title": "Pinned messages", "pins.none": "Nothing is pinned here.", "pins.by": "Pinned by {name}", "pins.pinned": "Pinned" },
  "zh-Hant": { "pins.pin": "釘選", "pins.unpin": "取消釘選", "pins.title": "釘選的訊息", "pins.none": "這裡沒有釘選的訊息。", "pins.by": "由{name}釘選", "pins.pinned": "已釘選" },
  "zh-Hans": { "pins.pin": "固定", "pins.unpin": "取消固定", "pins.title": "固定的消息", "pins.none": "这里没有固定的消息。", "pins.by": "由{name}固定", "pins.pinned": "已固定" },
};

/** @param {any} chat */
export function activate(chat) {
  for (const [language, texts] of Object.entries(TEXTS)) chat.addMessages(language, texts);
  const may = (/** @type {any} */ message) => chat.store.room(message.room)?.joined === true && chat.user()?.role !== "guest";
  const set = (/** @type {any} */ message, /** @type {boolean} */ on) => chat.request("pin", { message_id: message.message_id, on });
  chat.addAction({ id: "pin", of: "message", label: () => chat.t("pins.pin"), when: ({ message, extras }) => may(message) && !message.deleted && !extras.pins,
    run: ({ message }) => set(message, true) });
  chat.addAction({ id: "unpin", of: "message", label: () => chat.t("pins.unpin"), when: ({ message, extras }) => may(message) && Boolean(extras.pins),
    run: ({ message }) => set(message, false) });
  chat.addSlot("message-footer", ({ extras }) => (extras.pins ? mark(chat, extras.pins.by) : null));
  chat.addSlot("panel", ({ room }) => panel(chat, room.name), { title: () => chat.t("pins.title") });
}

/** @param {any} chat @param {string} id */
function mark(chat, id) {
  const user = chat.store.user(id);
  const line = document.createElement("span");
  line.className = "pins-mark";
  line.textContent = user ? chat.t("pins.by", { name: user.display_name || user.name }) : chat.t("pins.pinned");
  return line;
}

/** What is pinned in a room, kept up as long as it is shown. @param {any} chat @param {string} room */
function panel(chat, room) {
  const list = document.createElement("div");
  list.className = "pins-list";
  const fill = async () => {
    try {
      const { messages } = await chat.request("pins", { room });
      list.replaceChildren(...messages.map((/** @type {any} */ message) => entry(chat, message)));
      if (messages.length === 0) list.textContent = chat.t("pins.none");
    } catch (error) {
      list.textContent = /** @type {Error} */ (error).message;
    }
  };
  const changed = (/** @type {any} */ event) => {
    if (!list.isConnected) undos.forEach((undo) => undo());
    else if (event.room === room) void fill();
  };
  const undos = ["pins:pinned", "deleted", "edited"].map((type) => chat.on(type, changed));
  void fill();
  return list;
}

/** @param {any} chat @param {any} message */
function entry(chat, message) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "pins-entry";
  const name = document.createElement("b");
  name.textContent = message.user.display_name || message.user.name;
  const text = document.createElement("span");
  text.textContent = message.content;
  button.append(name, text);
  button.addEventListener("click", () => chat.show(message.room, message.seq));
  return button;
}
