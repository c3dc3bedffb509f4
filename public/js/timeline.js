/** @typedef {import("./protocol.js").DurableEvent} DurableEvent */
/** @typedef {import("./protocol.js").Message} Message */

/** How many events a room keeps; beyond that the far end is let go and loaded again when needed. */
export const KEEP = 300;

const SHOWN = new Set(["message", "member", "room"]);

/**
 * A window on a room's log: what this client holds of it, without holes, in seq order.
 * `older` and `newer` tell whether the log goes on beyond either end.
 */
export class Timeline {
  constructor() {
    /** @type {DurableEvent[]} */
    this.events = [];
    /** @type {Map<string, Message>} messages in the window, by id */
    this.byId = new Map();
    /** Whether a first page has come. */
    this.loaded = false;
    this.older = false;
    this.newer = false;
    /** @type {{from: number, to: number}|null} what was missed and not loaded yet */
    this.gap = null;
  }

  get first() {
    return this.events[0]?.seq ?? 0;
  }

  get last() {
    return this.events.at(-1)?.seq ?? 0;
  }

  /** Put an event where it belongs. A message that is here already is replaced by a newer state of it only.
   * @param {DurableEvent} event */
  insert(event) {
    if (!SHOWN.has(event.type)) return;
    const at = this.indexOf(event.seq);
    const present = this.events[at]?.seq === event.seq ? this.events[at] : null;
    if (present && (present.rev ?? 0) >= (event.rev ?? 0)) return;
    this.events.splice(at, present ? 1 : 0, event);
    if (event.type === "message") this.byId.set(event.message_id, /** @type {Message} */ (event));
  }

  /** Whether what comes before and after `seq` is here. @param {number} seq */
  covers(seq) {
    return this.loaded && (!this.older || this.first <= seq) && (!this.newer || this.last > seq);
  }

  /**
   * A page of history.
   * @param {DurableEvent[]} events ascending
   * @param {"older"|"newer"|"newest"} side
   * @param {boolean} more whether the log goes on, on that side
   */
  page(events, side, more) {
    for (const event of events) this.insert(event);
    this.loaded = true;
    if (side === "older" || side === "newest") this.older = more;
    if (side === "newest") this.newer = false;
    if (side === "newer") this.newer = more;
  }

  /**
   * A page from the middle: the window is there from now on.
   * @param {DurableEvent[]} events ascending
   * @param {{older: boolean, newer: boolean}} more on which sides the log goes on
   * @param {number} cursor the seq of the last event that came live
   */
  pageAround(events, more, cursor) {
    const last = events.at(-1)?.seq ?? 0;
    // What came live while the page was on its way follows it without a hole, where the page reaches the end.
    const live = more.newer || this.newer ? [] : this.events.filter((event) => event.seq > last);
    const missed = this.newer && cursor > last;
    this.clear();
    for (const event of [...events, ...live]) this.insert(event);
    this.loaded = true;
    this.older = more.older;
    this.newer = more.newer || missed;
  }

  /** Apply an edit or a deletion. @param {DurableEvent} event @returns {boolean} whether it changed anything */
  amend(event) {
    const message = this.byId.get(event.message_id);
    if (!message) return false;
    if (event.type === "edited") {
      // Of a message from before one's joining only the fact is told.
      if (event.content === undefined || event.rev <= message.rev) return false;
      const { rev, content, html, ts } = event;
      this.replace({ ...message, rev, content, html, edited_at: ts });
      return true;
    }
    if (message.deleted) return false;
    this.replace({ ...message, rev: message.rev + 1, content: "", html: "", files: undefined, extras: undefined,
      actions: undefined, reactions: undefined, pinned: undefined, pinned_by: undefined, deleted: true });
    return true;
  }

  /** What plugins keep with a message, and their buttons below it, have changed. @param {DurableEvent} event */
  annotate({ message_id, extras, actions, reactions, pinned, pinned_by }) {
    const message = this.byId.get(message_id);
    if (!message || message.deleted || !(extras || actions || reactions || pinned_by !== undefined)) return;
    const kept = Object.entries({ ...message.extras, ...extras }).filter(([, extra]) => extra !== null);
    this.replace({ ...message, extras: Object.fromEntries(kept), actions: actions ?? message.actions, reactions: reactions ?? message.reactions,
      ...(pinned_by !== undefined && { pinned, pinned_by }) });
  }

  /** Let go of what is too much, at the end that is not being read. @param {"older"|"newer"} side */
  trim(side, keep = KEEP) {
    const excess = this.events.length - keep;
    if (excess <= 0) return;
    const gone = side === "older" ? this.events.splice(0, excess) : this.events.splice(keep);
    for (const event of gone) this.byId.delete(event.message_id);
    this[side] = true;
  }

  /** Let go of what the server keeps no longer. @param {number} floor */
  forget(floor) {
    const gone = this.events.splice(0, this.indexOf(floor + 1));
    for (const event of gone) this.byId.delete(event.message_id);
    if (gone.length) this.older = false;
  }

  clear() {
    this.events = [];
    this.byId.clear();
    this.loaded = this.older = this.newer = false;
    this.gap = null;
  }

  /** @param {Message} message */
  replace(message) {
    this.byId.set(message.message_id, message);
    this.events[this.indexOf(message.seq)] = message;
  }

  /** Where `seq` is, or would be. @param {number} seq */
  indexOf(seq) {
    let low = 0;
    let high = this.events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.events[middle].seq < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
