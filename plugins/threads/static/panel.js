import { PAUSE_MS, repliesIn, time } from "./common.js";

/** @typedef {import("./common.js").Thread} Thread */
/** @typedef {import("./client.js").Threads} Threads */

/** The replies to a message, and a field for another one. */
export class Panel {
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
    this.field.dataset.markdown = "";
    chat.onSend(this.field, () => void this.send());
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
    node.append(name, " ", when, chat.content(message));
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
