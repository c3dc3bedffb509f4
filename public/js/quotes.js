/** @typedef {import("./protocol.js").Message} Message */
/** @typedef {import("./protocol.js").ChatError} ChatError */
/** @typedef {import("./store.js").Store} Store */

const WAIT_SECONDS = 3;

/** Messages that others quote and that are not in the window: asked for one after the other, and followed from then on. */
export class Quotes {
  /**
   * @param {Store} store
   * @param {(room: string, id: string) => Promise<Message|undefined>} ask
   * @param {(run: () => void, milliseconds: number) => unknown} [later]
   */
  constructor(store, ask, later = (run, milliseconds) => setTimeout(run, milliseconds)) {
    this.store = store;
    this.ask = ask;
    this.later = later;
    /** @type {Map<string, Message|null>} by id; null for those that can't be seen */
    this.known = new Map();
    /** @type {Map<string, string>} the rooms of those that are wanted, by id */
    this.wanted = new Map();
    this.asking = false;
    store.on("amended", (event) => this.amend(event));
    // What was missed may have changed them.
    store.on("gap", () => this.known.clear());
    store.on("connection", ({ state }) => state === "live" && this.next());
  }

  /** A message that is quoted, as it is by now; undefined while that isn't known. @param {string} room @param {string} id */
  get(room, id) {
    return this.store.room(room)?.timeline.byId.get(id) ?? this.known.get(id) ?? undefined;
  }

  /** @param {string} room @param {string} id */
  want(room, id) {
    if (this.known.has(id) || this.wanted.has(id)) return;
    this.wanted.set(id, room);
    this.next();
  }

  next() {
    const [first] = this.wanted;
    if (!first || this.asking || this.store.connection.state !== "live") return;
    this.asking = true;
    void this.fetch(first[1], first[0]);
  }

  /** @param {string} room @param {string} id */
  async fetch(room, id) {
    let wait = 0;
    try {
      this.known.set(id, await this.ask(room, id) ?? null);
    } catch (error) {
      const refusal = /** @type {ChatError} */ (error);
      if (refusal.code === "offline") wait = -1;
      else if (refusal.temporary) wait = refusal.retryAfter ?? WAIT_SECONDS;
      else this.known.set(id, null);
    }
    if (this.known.has(id)) {
      this.wanted.delete(id);
      this.store.emit("timeline", room);
    }
    const go = () => {
      this.asking = false;
      this.next();
    };
    if (wait > 0) this.later(go, wait * 1000);
    else if (wait === 0) go();
    else this.asking = false;
  }

  /** @param {import("./protocol.js").DurableEvent} event */
  amend({ message_id, room, type, content, html, rev }) {
    const message = this.known.get(message_id);
    if (!message) return;
    const deleted = type === "deleted";
    if (!deleted && (content === undefined || rev <= message.rev)) return;
    this.known.set(message_id, deleted ? { ...message, content: "", html: "", deleted } : { ...message, content, html, rev });
    this.store.emit("timeline", room);
  }
}
