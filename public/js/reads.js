import { ChatError, REQUEST } from "./protocol.js";
import { read, write } from "./settings.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./socket.js").Socket} Socket */

const READ_MS = 700;

/**
 * What has been read: the server is told how far, soon. What is marked as unread is kept by this browser, as the server's
 * mark only moves on: until the room has been left and is looked at again.
 */
export class Reads {
  /** @param {Store} store @param {Socket} socket */
  constructor(store, socket) {
    this.store = store;
    this.socket = socket;
    /** Whether the end of the current room is on the screen of a user who looks. */
    this.reading = false;
    /** @type {Map<string, number>} */
    this.timers = new Map();
    /** What was marked as unread: what comes after which seq. @type {Map<string, {seq: number, left: boolean}>} */
    this.kept = new Map();
    /** Whose they are. */
    this.owner = "";
    store.on("current", (name) => this.moved(name));
    // A page that is left has no timers any more.
    globalThis.addEventListener?.("pagehide", () => [...this.timers.keys()].forEach((name) => void this.tell(name)));
  }

  /** @param {any} frame */
  welcomed(frame) {
    if (this.owner !== this.key) this.kept.clear();
    this.owner = this.key;
    for (const { name, read: told } of frame.rooms) if ((this.store.room(name)?.read ?? 0) > told) void this.tell(name);
    const stored = /** @type {Record<string, number>} */ (read(this.key, {}));
    for (const [name, seq] of Object.entries(stored)) if (!this.kept.has(name)) this.kept.set(name, { seq, left: name !== this.store.current });
    for (const [name, { seq }] of this.kept) this.store.unread(name, seq);
  }

  get key() {
    return `chat.unread.${this.store.me?.id}`;
  }

  /** @param {string|null} current */
  moved(current) {
    for (const [name, one] of this.kept) if (name !== current) one.left = true;
  }

  /** Mark as unread what comes after `seq`. @param {string} name @param {number} seq */
  keepUnread(name, seq) {
    this.kept.set(name, { seq, left: name !== this.store.current });
    this.keep();
    this.store.unread(name, seq);
    this.store.setLine(name, seq);
  }

  /** @param {string} name */
  forget(name) {
    this.kept.delete(name);
    this.keep();
  }

  keep() {
    write(this.key, this.kept.size ? Object.fromEntries([...this.kept].map(([name, { seq }]) => [name, seq])) : undefined);
  }

  /** Read on purpose, whatever was marked. @param {string} name */
  all(name) {
    const room = this.store.room(name);
    if (!room) return;
    this.forget(name);
    this.seen(name, room.cursor);
    this.store.clearUnread(name);
  }

  /** Everything in the room up to `seq` has been seen. @param {string} name @param {number} seq */
  seen(name, seq) {
    const room = this.store.rooms.get(name);
    if (!room?.joined || room.virtual || (room.read >= seq && room.unread === 0)) return;
    if (this.kept.has(name)) {
      if (!this.kept.get(name)?.left) return;
      this.forget(name);
    }
    const news = seq > room.read;
    this.store.markRead(name, seq);
    if (news) this.soon(name);
  }

  /** @param {string} name @param {number} [ms] */
  soon(name, ms = READ_MS) {
    if (!this.timers.has(name)) this.timers.set(name, window.setTimeout(() => void this.tell(name), ms));
  }

  /** What the server can't take now is told again; without a connection, the next `welcome` does. @param {string} name */
  async tell(name) {
    clearTimeout(this.timers.get(name));
    this.timers.delete(name);
    try {
      await this.socket.request(REQUEST.read, { room: name, seq: this.store.rooms.get(name)?.read ?? 0 });
    } catch (error) {
      if (error instanceof ChatError && error.temporary && error.code !== "offline") this.soon(name, Math.max(READ_MS, (error.retryAfter ?? 0) * 1000));
    }
  }
}
