import { newId } from "./platform.js";
import { Emitter } from "./emitter.js";

/** @typedef {import("./protocol.js").Attachment} Attachment */
/** @typedef {import("./protocol.js").ChatError} ChatError */
/**
 * @typedef {{nonce: string, user: string, room: string, to?: string, with?: import("./protocol.js").User, content: string,
 *   reply_to?: string, files?: Attachment[], at: number, state: "pending"|"sent"|"failed", error?: string, field?: string|null,
 *   seq?: number}} Entry `with` is the other user of a conversation that has no room yet; `field` what an error is about
 * @typedef {{load(user: string): Promise<Entry[]>, put(entry: Entry): Promise<unknown>,
 *   remove(nonce: string): Promise<unknown>}} Shelf where entries outlive the tab
 * @typedef {(entry: Entry) => Promise<{seq: number}>} Send
 */

/** The wait before a refused message that may pass later is tried again, in seconds, when the server names none. */
const RETRY_SECONDS = 3;
/** A longer wait (a mute) is a failure: users should be told why. */
const LONGEST_SECONDS = 30;

/** A nonce that begins with the time: the server's index keeps those of one time together. @param {number} [now] */
export const newNonce = (now = Date.now()) =>
  now.toString(36).padStart(9, "0") + newId().slice(0, 16);

/**
 * Messages on their way. What is in here is shown as pending, kept on a shelf until the server has it, and sent in
 * order, one at a time in each room, so that a retry can't overtake. Emits `change` with the room's name, `loaded` with
 * the entries of an earlier tab, `refused` (room, error) for a refusal that is final, and `unkept` the first time that
 * the shelf takes nothing.
 */
export class Outbox extends Emitter {
  /**
   * @param {Shelf} shelf
   * @param {Send} send
   * @param {(run: () => void, milliseconds: number) => unknown} [later]
   * @param {(error: ChatError) => string} [explain] what is said of a failure
   */
  constructor(shelf, send, later = (run, milliseconds) => setTimeout(run, milliseconds), explain = (error) => error.message) {
    super();
    this.shelf = shelf;
    this.send = send;
    this.explain = explain;
    this.later = later;
    this.unkept = false;
    /** @type {Entry[]} */
    this.entries = [];
    /** @type {Set<string>} rooms with a message under way */
    this.busy = new Set();
    this.online = false;
    /** @type {((value?: unknown) => void)[]} */
    this.waiting = [];
    /** When what an earlier tab left is here. @type {Promise<void>} */
    this.loaded = Promise.resolve();
  }

  /** What an earlier tab left. @param {string} user @returns {Promise<void>} */
  load(user) {
    this.loaded = this.loadKept(user);
    return this.loaded;
  }

  /** @param {string} user */
  async loadKept(user) {
    const kept = await this.shelf.load(user).catch(() => []);
    const known = new Set(this.entries.map((entry) => entry.nonce));
    const found = kept.filter((entry) => !known.has(entry.nonce)).sort((one, other) => one.at - other.at);
    this.entries = [...found, ...this.entries.filter((entry) => entry.user === user)];
    this.emit("loaded", found);
    for (const room of new Set(found.map((entry) => entry.room))) this.emit("change", room);
    this.pump();
  }

  /** @param {string} room @returns {Entry[]} in the order of writing */
  of(room) {
    return this.entries.filter((entry) => entry.room === room);
  }

  /** @param {Omit<Entry, "state">} draft */
  add(draft) {
    /** @type {Entry} */
    const entry = { ...draft, state: "pending" };
    this.entries.push(entry);
    this.keep(entry);
    this.emit("change", entry.room);
    this.pump();
  }

  /** The connection came or went. @param {boolean} online */
  setOnline(online) {
    this.online = online;
    if (!online) this.busy.clear();
    this.pump();
  }

  /** When what was written in a room before has been sent or refused, or can't be sent now. @param {string} room */
  async flushed(room) {
    const before = this.of(room);
    while (this.online && before.some((entry) => entry.state === "pending" && this.entries.includes(entry))) await new Promise((done) => this.waiting.push(done));
  }

  /** Try a failed one again. @param {string} nonce @param {{alone?: boolean}} [how] `alone`: without what it replies to */
  retry(nonce, { alone = false } = {}) {
    const entry = this.entries.find((one) => one.nonce === nonce);
    if (!entry || entry.state !== "failed") return;
    entry.state = "pending";
    delete entry.error;
    delete entry.field;
    if (alone) delete entry.reply_to;
    this.keep(entry);
    this.emit("change", entry.room);
    this.pump();
  }

  /** Forget one: it was given up, or has come back as an event. @param {string} nonce */
  drop(nonce) {
    const entry = this.entries.find((one) => one.nonce === nonce);
    if (!entry) return;
    this.entries = this.entries.filter((one) => one !== entry);
    this.shelf.remove(nonce).catch(() => {});
    this.emit("change", entry.room);
  }

  /** Send what can be sent. */
  pump() {
    for (const done of this.waiting.splice(0)) done();
    if (!this.online) return;
    const tried = new Set();
    for (const entry of this.entries) {
      if (entry.state !== "pending" || this.busy.has(entry.room) || tried.has(entry.room)) continue;
      tried.add(entry.room);
      void this.dispatch(entry);
    }
  }

  /** @param {Entry} entry */
  async dispatch(entry) {
    this.busy.add(entry.room);
    try {
      const { seq } = await this.send(entry);
      Object.assign(entry, { state: "sent", seq });
      this.shelf.remove(entry.nonce).catch(() => {});
      this.emit("sent", entry);
    } catch (error) {
      const refusal = /** @type {ChatError} */ (error);
      if (!this.online || refusal.code === "offline") return;
      const wait = refusal.retryAfter ?? RETRY_SECONDS;
      if (refusal.temporary && wait <= LONGEST_SECONDS) return this.again(entry.room, wait);
      Object.assign(entry, { state: "failed", error: this.explain(refusal), field: refusal.field });
      this.keep(entry);
      this.emit("change", entry.room);
      this.emit("refused", { room: entry.room, error: refusal });
    }
    this.busy.delete(entry.room);
    this.pump();
  }

  /** @param {string} room @param {number} seconds */
  again(room, seconds) {
    this.later(() => {
      this.busy.delete(room);
      this.pump();
    }, seconds * 1000);
  }

  /** @param {Entry} entry */
  keep(entry) {
    this.shelf.put({ ...entry }).catch(() => this.refusedStorage());
  }

  /** A browser that keeps nothing (private mode, full disk) still sends; what waits just can't survive a closed tab. */
  refusedStorage() {
    if (!this.unkept) this.emit("unkept");
    this.unkept = true;
  }
}
