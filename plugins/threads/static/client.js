/** Threads in the browser: a line below messages that were answered, a panel with the replies, and a list of those one follows. */

import { open, PAUSE_MS, said } from "./common.js";
import { List } from "./list.js";
import { Panel } from "./panel.js";
import { TEXTS } from "./texts.js";

/** @typedef {import("./common.js").Thread} Thread */

/** As many messages are asked for at once. */
const MOST = 200;
/** The events after which a message looks different. */
const CHANGES = ["edited", "reaction", "pinned", "links:preview", "polls:voted", "polls:closed"];

/** @param {any} chat */
export function activate(chat) {
  for (const [language, texts] of Object.entries(TEXTS)) chat.addMessages(language, texts);
  const threads = new Threads(chat);
  chat.addSlot("message-footer", ({ message, beside }) => (beside ? null : threads.line(message)));
  chat.addSlot("panel", ({ room, arg }) => (arg ? threads.panel(room.name, arg) : threads.list.show()), { title: () => chat.t("threads.title"), icon: "chat" });
  chat.addSlot("sidebar", () => threads.list.button);
  chat.addAction({ id: "open", of: "message", icon: "chat", label: () => chat.t("threads.open"), when: ({ message }) => !message.deleted,
    run: ({ message }) => open(message.room, message.message_id) });
  return () => threads.end();
}

/** What is known of threads, and where it is shown. */
export class Threads {
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
    for (const type of CHANGES) chat.on(type, ({ message_id }) => this.shown?.changed(message_id));
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
