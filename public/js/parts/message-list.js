import { Anchor } from "../anchor.js";
import { h, icon, scheduled } from "../dom.js";
import { localDay } from "../format.js";
import { eachDay } from "../midnight.js";
import { plainText } from "../plain.js";
import { reconcile } from "../reconcile.js";
import { buildRows } from "../rows.js";
import { KEEP } from "../timeline.js";
import { MessageTools } from "./message-tools.js";
import { MessageView } from "./message-view.js";
import { Part } from "./part.js";

/** @typedef {import("../rows.js").Row} Row */

const AHEAD_PX = 800;
/** Without the reader scrolling, the next page is loaded only when its edge is reached. */
const EDGE_PX = 40;
/** Trimming a little at a time would redraw the top with every message. */
const SLACK = 100;
const FLASH_MS = 1600;
/** How far a page goes: some lines stay in sight. */
const PAGE_SHARE = 0.85;

/** The conversation: draws rows, loads what lies beyond either end, tells what has been read. */
export class MessageList extends Part {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    super(app);
    this.view = new MessageView(this.app);
    this.log = h("div", { class: "log", role: "log", "aria-live": "off", tabIndex: 0 });
    this.scroller = h("div", { class: "scroller" }, this.log);
    this.anchor = new Anchor(this.scroller, this.log);
    this.live = h("div", { class: "visually-hidden", "aria-live": "polite" });
    this.jump = h("button", { type: "button", class: "jump", hidden: true, onClick: () => this.toEnd() });
    this.back = h("button", { type: "button", class: "jump up", hidden: true, onClick: () => void this.toFirstUnread() });
    this.append(this.scroller, this.back, this.jump, this.live);
    this.tools = new MessageTools(this.app, this);
    /** Whether the room has just been opened and its place is to be found. */
    this.fresh = true;
    /** @type {WeakMap<object, string>} extras of messages, as texts */
    this.texts = new WeakMap();
    /** How often every row had to be drawn again. */
    this.drawings = 0;
    /** Whether new messages were passed over without having been on the screen. */
    this.skipped = false;
    /** @type {string|null} */
    this.name = null;
    this.draw = scheduled(() => this.render());
    this.listen();
  }

  listen() {
    const { store, app } = this;
    const here = (/** @type {string} */ name) => name === store.current && this.draw();
    store.on("timeline", here);
    store.on("room", here);
    store.on("members", here);
    app.outbox.on("change", here);
    store.on("current", () => this.opened());
    store.on("people", this.draw);
    store.on("attention", () => this.attend());
    store.on("connection", () => this.attend());
    store.on("gap", (name) => name === store.current && this.reload(name));
    store.on("show", ({ room, seq }) => room === store.current && this.show(seq));
    store.on("to-end", () => this.toEnd());
    app.on("page", (direction) => this.scroller.scrollBy({ top: direction * this.scroller.clientHeight * PAGE_SHARE }));
    store.on("live-message", (message) => this.announce(message));
    store.on("amended", ({ message_id }) => message_id === this.live.dataset.id && this.live.replaceChildren());
    app.on("plugins", () => this.redraw());
    eachDay(this.draw);
    app.on("focus-lost", () => this.log.focus({ preventScroll: true }));
    this.scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    // After layout and before paint: what has changed its size is put right before it is seen.
    const sizes = new ResizeObserver(() => this.settle());
    sizes.observe(this.scroller);
    sizes.observe(this.log);
  }

  translated() {
    this.redraw();
  }

  /** Every row is drawn again. */
  redraw() {
    this.drawings += 1;
    this.render();
  }

  opened() {
    if (this.name !== this.store.current) {
      this.name = this.store.current;
      this.log.replaceChildren();
      this.fresh = true;
      this.skipped = false;
      this.anchor.toEnd();
    }
    this.draw();
  }

  get room() {
    return this.store.room(this.store.current);
  }

  /** Whether what comes in is on the screen as it comes. */
  get watched() {
    return !document.hidden && this.store.connection.state === "live" && this.checkVisibility({ visibilityProperty: true });
  }

  get line() {
    return this.log.querySelector(".unread");
  }

  render() {
    const { room, store, app, anchor } = this;
    this.log.setAttribute("aria-label", room ? app.t("messages.title", { room: app.roomTitle(room) }) : "");
    if (!room || !store.me) {
      this.jump.hidden = this.back.hidden = true;
      return this.log.replaceChildren(store.me && store.epoch ? h("p", { class: "loading" }, app.t("rooms.none")) : "");
    }
    if (anchor.moved) anchor.follow(!room.timeline.newer);
    this.prune(room);
    const rows = room.opening ? [] : buildRows(room, app.outbox.of(room.name), this.context(store.me.id));
    reconcile(this.log, rows, (row) => this.view.draw(row));
    this.log.setAttribute("aria-busy", String(!room.timeline.loaded));
    this.tools.refresh();
    if (this.fresh && room.timeline.loaded && !room.opening) this.arrive();
    else this.settle();
    this.proceed(room, EDGE_PX);
  }

  /** Let go of what is far from where the reader is. @param {import("../store.js").Room} room */
  prune({ timeline }) {
    if (timeline.events.length <= KEEP + SLACK || !this.store.hasPlugin("history")) return;
    const at = this.anchor.seq === null ? Infinity : timeline.indexOf(this.anchor.seq);
    timeline.trim(at > KEEP / 2 ? "older" : "newer");
  }

  /** @param {string} me @returns {import("../rows.js").Context} */
  context(me) {
    const { app, store } = this;
    return {
      me,
      history: store.hasPlugin("history"),
      look: `${this.drawings}`,
      quoted: (id) => app.quotes.get(store.current ?? "", id),
      members: this.room?.members_here ? "known" : "",
      day: localDay,
      label: (ts) => app.format.day(ts),
      name: (user) => `${app.nameOf(user)}\n${store.user(user).avatar} ${store.blocked.has(user.id)}`,
      texts: this.texts,
    };
  }

  /** Where reading goes on: at the unread line, if what is new doesn't fit; else at the end. */
  arrive() {
    this.fresh = false;
    this.anchor.toEnd(this.line);
  }

  /** Keep the place. What comes in unwatched stops where the line of what is new would leave the screen. */
  settle() {
    const { anchor, line } = this;
    if (anchor.atEnd && !this.watched && line) anchor.toEnd(line);
    else anchor.settle();
    if (anchor.atEnd && line && !document.hasFocus()) this.skipped ||= anchor.isAbove(line);
  }

  toEnd() {
    const { room } = this;
    if (!room) return;
    this.skipped ||= room.line !== null;
    this.fresh = false;
    this.anchor.toEnd();
    if (room.timeline.newer) void this.app.session.pages.latest(room.name);
    this.render();
  }

  async toFirstUnread() {
    const { room } = this;
    if (!room || room.line === null) return;
    if (!room.timeline.covers(room.line)) await this.app.session.pages.around(room.name, { around: room.line });
    if (room !== this.room) return;
    this.skipped = false;
    this.render();
    if (this.line) this.anchor.toLine(this.line);
    this.proceed(room, EDGE_PX);
    this.log.focus({ preventScroll: true });
  }

  /** Too much was missed to be sent: the window is loaded anew, where the reader is. @param {string} name */
  reload(name) {
    const { seq } = this.anchor;
    if (seq !== null) return void this.app.session.pages.around(name, { around: seq });
    this.fresh = true;
    void this.app.session.pages.arrive(name);
  }

  scrolled() {
    const { room, anchor } = this;
    if (!room || !anchor.moved) return;
    anchor.follow(!room.timeline.newer);
    this.proceed(room, AHEAD_PX);
  }

  /** Load what is near, and tell what has been seen. @param {import("../store.js").Room} room @param {number} ahead pixels */
  proceed(room, ahead) {
    if (room.timeline.loaded && !room.opening && !this.fresh) {
      if (this.scroller.scrollTop < ahead) void this.app.session.pages.more(room.name, "older");
      if (this.anchor.below < ahead) void this.app.session.pages.more(room.name, "newer");
    }
    this.attend();
    this.drawJumps(room);
  }

  /** What has been on the screen while the user looked is read; what lies out of sight is not. */
  attend() {
    const { room, app, anchor } = this;
    const looking = this.watched && document.hasFocus() && !this.fresh;
    if (!looking && app.session.reads.reading && room?.unread === 0) room.line = null;
    app.session.reads.reading = looking && anchor.atEnd;
    if (room && looking) app.session.reads.seen(room.name, anchor.atEnd ? room.cursor : anchor.lastInSight());
  }

  /** The ways to the end, and back to the first new message. @param {import("../store.js").Room} room */
  drawJumps(room) {
    const { anchor, line } = this;
    const far = anchor.below > this.scroller.clientHeight || room.timeline.newer;
    this.jump.hidden = this.fresh || anchor.atEnd || !(room.unread || far);
    this.label(this.jump, "down", room.unread ? this.t("messages.newCount", { count: room.unread }) : this.t("messages.toEnd"));
    this.jump.classList.toggle("loud", room.unread > 0);
    this.back.hidden = this.fresh || !this.skipped || room.line === null || (line !== null && !anchor.isAbove(line));
    this.label(this.back, "up", this.t("messages.toUnread"));
  }

  /** @param {HTMLElement} button @param {string} name @param {string} text */
  label(button, name, text) {
    if (!button.hidden && button.textContent !== text) button.replaceChildren(icon(name), text);
  }

  /** Bring a message to the middle, and point at it. @param {number} seq */
  show(seq) {
    this.fresh = false;
    this.skipped ||= this.room?.line != null;
    this.render();
    const { messages } = this.anchor;
    const node = messages.find((one) => Number(one.dataset.seq) >= seq) ?? messages.at(-1);
    if (!node) return;
    this.anchor.toMiddle(node);
    node.classList.add("flash");
    setTimeout(() => node.classList.remove("flash"), FLASH_MS);
    node.focus({ preventScroll: true });
    if (this.room) this.proceed(this.room, EDGE_PX);
  }

  /** Show a long message whole, or its beginning only; what stands above stays. @param {HTMLElement} node */
  fold(node) {
    this.view.toggle(node.dataset.id ?? node.dataset.nonce ?? "");
    this.anchor.take();
    Object.assign(node, { rowVersion: "" });
    this.render();
  }

  /** Only what comes in live is read out. @param {import("../protocol.js").Message} message */
  announce(message) {
    if (message.room !== this.store.current || message.user.id === this.store.me?.id) return;
    this.live.dataset.id = message.message_id;
    this.live.textContent = `${this.app.authorOf(message)}: ${plainText(message) || this.t("messages.file")}`;
  }
}
