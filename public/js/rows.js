/** @typedef {import("./store.js").Room} Room */
/** @typedef {import("./outbox.js").Entry} Entry */
/** @typedef {import("./protocol.js").DurableEvent} DurableEvent */
/** @typedef {import("./protocol.js").Message} Message */
/**
 * @typedef {{kind: "start", key: string, version: string}
 *   | {kind: "more", key: string, version: string}
 *   | {kind: "gap", key: string, version: string, count: number}
 *   | {kind: "day", key: string, version: string, ts: string}
 *   | {kind: "unread", key: string, version: string}
 *   | {kind: "message", key: string, version: string, message: Message, head: boolean}
 *   | {kind: "events", key: string, version: string, events: DurableEvent[]}
 *   | {kind: "note", key: string, version: string, note: import("./store.js").Note}
 *   | {kind: "pending", key: string, version: string, entry: Entry, head: boolean}} Row
 */

/** Messages of one author stand together when no more than this lies between them. */
const GROUP_MS = 5 * 60_000;

/**
 * What rows show besides the room: `day` tells local days apart, `label` is what a day is called now, `name` what a user
 * is called now, `members` changes when more of them are known, `quoted` finds what is not in the window, `look` stands for
 * all that changes every row (language, plugins), `texts` are extras of messages as texts.
 * @typedef {{me: string, history: boolean, look: string, members?: string,
 *   quoted?: (id: string) => Message|undefined, day: (ts: string) => string, label: (ts: string) => string,
 *   name: (user: import("./protocol.js").User) => string,
 *   texts: WeakMap<object, string>}} Context
 */

/**
 * The rows of a conversation, in order. Pure: a row's key stays, and its version changes exactly when it has to be
 * drawn again: everything that its drawing shows is part of it.
 * @param {Room} room
 * @param {Entry[]} pending
 * @param {Context} context
 * @returns {Row[]}
 */
export function buildRows(room, pending, context) {
  const { timeline } = room;
  const rows = new Rows(timeline, context);
  if (timeline.loaded) {
    const kind = timeline.older && context.history ? "more" : "start";
    const title = room.with ? context.name(room.with) : room.title;
    rows.push({ kind, key: kind, version: `${title}\n${room.members_here?.people.size}\n${room.floor && room.keep_days}` });
  }
  let { gap } = timeline;
  const notes = [...room.notes];
  // Where the log goes on above, the first message here need not be the first new one.
  let marked = room.line === null || (timeline.older && timeline.first > room.line + 1);
  for (const event of timeline.events) {
    while (notes.length && notes[0].after < event.seq) rows.note(/** @type {any} */ (notes.shift()));
    if (!marked && event.seq > (room.line ?? 0) && event.type === "message" && event.user.id !== context.me) {
      rows.unread();
      marked = true;
    }
    if (gap && event.seq >= gap.from) {
      rows.gap(gap);
      gap = null;
    }
    rows.event(event);
  }
  if (gap) rows.gap(gap);
  for (const note of notes) rows.note(note);
  if (!timeline.newer) for (const entry of pending) rows.pending(entry);
  return rows.list;
}

class Rows {
  /** @param {import("./timeline.js").Timeline} timeline @param {Context} context */
  constructor(timeline, context) {
    this.timeline = timeline;
    this.context = context;
    /** @type {Set<string>} what has come back from the server */
    this.nonces = new Set();
    /** @type {Row[]} */
    this.list = [];
    this.lastDay = "";
    /** @type {{author: string, ts: number}|null} whose messages stand together at the end */
    this.group = null;
  }

  /** @param {Row} row */
  push(row) {
    this.add(row);
    this.group = null;
  }

  /** @param {Row} row */
  add(row) {
    row.version = `${this.context.look}\n${row.version}`;
    this.list.push(row);
  }

  /** @param {{from: number, to: number}} gap */
  gap({ from, to }) {
    this.push({ kind: "gap", key: `gap-${from}`, version: `${to}`, count: to - from + 1 });
  }

  unread() {
    this.push({ kind: "unread", key: "unread", version: "" });
  }

  /** @param {string} ts */
  newDay(ts) {
    const day = this.context.day(ts);
    if (day === this.lastDay) return;
    this.lastDay = day;
    this.push({ kind: "day", key: `day-${day}`, version: this.context.label(ts), ts });
  }

  /** @param {DurableEvent} event */
  event(event) {
    this.newDay(event.ts);
    if (event.type === "message") return this.message(/** @type {Message} */ (event));
    const last = this.list.at(-1);
    const names = [event.user, event.target].map((user) => (user ? this.context.name(user) : "")).join("\n");
    const version = `${event.seq}\n${names}`;
    if (last?.kind === "events") {
      last.events.push(event);
      last.version += `\n${version}`;
    } else this.push({ kind: "events", key: `events-${event.seq}`, version, events: [event] });
  }

  /** @param {Message} message */
  message(message) {
    const plain = message.kind === "text";
    const author = `${message.user.id}\n${message.display_name ?? ""}`;
    const head = this.begins(author, Date.parse(message.ts)) || !plain || Boolean(message.reply_to);
    const version = [state(message), head ? "h" : "", message.files?.length ?? "", message.display_name ?? "", this.context.name(message.user),
      this.quoted(message.reply_to), message.content.includes("@") ? this.context.members : "", this.extras(message),
      message.actions || message.reactions || message.pinned ? JSON.stringify([message.actions, message.reactions, message.pinned_by]) : ""].join("\n");
    // An own message stays the row that it was while it was on its way.
    const nonce = message.user.id === this.context.me ? message.nonce : undefined;
    if (nonce) this.nonces.add(nonce);
    this.add({ kind: "message", key: nonce ?? message.message_id, version, message, head });
    this.group = plain ? { author, ts: Date.parse(message.ts) } : null;
  }

  /** What a reply shows of the message that it answers. @param {string|undefined} id */
  quoted(id) {
    const original = id === undefined ? undefined : this.timeline.byId.get(id) ?? this.context.quoted?.(id);
    return original ? `${state(original)} ${original.display_name ?? this.context.name(original.user)}` : "";
  }

  /** What plugins keep with a message, as a text: made once. @param {Message} message */
  extras({ extras }) {
    if (!extras) return "";
    const { texts } = this.context;
    const text = texts.get(extras) ?? JSON.stringify(extras);
    texts.set(extras, text);
    return text;
  }

  /** @param {Entry} entry */
  pending(entry) {
    if (this.nonces.has(entry.nonce)) return;
    const me = `${this.context.me}\n`;
    this.newDay(new Date(entry.at).toISOString());
    const head = this.begins(me, entry.at) || Boolean(entry.reply_to);
    const version = [entry.state === "failed" ? "f" : "p", entry.error ?? "", head ? "h" : "", this.quoted(entry.reply_to)].join("\n");
    this.add({ kind: "pending", key: entry.nonce, version, entry, head });
    this.group = { author: me, ts: entry.at };
  }

  /** @param {import("./store.js").Note} note */
  note(note) {
    this.push({ kind: "note", key: note.key, version: "", note });
  }

  /** Whether a message of this user, under this name, opens a new group. @param {string} author @param {number} ts milliseconds */
  begins(author, ts) {
    return this.group?.author !== author || ts - this.group.ts > GROUP_MS;
  }
}

/** @param {Message} message */
function state({ rev, deleted }) {
  return deleted ? "deleted" : rev;
}
