/** Pins in the browser: an action of messages, a line below pinned ones, and a panel. */

const TEXTS = {
  en: { "pins.pin": "Pin", "pins.unpin": "Unpin", "pins.title": "Pinned messages", "pins.none": "Nothing is pinned here.", "pins.by": "Pinned by {name}", "pins.pinned": "Pinned",
    "pins.count": { one: "One pinned message", other: "{count} pinned messages" } },
  "zh-Hant": { "pins.pin": "釘選", "pins.unpin": "取消釘選", "pins.title": "釘選的訊息", "pins.none": "這裡沒有釘選的訊息。", "pins.by": "由{name}釘選", "pins.pinned": "已釘選", "pins.count": "{count} 則釘選的訊息" },
  "zh-Hans": { "pins.pin": "固定", "pins.unpin": "取消固定", "pins.title": "固定的消息", "pins.none": "这里没有固定的消息。", "pins.by": "由{name}固定", "pins.pinned": "已固定", "pins.count": "{count} 条固定的消息" },
};

/** @param {any} chat */
export function activate(chat) {
  for (const [language, texts] of Object.entries(TEXTS)) chat.addMessages(language, texts);
  const may = (/** @type {any} */ message) => chat.may("pins.pin", message.room);
  const set = (/** @type {any} */ message, /** @type {boolean} */ on) => chat.request("pin", { message_id: message.message_id, on });
  chat.addAction({ id: "pin", of: "message", icon: "pin", label: () => chat.t("pins.pin"), when: ({ message }) => may(message) && !message.deleted && !message.pinned,
    run: ({ message }) => set(message, true) });
  chat.addAction({ id: "unpin", of: "message", icon: "pin", label: () => chat.t("pins.unpin"), when: ({ message }) => may(message) && Boolean(message.pinned),
    run: ({ message }) => set(message, false) });
  chat.addSlot("message-footer", ({ message }) => (message.pinned ? mark(chat, message.pinned_by) : null));
  chat.addSlot("header", header(chat));
  chat.addSlot("panel", ({ room }) => panel(chat, room.name), { title: () => chat.t("pins.title"), icon: "pin" });
}

/** A button with how much is pinned in the room on the screen, for rooms where something is. @param {any} chat */
function header(chat) {
  let shown = "";
  /** What is pinned, so that no event needs a question. @type {Set<string>} */
  let ids = new Set();
  const button = document.createElement("button");
  button.type = "button";
  button.className = "icon-button pins-open";
  button.addEventListener("click", () => chat.panel());
  const number = document.createElement("span");
  button.append(symbol(), number);
  const draw = () => {
    button.hidden = ids.size === 0;
    number.textContent = String(ids.size);
    button.title = chat.t("pins.count", { count: ids.size });
    button.setAttribute("aria-label", button.title);
  };
  const ask = async () => {
    const room = shown;
    // Without an answer it stays as it is; the next connection asks again.
    const { message_ids: found } = await chat.request("pins:ids", { room }).catch(() => ({}));
    if (room !== shown || !found) return;
    ids = new Set(found);
    draw();
  };
  const changed = (/** @type {any} */ event) => {
    if (event.room !== shown) return;
    if (event.on) ids.add(event.message_id);
    else ids.delete(event.message_id);
    draw();
  };
  chat.on("live", () => shown && void ask());
  for (const type of ["pinned", "deleted"]) chat.on(type, changed);
  return (/** @type {any} */ { room }) => {
    if (room.name !== shown) {
      shown = room.name;
      ids = new Set();
      void ask();
    }
    draw();
    return button;
  };
}

function symbol() {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", "M7 3.500h6M8 3.500v5l-2.500 3h9l-2.500-3v-5M10 11.500v5.500");
  for (const [name, value] of Object.entries({ fill: "none", stroke: "currentColor", "stroke-width": "1.5", "stroke-linecap": "round", "stroke-linejoin": "round" })) path.setAttribute(name, value);
  svg.append(path);
  return svg;
}

/** @param {any} chat @param {{id: string, name: string}} by */
function mark(chat, by) {
  const user = chat.store.user(by.id);
  const name = user ? user.display_name || user.name : by.name;
  const line = document.createElement("span");
  line.className = "pins-mark";
  line.textContent = name ? chat.t("pins.by", { name }) : chat.t("pins.pinned");
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
    else if (event.type === "live" || event.room === room) void fill();
  };
  const undos = ["live", "pinned", "deleted", "edited"].map((type) => chat.on(type, changed));
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
  text.textContent = chat.plainText(message);
  button.append(name, text);
  button.addEventListener("click", () => chat.show(message.room, message.seq));
  return button;
}
