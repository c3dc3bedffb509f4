/** Read receipts in the browser: a line below one's own last message, who has read another, and a switch in the settings. */

const TEXTS = {
  en: { "receipts.title": "Read receipts", "receipts.show": "Let others see how far I have read", "receipts.by": "Read by {names}", "receipts.read": "Read", "receipts.others": { one: "{names} and one more", other: "{names} and {count} more" },
    "receipts.who": "Who has read it", "receipts.none": "No one has read it yet, or lets it be seen.", "receipts.roomOff": "Hide who has read", "receipts.roomOn": "Show who has read" },
  "zh-Hant": { "receipts.title": "已讀", "receipts.show": "讓其他人看到我讀到哪裡", "receipts.by": "{names} 已讀", "receipts.read": "已讀", "receipts.others": "{names}與其他 {count} 人", "receipts.who": "誰讀過",
    "receipts.none": "還沒有人讀過，或他們不顯示。", "receipts.roomOff": "隱藏誰讀過", "receipts.roomOn": "顯示誰讀過" },
  "zh-Hans": { "receipts.title": "已读", "receipts.show": "让其他人看到我读到哪里", "receipts.by": "{names} 已读", "receipts.read": "已读", "receipts.others": "{names}与其他 {count} 人", "receipts.who": "谁读过",
    "receipts.none": "还没有人读过，或他们不显示。", "receipts.roomOff": "隐藏谁读过", "receipts.roomOn": "显示谁读过" },
};
const NAMED = 3;

/** @param {any} chat */
export function activate(chat) {
  for (const [language, texts] of Object.entries(TEXTS)) chat.addMessages(language, texts);
  const receipts = new Receipts(chat);
  chat.addSlot("message-footer", ({ message, room, beside }) => (!beside && message.user.id === chat.user()?.id ? receipts.line(room.name, message.seq) : null));
  chat.addAction({ id: "who", of: "message", icon: "check", label: () => chat.t("receipts.who"), when: ({ message, room }) => !message.deleted && receipts.shows(room.name),
    run: ({ message }) => receipts.list(message) });
  for (const on of [true, false]) {
    chat.addAction({ id: on ? "show" : "hide", of: "room", icon: "check", label: () => chat.t(on ? "receipts.roomOn" : "receipts.roomOff"),
      when: ({ room }) => chat.may("receipts.room", room.name) && receipts.shows(room.name) !== on, run: ({ room }) => chat.request("receipts:room", { room: room.name, on }) });
  }
  chat.addSlot("settings", () => page(chat), { title: () => chat.t("receipts.title") });
}

/** How far others have read, and where that is shown. */
class Receipts {
  /** @param {any} chat */
  constructor(chat) {
    this.chat = chat;
    /** By room: how far each user has read; null where a room shows it not. @type {Map<string, Map<string, {user: any, seq: number}>|null>} */
    this.rooms = new Map();
    /** The lines that are drawn, by room and seq. @type {Map<string, Map<number, HTMLElement>>} */
    this.lines = new Map();
    /** Users who wrote without being among the readers, by room: it is asked for once. @type {Set<string>} */
    this.asked = new Set();
    chat.on("receipts:read", ({ room, user, seq }) => this.moved(room, user, seq));
    /** How often users have begun to keep it back: what was asked before that is asked again. */
    this.kept = 0;
    chat.on("receipts:kept", ({ room, user }) => {
      this.kept += 1;
      if (this.rooms.get(room)?.delete(user.id)) this.paint(room);
    });
    // Who writes has read what came before, and may keep it back.
    chat.on("message", ({ room, user, seq }) => {
      const known = this.rooms.get(room)?.has(user.id);
      if (known) this.moved(room, user, seq - 1);
      else if (known === false && user.id !== chat.user()?.id && !this.asked.has(`${room} ${user.id}`)) {
        this.asked.add(`${room} ${user.id}`);
        void this.ask(room);
      }
    });
    chat.on("receipts:room", ({ room, on }) => {
      this.rooms.set(room, on ? new Map() : null);
      if (on) void this.ask(room);
      this.paint(room);
    });
    chat.on("live", () => {
      const shown = this.chat.room()?.name;
      this.rooms.clear();
      this.asked.clear();
      if (shown && this.lines.has(shown)) void this.ask(shown);
    });
  }

  /** @param {string} room */
  shows(room) {
    return this.rooms.get(room) !== null;
  }

  /** @param {string} room @param {any} user @param {number} seq */
  moved(room, user, seq) {
    const marks = this.rooms.get(room);
    if (!marks || user.id === this.chat.user()?.id || user.bot || seq <= (marks.get(user.id)?.seq ?? 0)) return;
    marks.set(user.id, { user, seq });
    this.paint(room);
  }

  /** @param {string} room */
  async ask(room) {
    const { kept } = this;
    try {
      const { readers } = await this.chat.request("receipts", { room });
      if (kept !== this.kept) return this.ask(room);
      this.rooms.set(room, new Map(readers.map((/** @type {any} */ one) => [one.user.id, one])));
    } catch (error) {
      if (/** @type {any} */ (error).code === "forbidden") this.rooms.set(room, null);
      else this.rooms.delete(room);
    }
    this.paint(room);
  }

  /** @param {string} room @param {number} seq */
  line(room, seq) {
    const line = Object.assign(document.createElement("span"), { className: "receipts-line", hidden: true });
    const lines = this.lines.get(room) ?? new Map();
    this.lines.set(room, lines.set(seq, line));
    if (!this.rooms.has(room)) {
      this.rooms.set(room, new Map());
      void this.ask(room);
    }
    // Once it stands in the page.
    requestAnimationFrame(() => this.paint(room));
    return line;
  }

  /** Below the last own message that is on the page. @param {string} room */
  paint(room) {
    const lines = this.lines.get(room);
    if (!lines) return;
    for (const [seq, line] of lines) if (!line.isConnected) lines.delete(seq);
    const last = Math.max(...lines.keys());
    for (const [seq, line] of lines) {
      const names = seq === last ? this.names(room, seq) : [];
      line.hidden = names.length === 0;
      line.textContent = names.length ? this.said(room, names) : "";
    }
  }

  /** @param {string} room @param {number} seq @returns {string[]} */
  names(room, seq) {
    return [...(this.rooms.get(room)?.values() ?? [])].filter((one) => one.seq >= seq).map(({ user }) => user.display_name || user.name);
  }

  /** @param {string} room @param {string[]} names */
  said(room, names) {
    const { chat } = this;
    if (chat.store.room(room)?.with) return chat.t("receipts.read");
    const shown = names.slice(0, NAMED).join(", ");
    return chat.t("receipts.by", { names: names.length > NAMED ? chat.t("receipts.others", { names: shown, count: names.length - NAMED }) : shown });
  }

  /** @param {any} message */
  async list({ room, seq }) {
    const { readers } = await this.chat.request("receipts", { room, seq });
    const names = readers.map((/** @type {any} */ { user }) => user.display_name || user.name);
    this.chat.toast(names.length ? this.chat.t("receipts.by", { names: names.join(", ") }) : this.chat.t("receipts.none"));
  }
}

/** @param {any} chat */
function page(chat) {
  const label = Object.assign(document.createElement("label"), { className: "receipts-setting" });
  const box = Object.assign(document.createElement("input"), { type: "checkbox", disabled: true });
  label.append(box, " ", chat.t("receipts.show"));
  const set = async (/** @type {object} */ fields) => {
    try {
      box.checked = (await chat.request("receipts:show", fields)).on;
      box.disabled = false;
    } catch (error) {
      chat.toast(/** @type {Error} */ (error).message);
    }
  };
  box.addEventListener("change", () => void set({ on: box.checked }));
  void set({});
  return label;
}
