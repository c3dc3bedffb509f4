/** Closer to the end than this is at the end. */
const END_PX = 40;
/** How far below the top edge what is sought is put: some of what came before it explains it. */
const QUARTER = 0.25;
/** How much of it is to be seen at least. */
const LEAST_PX = 60;
const MESSAGES = ":scope > .message[data-seq]";

/** @typedef {{node: HTMLElement, seq: number, y: number, share: number}} Hold */

/**
 * Which message stands still: the one place that sets the scroll position of a log. It holds the end, or one message
 * at its height on the screen; `settle` puts that back after any change of the rows, the width or the height.
 * A day or an unread line is never held: they move among the messages.
 */
export class Anchor {
  /** @param {HTMLElement} scroller @param {HTMLElement} log the rows, inside; messages carry their `data-seq` */
  constructor(scroller, log) {
    this.scroller = scroller;
    this.log = log;
    /** @type {Hold|null} null holds the end */
    this.held = null;
    /** Where this module put the scroller: any other position is the reader's doing. */
    this.top = 0;
  }

  get atEnd() {
    return this.held === null;
  }

  /** The seq of the message that stands still, or null at the end. */
  get seq() {
    return this.held?.seq ?? null;
  }

  get moved() {
    return Math.abs(this.scroller.scrollTop - this.top) >= 1;
  }

  /** Pixels to the end. */
  get below() {
    const { scrollTop, clientHeight, scrollHeight } = this.scroller;
    return scrollHeight - clientHeight - scrollTop;
  }

  /** @returns {HTMLElement[]} */
  get messages() {
    return [...this.log.querySelectorAll(MESSAGES)].map((node) => /** @type {HTMLElement} */ (node));
  }

  /**
   * The reader has scrolled: hold what is there now. What grows below (a picture, a font) is no reason to let go of
   * the end; only moving up is.
   * @param {boolean} complete whether the last row is the end of the log
   */
  follow(complete) {
    const up = this.scroller.scrollTop < this.top - 1;
    this.top = this.scroller.scrollTop;
    if (complete && (this.below < END_PX || (this.atEnd && !up))) this.held = null;
    else this.take();
  }

  /** Hold the message nearest the reader's eye: the one with the focus, else the first that begins on the screen. */
  take() {
    const { top, bottom, height } = this.scroller.getBoundingClientRect();
    const { messages } = this;
    const focused = messages.find((node) => node.contains(document.activeElement));
    const inView = (/** @type {HTMLElement} */ node) => between(node.getBoundingClientRect().top, top, bottom);
    const at = firstFrom(messages, top);
    // A message higher than the screen begins above it, and the next one below.
    const first = messages[at] && inView(messages[at]) ? messages[at] : messages[at - 1] ?? messages[at];
    const node = focused && inView(focused) ? focused : first;
    if (!node || height === 0) return;
    const box = node.getBoundingClientRect();
    const share = box.top < top && box.height > 0 ? (top - box.top) / box.height : 0;
    this.held = { node, seq: Number(node.dataset.seq), y: box.top, share };
  }

  /** Put back what is held. */
  settle() {
    if (this.held === null) this.scroller.scrollTop = this.scroller.scrollHeight;
    else {
      const node = this.find(this.held);
      if (node) this.scroller.scrollTop += node.getBoundingClientRect().top - this.wanted(node, this.held);
    }
    this.top = this.scroller.scrollTop;
  }

  /** Its node, or the one that stands where it stood. @param {Hold} held @returns {HTMLElement|undefined} */
  find(held) {
    if (held.node.isConnected && this.log.contains(held.node)) return held.node;
    const { messages } = this;
    const node = messages.find((one) => Number(one.dataset.seq) >= held.seq) ?? messages.at(-1);
    if (node) this.held = { ...held, node };
    return node;
  }

  /** @param {HTMLElement} node @param {Hold} held */
  wanted(node, { y, share }) {
    const { top, bottom, height } = this.scroller.getBoundingClientRect();
    const own = node.getBoundingClientRect().height;
    if (share > 0) return top - share * own;
    // A keyboard that comes up must not cover where it begins.
    return Math.min(y, bottom - Math.min(own, height, LEAST_PX));
  }

  /** Hold the end; with a line, only as far as that stays on the screen. @param {Element|null} [line] */
  toEnd(line = null) {
    this.held = null;
    this.settle();
    if (line && line.getBoundingClientRect().top < this.scroller.getBoundingClientRect().top) this.toLine(line);
  }

  /** @param {Element} line */
  toLine(line) {
    const { top, height } = this.scroller.getBoundingClientRect();
    this.scroller.scrollTop += line.getBoundingClientRect().top - top - height * QUARTER;
    this.top = this.scroller.scrollTop;
    this.take();
  }

  /** @param {HTMLElement} node */
  toMiddle(node) {
    node.scrollIntoView({ block: "center", behavior: "instant" });
    this.top = this.scroller.scrollTop;
    this.take();
  }

  /** The last message that can be seen whole, or whose end can. @returns {number} its seq; 0 if there is none */
  lastInSight() {
    const { bottom } = this.scroller.getBoundingClientRect();
    const { messages } = this;
    const at = firstBelow(messages, bottom + 1);
    return Number(messages[at - 1]?.dataset.seq ?? 0);
  }

  /** Whether a row lies above what can be seen. @param {Element} row */
  isAbove(row) {
    return row.getBoundingClientRect().bottom <= this.scroller.getBoundingClientRect().top;
  }
}

/** @param {number} value @param {number} low @param {number} high */
function between(value, low, high) {
  return value >= low && value < high;
}

/** The index of the first that begins at `y` or below it. @param {HTMLElement[]} nodes @param {number} y */
function firstFrom(nodes, y) {
  return search(nodes, (node) => node.getBoundingClientRect().top >= y);
}

/** The index of the first that ends below `y`. @param {HTMLElement[]} nodes @param {number} y */
function firstBelow(nodes, y) {
  return search(nodes, (node) => node.getBoundingClientRect().bottom > y);
}

/** @param {HTMLElement[]} nodes in the order of the page @param {(node: HTMLElement) => boolean} past */
function search(nodes, past) {
  let low = 0;
  let high = nodes.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (past(nodes[middle])) high = middle;
    else low = middle + 1;
  }
  return low;
}
