/** Reminders in the browser: actions of messages, a panel with what is planned, and the user's time zone for the server. */

const TEXTS = {
  en: { "reminders.title": "Reminders and later messages", "reminders.hour": "Remind me in an hour", "reminders.tomorrow": "Remind me tomorrow", "reminders.set": "I will remind you: {when}", "reminders.none": "Nothing is planned.",
    "reminders.cancel": "Take back", "reminders.kind.reminder": "Remind me", "reminders.kind.message": "Send in this room", "reminders.text": "Text", "reminders.when": "When", "reminders.add": "Plan", "reminders.message": "a message",
    "reminders.into": "into {room}", "reminders.go": "Go to the message" },
  "zh-Hant": { "reminders.title": "提醒與稍後傳送", "reminders.hour": "一小時後提醒我", "reminders.tomorrow": "明天提醒我", "reminders.set": "我會提醒你：{when}", "reminders.none": "沒有安排任何事。", "reminders.cancel": "取消",
    "reminders.kind.reminder": "提醒我", "reminders.kind.message": "傳送到這個聊天室", "reminders.text": "文字", "reminders.when": "時間", "reminders.add": "安排", "reminders.message": "一則訊息", "reminders.into": "到 {room}", "reminders.go": "前往訊息" },
  "zh-Hans": { "reminders.title": "提醒与稍后发送", "reminders.hour": "一小时后提醒我", "reminders.tomorrow": "明天提醒我", "reminders.set": "我会提醒你：{when}", "reminders.none": "没有安排任何事。", "reminders.cancel": "取消",
    "reminders.kind.reminder": "提醒我", "reminders.kind.message": "发送到这个聊天室", "reminders.text": "文字", "reminders.when": "时间", "reminders.add": "安排", "reminders.message": "一条消息", "reminders.into": "到 {room}", "reminders.go": "前往消息" },
};
const HOUR_MS = 3_600_000;
const MORNING = 9;

/** @param {any} chat */
export function activate(chat) {
  for (const [language, texts] of Object.entries(TEXTS)) chat.addMessages(language, texts);
  const zone = () => void chat.request("reminders:zone", { zone: Intl.DateTimeFormat().resolvedOptions().timeZone }).catch(() => {});
  zone();
  chat.on("live", zone);
  for (const [id, when] of /** @type {[string, () => number][]} */ ([["hour", () => Date.now() + HOUR_MS], ["tomorrow", tomorrow]])) {
    chat.addAction({ id, of: "message", icon: "clock", label: () => chat.t(`reminders.${id}`), when: ({ message }) => !message.deleted, run: async ({ message }) => {
      const at = when();
      await chat.request("reminders:add", { kind: "reminder", at: at / 1000, message_id: message.message_id });
      chat.toast(chat.t("reminders.set", { when: time(at) }));
    } });
  }
  chat.addSlot("message-footer", ({ extras }) => (extras.reminders?.room ? link(chat, extras.reminders) : null));
  chat.addSlot("panel", ({ room }) => new Panel(chat, room).element, { title: () => chat.t("reminders.title"), icon: "clock" });
}

/** Tomorrow morning. */
function tomorrow() {
  const day = new Date();
  day.setDate(day.getDate() + 1);
  return day.setHours(MORNING, 0, 0, 0);
}

/** To the message that a reminder is of. @param {any} chat @param {{room: string, seq: number}} place */
function link(chat, { room, seq }) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "link-button", textContent: chat.t("reminders.go") });
  button.addEventListener("click", () => chat.show(room, seq));
  return button;
}

/** What is planned, and a form for more. */
class Panel {
  /** @param {any} chat @param {any} room */
  constructor(chat, room) {
    this.chat = chat;
    this.room = room;
    this.element = Object.assign(document.createElement("div"), { className: "reminders-panel" });
    this.list = Object.assign(document.createElement("div"), { className: "reminders-list" });
    this.list.setAttribute("role", "list");
    this.note = Object.assign(document.createElement("p"), { className: "reminders-note" });
    this.note.setAttribute("role", "status");
    this.text = Object.assign(document.createElement("textarea"), { className: "reminders-field", rows: 2, maxLength: 2000, required: true });
    this.when = Object.assign(document.createElement("input"), { className: "reminders-field", type: "datetime-local", required: true, value: field(tomorrow()) });
    this.kind = Object.assign(document.createElement("select"), { className: "reminders-field" });
    for (const kind of ["reminder", "message"]) this.kind.append(new Option(chat.t(`reminders.kind.${kind}`), kind));
    this.kind.setAttribute("aria-label", chat.t("reminders.title"));
    const form = Object.assign(document.createElement("form"), { className: "reminders-form", method: "dialog" });
    form.append(this.kind, labelled(chat.t("reminders.text"), this.text), labelled(chat.t("reminders.when"), this.when),
      Object.assign(document.createElement("button"), { type: "submit", className: "button primary", textContent: chat.t("reminders.add") }));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.add();
    });
    this.element.append(form, this.note, this.list);
    const changed = () => {
      if (this.element.isConnected) void this.fill();
      else undos.forEach((undo) => undo());
    };
    const undos = ["live", "reminders:changed"].map((type) => chat.on(type, changed));
    void this.fill();
  }

  async fill() {
    try {
      const { reminders } = await this.chat.request("reminders", {});
      this.list.replaceChildren(...reminders.map((/** @type {any} */ one) => this.entry(one)));
      this.note.textContent = reminders.length ? "" : this.chat.t("reminders.none");
    } catch (error) {
      this.note.textContent = /** @type {Error} */ (error).message;
    }
  }

  /** @param {{id: string, kind: string, due: number, text: string, room: string}} one */
  entry({ id, kind, due, text, room }) {
    const { chat } = this;
    const item = Object.assign(document.createElement("div"), { className: "reminders-item" });
    item.setAttribute("role", "listitem");
    const known = chat.store.room(room);
    const where = kind === "message" ? ` · ${chat.t("reminders.into", { room: known?.title || room })}` : "";
    const head = Object.assign(document.createElement("span"), { className: "reminders-when", textContent: `${time(due * 1000)}${where}` });
    const said = Object.assign(document.createElement("span"), { className: "reminders-text", textContent: text || chat.t("reminders.message"), dir: "auto" });
    const cancel = Object.assign(document.createElement("button"), { type: "button", className: "link-button", textContent: chat.t("reminders.cancel") });
    cancel.addEventListener("click", () => void this.ask("reminders:cancel", { reminder: id }));
    item.append(head, said, cancel);
    return item;
  }

  async add() {
    const kind = this.kind.value;
    const done = await this.ask("reminders:add", { kind, at: new Date(this.when.value).getTime() / 1000, text: this.text.value, ...(kind === "message" ? { room: this.room.name } : {}) });
    if (done) this.text.value = "";
  }

  /** @param {string} type @param {object} fields @returns {Promise<boolean>} whether it was done */
  async ask(type, fields) {
    try {
      await this.chat.request(type, fields);
      await this.fill();
      return true;
    } catch (error) {
      this.note.textContent = /** @type {Error} */ (error).message;
      return false;
    }
  }
}

/** @param {string} text @param {HTMLElement} control */
function labelled(text, control) {
  const label = Object.assign(document.createElement("label"), { className: "reminders-label" });
  label.append(Object.assign(document.createElement("span"), { textContent: text }), control);
  return label;
}

/** @param {number} ms */
function time(ms) {
  return new Date(ms).toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
}

/** As a field for a time has it, on the clock here. @param {number} ms */
function field(ms) {
  const at = new Date(ms);
  return new Date(ms - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
