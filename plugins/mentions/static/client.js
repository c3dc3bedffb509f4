/** Mentions in the browser: a list of all, @here and the like, and what the user is told of, the same on all devices. */

const TEXTS = {
  en: { "mentions.title": "Mentions", "mentions.none": "No one has mentioned you.", "mentions.more": "Show more", "mentions.count": { one: "Mentions, one is new", other: "Mentions, {count} are new" },
    "mentions.for": "For {names}", "mentions.quietHour": "No notifications for an hour", "mentions.quietDay": "No notifications for a day", "mentions.new": "new" },
  "zh-Hant": { "mentions.title": "提及", "mentions.none": "沒有人提到你。", "mentions.more": "顯示更多", "mentions.count": "提及，{count} 則新的", "mentions.for": "給 {names}",
    "mentions.quietHour": "一小時內不通知", "mentions.quietDay": "一天內不通知", "mentions.new": "新" },
  "zh-Hans": { "mentions.title": "提及", "mentions.none": "没有人提到你。", "mentions.more": "显示更多", "mentions.count": "提及，{count} 条新的", "mentions.for": "给 {names}",
    "mentions.quietHour": "一小时内不通知", "mentions.quietDay": "一天内不通知", "mentions.new": "新" },
};
const HOUR = 3600;
/** So long after something changed the list is asked for anew. */
const PAUSE_MS = 300;
/** The longest time that a browser's timer waits. */
const LONGEST_MS = 2 ** 31 - 1;

/** @param {any} chat */
export function activate(chat) {
  for (const [language, texts] of Object.entries(TEXTS)) chat.addMessages(language, texts);
  const wishes = new Wishes(chat);
  const list = new List(chat);
  const isForMe = (/** @type {any} */ { user, extras }) => user.id !== chat.user()?.id
    && Boolean(extras?.mentions && (extras.mentions.room || extras.mentions.here || extras.mentions.users?.includes(chat.user()?.id)));
  chat.addCalled({ names: () => ["here", "room", ...chat.settings.groups], isForMe });
  chat.addSlot("sidebar", () => list.button);
  chat.addSlot("message-footer", ({ extras }) => (extras.mentions ? mark(chat, extras.mentions) : null));
  chat.addAction({ id: "list", of: "app", label: () => chat.t("mentions.title"), icon: "bell", run: () => list.open() });
  for (const [id, hours] of /** @type {const} */ ([["quietHour", 1], ["quietDay", 24]])) {
    chat.addAction({ id, of: "room", label: () => chat.t(`mentions.${id}`), icon: "mute", when: ({ room }) => room.joined,
      run: ({ room }) => chat.request("notify", { room: room.name, level: "none", until: Math.round(Date.now() / 1000) + hours * HOUR }) });
  }
  return () => {
    wishes.end();
    list.end();
  };
}

/** Whom a message calls by another word than a name. @param {any} chat @param {{room?: boolean, here?: boolean, groups?: string[]}} called */
function mark(chat, called) {
  const names = [...["room", "here"].filter((name) => called[/** @type {"room"|"here"} */ (name)]), ...(called.groups ?? [])].map((name) => `@${name}`);
  return names.length ? Object.assign(document.createElement("span"), { className: "mentions-mark", textContent: chat.t("mentions.for", { names: names.join(", ") }) }) : null;
}

/** Keeps what this browser knows of the user's wishes and what the server keeps the same. */
class Wishes {
  /** @param {any} chat */
  constructor(chat) {
    this.chat = chat;
    this.timer = 0;
    /** What the server has, in the browser's form; null before it is known. @type {any} */
    this.there = null;
    chat.on("live", () => void this.ask());
    chat.on("mentions:wishes", (/** @type {any} */ wishes) => this.take(wishes));
    chat.on("wishes", () => void this.changed());
    void this.ask();
  }

  async ask() {
    try {
      const wishes = await this.chat.request("mentions:wishes", {});
      if (wishes.known) return this.take(wishes);
      // The first device's wishes become those of all.
      this.there = local({ level: "mentions", levels: {}, keywords: [], quiet: { until: 0, daily: false, from: "22:00", to: "07:00" } });
      await this.changed();
    } catch {
      // The next connection asks again.
    }
  }

  /** @param {any} wishes from the server */
  take(wishes) {
    clearTimeout(this.timer);
    this.there = null;
    const there = local(wishes);
    this.chat.wishes(there);
    this.there = there;
    const ends = Object.values(wishes.levels).map(({ until }) => until * 1000 - Date.now()).filter((ms) => ms > 0 && ms < LONGEST_MS);
    // A level that is over is the usual one again.
    if (ends.length) this.timer = window.setTimeout(() => this.take(wishes), Math.min(...ends) + 50);
  }

  /** Tell the server what was changed here. */
  async changed() {
    const { chat, there } = this;
    if (!there) return;
    const now = chat.wishes();
    const news = Object.fromEntries(["level", "keywords", "quiet"].filter((key) => JSON.stringify(now[key]) !== JSON.stringify(there[key])).map((key) => [key, remote(key, now[key])]));
    const rooms = [...new Set([...Object.keys(now.levels), ...Object.keys(there.levels)])].filter((name) => now.levels[name] !== there.levels[name]);
    this.there = now;
    await Promise.all([...rooms.map((room) => this.send("notify", { room, level: now.levels[room] ?? null })),
      ...(Object.keys(news).length ? [this.send("mentions:wishes", news)] : [])]);
  }

  /** @param {string} type @param {object} fields */
  async send(type, fields) {
    try {
      await this.chat.request(type, fields);
    } catch (error) {
      const { code, message } = /** @type {Error & {code?: string}} */ (error);
      // A room that is gone needs no level.
      if (code !== "not_found") this.chat.toast(message);
    }
  }

  end() {
    clearTimeout(this.timer);
  }
}

/** As the browser has them. @param {any} wishes */
function local({ level, levels, keywords, quiet: { until, daily, from, to } }) {
  const now = Date.now() / 1000;
  const left = Object.entries(levels).filter(([, one]) => one.until === null || one.until > now);
  return { levels: Object.fromEntries(left.map(([room, one]) => [room, one.level])), level, keywords: keywords.join(", "), quiet: { until: until * 1000, from, to, daily } };
}

/** As the server has them. @param {string} key @param {any} value */
function remote(key, value) {
  if (key === "keywords") return value.split(/[,，、\n]/u).map((/** @type {string} */ word) => word.trim()).filter(Boolean);
  return key === "quiet" ? { ...value, until: value.until / 1000 } : value;
}

/** The messages that mention the user, and the button that opens them, with how many are new. */
class List {
  /** @param {any} chat */
  constructor(chat) {
    this.chat = chat;
    this.pause = 0;
    this.counted = 0;
    /** @type {string|null} */
    this.before = null;
    this.button = Object.assign(document.createElement("button"), { type: "button", className: "mentions-open" });
    this.button.addEventListener("click", () => this.open());
    this.number = Object.assign(document.createElement("span"), { className: "badge mention" });
    this.label = document.createElement("span");
    this.button.append(Object.assign(document.createElement("span"), { className: "mentions-at", textContent: "@" }), this.label, this.number);
    this.element = Object.assign(document.createElement("div"), { className: "mentions-panel" });
    this.list = Object.assign(document.createElement("div"), { className: "mentions-list" });
    this.list.setAttribute("role", "list");
    this.note = Object.assign(document.createElement("p"), { className: "mentions-note" });
    this.note.setAttribute("role", "status");
    this.rest = Object.assign(document.createElement("button"), { type: "button", className: "link-button", hidden: true });
    this.rest.addEventListener("click", () => void this.fill(this.before));
    this.element.append(this.list, this.note, this.rest);
    for (const type of ["live", "mention", "read", "deleted", "edited", "rooms", "message"]) chat.on(type, () => this.soon(type));
    this.draw();
  }

  /** A message changes the count as well: one of one's own marks what came before as read. @param {string} type */
  soon(type) {
    clearTimeout(this.counted);
    this.counted = window.setTimeout(() => this.draw(), PAUSE_MS);
    if (type === "message" || !this.element.isConnected) return;
    clearTimeout(this.pause);
    this.pause = window.setTimeout(() => void this.fill(null), PAUSE_MS);
  }

  draw() {
    const { chat } = this;
    const count = chat.store.rooms().reduce((/** @type {number} */ sum, /** @type {any} */ room) => sum + (room.joined ? room.mentions : 0), 0);
    this.label.textContent = chat.t("mentions.title");
    this.rest.textContent = chat.t("mentions.more");
    this.number.hidden = count === 0;
    this.number.dataset.count = count > 99 ? "99+" : String(count);
    this.button.setAttribute("aria-label", count ? chat.t("mentions.count", { count }) : chat.t("mentions.title"));
  }

  open() {
    this.chat.panel(this.chat.t("mentions.title"), this.element);
    void this.fill(null);
  }

  /** @param {string|null} before where to go on; null for the beginning */
  async fill(before) {
    const { chat, list } = this;
    try {
      const { mentions, before: next } = await chat.request("mentions", { before });
      const nodes = mentions.map((/** @type {any} */ one) => this.entry(one));
      if (before === null) list.replaceChildren(...nodes);
      else list.append(...nodes);
      this.before = next;
      this.rest.hidden = next === null;
      this.note.textContent = list.childElementCount ? "" : chat.t("mentions.none");
    } catch (error) {
      this.note.textContent = /** @type {Error} */ (error).message;
    }
  }

  /** @param {{message: any, room: string, read: boolean}} mention */
  entry({ message, room, read }) {
    const { chat } = this;
    const button = Object.assign(document.createElement("button"), { type: "button", className: "mentions-entry" });
    button.classList.toggle("mentions-new", !read);
    const head = Object.assign(document.createElement("span"), { className: "mentions-head" });
    const name = Object.assign(document.createElement("b"), { textContent: message.display_name ?? (message.user.display_name || message.user.name), dir: "auto" });
    const known = chat.store.room(room);
    const where = known?.with ? "" : `#${known?.title || room} · `;
    head.append(name, ` ${where}${new Date(message.ts).toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" })}`);
    if (!read) head.append(" ", Object.assign(document.createElement("span"), { className: "mentions-dot", textContent: chat.t("mentions.new") }));
    const text = Object.assign(document.createElement("span"), { className: "mentions-text", textContent: chat.plainText(message), dir: "auto" });
    button.append(head, text);
    button.addEventListener("click", () => chat.show(room, message.seq));
    const item = document.createElement("div");
    item.setAttribute("role", "listitem");
    item.append(button);
    return item;
  }

  end() {
    clearTimeout(this.pause);
    clearTimeout(this.counted);
  }
}
