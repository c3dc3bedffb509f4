/** Threads in the browser: a line below messages that were answered, a panel with the replies, and a list of those one follows. */

const TEXTS = {
  en: { "threads.title": "Threads", "threads.all": "Threads", "threads.open": "Open thread", "threads.replies": { one: "One reply", other: "{count} replies" }, "threads.new": { one: "one new", other: "{count} new" },
    "threads.follow": "Follow", "threads.following": "Following", "threads.reply": "Reply in this thread", "threads.send": "Send", "threads.more": "Show older replies", "threads.gone": "This message was deleted.",
    "threads.none": "You follow no thread. Reply to a message, and you do.", "threads.count": { one: "Threads, one has news", other: "Threads, {count} have news" }, "threads.file": "a file", "threads.load": "Show more" },
  "zh-Hant": { "threads.title": "討論串", "threads.all": "討論串", "threads.open": "打開討論串", "threads.replies": "{count} 則回覆", "threads.new": "{count} 則新的", "threads.follow": "追蹤", "threads.following": "追蹤中",
    "threads.reply": "在討論串中回覆", "threads.send": "傳送", "threads.more": "顯示更早的回覆", "threads.gone": "這則訊息已刪除。", "threads.none": "你沒有追蹤討論串。回覆一則訊息就會追蹤。", "threads.count": "討論串，{count} 個有新消息",
    "threads.file": "檔案", "threads.load": "顯示更多" },
  "zh-Hans": { "threads.title": "话题", "threads.all": "话题", "threads.open": "打开话题", "threads.replies": "{count} 条回复", "threads.new": "{count} 条新的", "threads.follow": "关注", "threads.following": "已关注",
    "threads.reply": "在话题中回复", "threads.send": "发送", "threads.more": "显示更早的回复", "threads.gone": "这条消息已删除。", "threads.none": "你没有关注话题。回复一条消息就会关注。", "threads.count": "话题，{count} 个有新消息",
    "threads.file": "文件", "threads.load": "显示更多" },
};
/** As many messages are asked for at once. */
const MOST = 200;
const PAUSE_MS = 200;

/** @typedef {{root_id: string, room: string, replies: number, unread: number, follows: boolean, last_seq: number, last_ts: number}} Thread */

/** @param {any} chat */
export function activate(chat) {
  for (const [language, texts] of Object.entries(TEXTS)) chat.addMessages(language, texts);
  const threads = new Threads(chat);
  chat.addSlot("message-footer", ({ message }) => threads.line(message));
  chat.addSlot("panel", ({ room, arg }) => (arg ? threads.panel(room.name, arg) : threads.list.show()), { title: () => chat.t("threads.title"), icon: "chat" });
  chat.addSlot("sidebar", () => threads.list.button);
  chat.addAction({ id: "open", of: "message", icon: "chat", label: () => chat.t("threads.open"), when: ({ message }) => !message.deleted,
    run: ({ message }) => open(message.room, message.message_id) });
  return () => threads.end();
}

/** The address of a thread's panel; a step back leaves it. @param {string} room @param {string} id */
function open(room, id) {
  location.hash = `#/${encodeURIComponent(room)}/threads/${encodeURIComponent(id)}`;
}

/** What is known of threads, and where it is shown. */
class Threads {
  /** @param {any} chat */
  constructor(chat) {
    this.chat = chat;
    /** By the id of the first message. @type {Map<string, Thread>} */
    this.known = new Map();
    /** The line below each message that is drawn. @type {Map<string, {room: string, line: HTMLElement}>} */
    this.lines = new Map();
    /** What is to be asked for, by room. @type {Map<string, Set<string>>} */
    this.wanted = new Map();
    this.timer = 0;
    /** @type {Panel|null} */
    this.shown = null;
    this.list = new List(this);
    chat.on("message", (/** @type {any} */ message) => message.reply_to && this.want(message.room, message.message_id, PAUSE_MS));
    chat.on("deleted", ({ room, message_id }) => {
      const root = [...this.known.values()].some((thread) => thread.room === room);
      if (root) for (const [id, one] of this.lines) if (one.room === room && this.known.has(id)) this.want(room, id, PAUSE_MS);
      this.shown?.changed(message_id);
    });
    chat.on("edited", ({ message_id }) => this.shown?.changed(message_id));
    chat.on("threads:changed", ({ thread }) => this.take([thread]));
    chat.on("threads:replied", ({ room, root_id }) => this.want(room, root_id, PAUSE_MS));
    chat.on("live", () => {
      for (const [id, { room, line }] of this.lines) {
        if (line.isConnected) this.want(room, id, 0);
        else this.lines.delete(id);
      }
      this.shown?.changed();
      void this.list.fill(null);
    });
    void this.list.fill(null);
  }

  /** @param {any} message */
  line(message) {
    const line = Object.assign(document.createElement("button"), { type: "button", className: "threads-line", hidden: true });
    line.addEventListener("click", () => open(message.room, message.message_id));
    this.lines.set(message.message_id, { room: message.room, line });
    if (this.known.has(message.message_id)) this.paint(message.message_id);
    else this.want(message.room, message.message_id, 0);
    return line;
  }

  /** @param {string} room @param {string} id @param {number} ms after which it is asked for, with all others */
  want(room, id, ms) {
    const wanted = this.wanted.get(room) ?? new Set();
    this.wanted.set(room, wanted.add(id));
    if (!this.timer) this.timer = window.setTimeout(() => void this.ask(), ms);
  }

  async ask() {
    this.timer = 0;
    const all = [...this.wanted];
    this.wanted.clear();
    for (const [room, ids] of all) {
      for (let at = 0; at < ids.size; at += MOST) {
        try {
          this.take((await this.chat.request("threads:of", { room, message_ids: [...ids].slice(at, at + MOST) })).threads);
        } catch {
          // They are shown without: the next connection asks again.
        }
      }
    }
  }

  /** @param {Thread[]} threads */
  take(threads) {
    for (const thread of threads) {
      this.known.set(thread.root_id, thread);
      this.paint(thread.root_id);
      if (this.shown?.rootId === thread.root_id) this.shown.update(thread);
      this.list.update(thread);
    }
  }

  /** @param {string} id */
  paint(id) {
    const line = this.lines.get(id)?.line;
    const thread = this.known.get(id);
    if (!line || !thread) return;
    line.hidden = thread.replies === 0;
    line.textContent = said(this.chat, thread);
    line.classList.toggle("threads-unread", thread.unread > 0);
  }

  /** @param {string} room @param {string} id */
  panel(room, id) {
    if (this.shown?.asked !== id || this.shown.room !== room) this.shown = new Panel(this, room, id);
    return this.shown.element;
  }

  end() {
    clearTimeout(this.timer);
    this.list.end();
  }
}

/** The replies to a message, and a field for another one. */
class Panel {
  /** @param {Threads} threads @param {string} room @param {string} id of any message in the thread */
  constructor(threads, room, id) {
    this.threads = threads;
    this.chat = threads.chat;
    this.room = room;
    this.asked = id;
    this.rootId = "";
    this.last = 0;
    this.timer = 0;
    const { chat } = this;
    this.element = Object.assign(document.createElement("div"), { className: "threads-panel" });
    this.head = Object.assign(document.createElement("div"), { className: "threads-root" });
    this.follow = Object.assign(document.createElement("button"), { type: "button", className: "button threads-follow" });
    this.follow.addEventListener("click", () => void this.toggle());
    this.count = Object.assign(document.createElement("span"), { className: "threads-count" });
    const bar = Object.assign(document.createElement("div"), { className: "threads-bar" });
    bar.append(this.count, this.follow);
    this.older = Object.assign(document.createElement("button"), { type: "button", className: "link-button", hidden: true, textContent: chat.t("threads.more") });
    this.older.addEventListener("click", () => void this.fill(Number(this.older.dataset.before)));
    this.replies = Object.assign(document.createElement("div"), { className: "threads-replies" });
    this.replies.setAttribute("role", "log");
    this.replies.setAttribute("aria-label", chat.t("threads.title"));
    this.note = Object.assign(document.createElement("p"), { className: "threads-note" });
    this.note.setAttribute("role", "status");
    this.field = Object.assign(document.createElement("textarea"), { className: "threads-field", rows: 2, placeholder: chat.t("threads.reply") });
    this.field.setAttribute("aria-label", chat.t("threads.reply"));
    this.field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      void this.send();
    });
    this.form = Object.assign(document.createElement("form"), { className: "threads-form", method: "dialog" });
    this.form.append(this.field, Object.assign(document.createElement("button"), { type: "submit", className: "button", textContent: chat.t("threads.send") }));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.send();
    });
    this.element.append(this.head, bar, this.older, this.replies, this.note, this.form);
    void this.fill(null);
  }

  /** @param {number|null} before older replies than this seq; null for the newest */
  async fill(before) {
    try {
      const { thread, root, messages, more } = await this.chat.request("threads:open", { message_id: this.asked, before });
      this.rootId = thread.root_id;
      this.head.replaceChildren(root && !root.deleted ? this.entry(root) : Object.assign(document.createElement("p"), { textContent: this.chat.t("threads.gone") }));
      const nodes = messages.map((/** @type {any} */ message) => this.entry(message));
      if (before === null) this.replies.replaceChildren(...nodes);
      else this.replies.prepend(...nodes);
      this.older.hidden = !more;
      if (messages.length) this.older.dataset.before = messages[0].seq;
      this.form.hidden = !root || root.deleted || !this.chat.may("message.post", this.room);
      this.note.textContent = "";
      this.threads.take([thread]);
      if (before === null) this.toEnd();
    } catch (error) {
      this.note.textContent = /** @type {Error} */ (error).message;
    }
  }

  toEnd() {
    this.replies.lastElementChild?.scrollIntoView({ block: "nearest" });
  }

  /** @param {any} message */
  entry(message) {
    const { chat } = this;
    const node = Object.assign(document.createElement("article"), { className: "threads-entry" });
    node.dataset.id = message.message_id;
    const name = Object.assign(document.createElement("b"), { textContent: message.display_name ?? (message.user.display_name || message.user.name), dir: "auto" });
    const when = Object.assign(document.createElement("button"), { type: "button", className: "link-button threads-when", textContent: time(message.ts) });
    when.addEventListener("click", () => chat.show(message.room, message.seq));
    const files = (message.files ?? []).map((/** @type {any} */ file) => file.name).join(", ");
    const text = Object.assign(document.createElement("p"), { className: "threads-text", textContent: chat.plainText(message) || files || chat.t("threads.file"), dir: "auto" });
    node.append(name, " ", when, text);
    return node;
  }

  /** How many there are by now; new ones are asked for. @param {Thread} thread */
  update(thread) {
    this.count.textContent = repliesIn(this.chat, thread.replies);
    this.follow.hidden = thread.replies === 0;
    this.follow.textContent = this.chat.t(thread.follows ? "threads.following" : "threads.follow");
    this.follow.setAttribute("aria-pressed", String(thread.follows));
    if (thread.last_seq > this.last && this.last) this.changed();
    this.last = thread.last_seq;
    if (thread.unread && this.element.isConnected && !document.hidden) void this.chat.request("threads:seen", { message_id: this.rootId, seq: thread.last_seq }).catch(() => {});
  }

  /** Something in it may be different. @param {string} [id] of a message */
  changed(id) {
    if (!this.element.isConnected || (id !== undefined && !this.element.querySelector(`[data-id="${CSS.escape(id)}"]`))) return;
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.fill(null), PAUSE_MS);
  }

  async toggle() {
    try {
      await this.chat.request("threads:follow", { message_id: this.rootId, on: this.follow.getAttribute("aria-pressed") !== "true" });
    } catch (error) {
      this.note.textContent = /** @type {Error} */ (error).message;
    }
  }

  async send() {
    const content = this.field.value;
    if (!content.trim() || this.field.readOnly) return;
    this.field.readOnly = true;
    try {
      // What looks like a command is text here.
      await this.chat.request("message", { room: this.room, content: content.startsWith("/") ? `/${content}` : content, reply_to: this.rootId, nonce: `t${Date.now()}${Math.random()}`.slice(0, 40) });
      this.field.value = "";
      this.note.textContent = "";
      await this.fill(null);
    } catch (error) {
      this.note.textContent = /** @type {Error} */ (error).message;
    }
    this.field.readOnly = false;
    this.field.focus();
  }
}

/** The threads that the user follows, and the button that opens them. */
class List {
  /** @param {Threads} threads */
  constructor(threads) {
    this.threads = threads;
    /** @type {(Thread & {root: any})[]} */
    this.all = [];
    this.more = false;
    this.timer = 0;
    this.button = Object.assign(document.createElement("button"), { type: "button", className: "threads-open" });
    this.number = Object.assign(document.createElement("span"), { className: "badge mention" });
    this.label = document.createElement("span");
    this.button.append(mark(), this.label, this.number);
    this.button.addEventListener("click", () => {
      const room = threads.chat.room()?.name;
      if (room) location.hash = `#/${encodeURIComponent(room)}/threads`;
    });
    this.element = Object.assign(document.createElement("div"), { className: "threads-list" });
    this.paint();
  }

  show() {
    void this.fill(null);
    return this.element;
  }

  /** @param {number|null} before */
  async fill(before) {
    try {
      const { threads, more } = await this.threads.chat.request("threads", { before });
      this.all = before === null ? threads : [...this.all, ...threads];
      this.more = more;
      this.paint();
    } catch {
      // It is shown as it was: the next connection asks again.
    }
  }

  /** @param {Thread} thread */
  update(thread) {
    const there = this.all.find((one) => one.root_id === thread.root_id);
    if (there && there.follows === thread.follows && there.last_seq === thread.last_seq) {
      Object.assign(there, thread);
      this.paint();
    } else if (there || thread.follows) {
      clearTimeout(this.timer);
      this.timer = window.setTimeout(() => void this.fill(null), PAUSE_MS);
    }
  }

  paint() {
    const { chat } = this.threads;
    const count = this.all.filter(({ unread }) => unread > 0).length;
    this.label.textContent = chat.t("threads.all");
    this.number.hidden = count === 0;
    this.number.dataset.count = count > 99 ? "99+" : String(count);
    this.button.setAttribute("aria-label", count ? chat.t("threads.count", { count }) : chat.t("threads.all"));
    this.element.replaceChildren(...this.all.map((thread) => this.entry(thread)));
    if (this.all.length === 0) this.element.textContent = chat.t("threads.none");
    if (!this.more) return;
    const rest = Object.assign(document.createElement("button"), { type: "button", className: "link-button", textContent: chat.t("threads.load") });
    rest.addEventListener("click", () => void this.fill(this.all.at(-1)?.last_ts ?? null));
    this.element.append(rest);
  }

  /** @param {Thread & {root: any}} thread */
  entry(thread) {
    const { chat } = this.threads;
    const { root, room } = thread;
    const button = Object.assign(document.createElement("button"), { type: "button", className: "threads-item" });
    button.classList.toggle("threads-unread", thread.unread > 0);
    const head = Object.assign(document.createElement("span"), { className: "threads-count" });
    const known = chat.store.room(room);
    const name = root ? root.display_name ?? (root.user.display_name || root.user.name) : "";
    head.append(Object.assign(document.createElement("b"), { textContent: name, dir: "auto" }), known?.with ? "" : ` #${known?.title || room}`);
    const text = Object.assign(document.createElement("span"), { className: "threads-text threads-short", dir: "auto",
      textContent: root && !root.deleted ? chat.plainText(root) || chat.t("threads.file") : chat.t("threads.gone") });
    const count = Object.assign(document.createElement("span"), { className: "threads-count", textContent: said(chat, thread) });
    button.append(head, text, count);
    button.addEventListener("click", () => open(room, thread.root_id));
    return button;
  }

  end() {
    clearTimeout(this.timer);
  }
}

/** @param {any} chat @param {Thread} thread */
function said(chat, { replies, unread }) {
  return [repliesIn(chat, replies), ...(unread ? [chat.t("threads.new", { count: unread })] : [])].join(" · ");
}

/** @param {any} chat @param {number} count */
function repliesIn(chat, count) {
  return count ? chat.t("threads.replies", { count }) : "";
}

/** @param {string} ts */
function time(ts) {
  return new Date(ts).toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
}

function mark() {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", "M4 4.500h12v8H9l-3.500 3v-3H4zM7 7.500h6M7 10h4");
  for (const [name, value] of Object.entries({ fill: "none", stroke: "currentColor", "stroke-width": "1.5", "stroke-linecap": "round", "stroke-linejoin": "round" })) path.setAttribute(name, value);
  svg.append(path);
  return svg;
}
