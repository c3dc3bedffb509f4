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
 * The rows of a conversation, in order. Pure: a row's key stays, and its version changes exactly when it has to be
 * drawn again.
 * @param {Room} room
 * @param {Entry[]} pending
 * @param {{me: string, history: boolean, day: (ts: string) => string}} context `day` names the local day of a time
 * @returns {Row[]}
 */
export function buildRows(room, pending, { me, history, day }) {
  const { timeline } = room;
  const rows = new Rows(day);
  if (timeline.loaded) {
    const kind = timeline.older && history ? "more" : "start";
    rows.push({ kind, key: kind, version: `${room.title}\n${room.members_here?.people.size}` });
  }
  let { gap } = timeline;
  const notes = [...room.notes];
  // Where the log goes on above, the first message here need not be the first new one.
  let marked = room.line === null || (timeline.older && timeline.first > room.line + 1);
  for (const event of timeline.events) {
    while (notes.length && notes[0].after < event.seq) rows.note(/** @type {any} */ (notes.shift()));
    if (!marked && event.seq > (room.line ?? 0) && event.type === "message" && event.user.id !== me) {
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
  if (!timeline.newer) for (const entry of pending) rows.pending(entry, me);
  return rows.list;
}

class Rows {
  /** @param {(ts: string) => string} day */
  constructor(day) {
    this.day = day;
    /** @type {Row[]} */
    this.list = [];
    this.lastDay = "";
    /** @type {{user: string, ts: number}|null} whose messages stand together at the end */
    this.group = null;
  }

  /** @param {Row} row */
  push(row) {
    this.list.push(row);
    this.group = null;
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
    const day = this.day(ts);
    if (day === this.lastDay) return;
    this.lastDay = day;
    this.push({ kind: "day", key: `day-${day}`, version: "", ts });
  }

  /** @param {DurableEvent} event */
  event(event) {
    this.newDay(event.ts);
    if (event.type === "message") return this.message(/** @type {Message} */ (event));
    const last = this.list.at(-1);
    if (last?.kind === "events") {
      last.events.push(event);
      last.version = `${event.seq}`;
    } else this.push({ kind: "events", key: `events-${event.seq}`, version: `${event.seq}`, events: [event] });
  }

  /** @param {Message} message */
  message(message) {
    const plain = message.kind === "text";
    const head = this.begins(message.user.id, Date.parse(message.ts)) || !plain || Boolean(message.reply_to);
    const version = `${message.rev}${message.deleted ? "x" : ""}${head ? "h" : ""}${message.files?.length ?? ""}`;
    this.list.push({ kind: "message", key: message.message_id, version, message, head });
    this.group = plain ? { user: message.user.id, ts: Date.parse(message.ts) } : null;
  }

  /** @param {Entry} entry @param {string} me */
  pending(entry, me) {
    this.newDay(new Date(entry.at).toISOString());
    const head = this.begins(me, entry.at) || Boolean(entry.reply_to);
    const version = `${entry.state === "failed" ? "f" : ""}${head ? "h" : ""}`;
    this.list.push({ kind: "pending", key: entry.nonce, version, entry, head });
    this.group = { user: me, ts: entry.at };
  }

  /** @param {import("./store.js").Note} note */
  note(note) {
    this.push({ kind: "note", key: note.key, version: "", note });
  }

  /** Whether somebody's message opens a new group. @param {string} user @param {number} ts milliseconds */
  begins(user, ts) {
    return this.group?.user !== user || ts - this.group.ts > GROUP_MS;
  }
}
