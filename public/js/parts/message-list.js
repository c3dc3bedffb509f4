import { h, icon, reconcile, scheduled } from "../dom.js";
import { localDay } from "../format.js";
import { buildRows } from "../rows.js";
import { KEEP } from "../timeline.js";
import { MessageTools } from "./message-tools.js";
import { MessageView } from "./message-view.js";
import { Part } from "./part.js";

/** @typedef {import("../rows.js").Row} Row */

const END_PX = 40;
const AHEAD_PX = 800;
/** Trimming a little at a time would redraw the top with every message. */
const SLACK = 100;
const FLASH_MS = 1600;

/** The conversation: draws rows, keeps the place of whoever reads, loads what lies beyond either end. */
export class MessageList extends Part {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    super(app);
    this.view = new MessageView(this.app);
    this.log = h("div", { class: "log", role: "log", "aria-live": "off", tabIndex: 0 });
    this.scroller = h("div", { class: "scroller" }, this.log);
    this.live = h("div", { class: "visually-hidden", "aria-live": "polite" });
    this.jump = h("button", { type: "button", class: "jump", hidden: true, onClick: () => this.toEnd() });
    this.append(this.scroller, this.jump, this.live);
    this.tools = new MessageTools(this.app, this);
    /** Whether the end stays on the screen when something comes. */
    this.stuck = true;
    /** Whether the room has just been opened and its place is to be found. */
    this.fresh = true;
    this.seenTo = 0;
    this.lastTop = 0;
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
    store.on("people", () => this.rename());
    store.on("attention", () => this.attend());
    store.on("show", ({ room, seq }) => room === store.current && this.show(seq));
    store.on("to-end", () => this.toEnd());
    store.on("live-message", (message) => this.announce(message));
    app.on("plugins", () => this.redraw());
    app.on("focus-lost", () => this.log.focus({ preventScroll: true }));
    this.scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    new ResizeObserver(() => this.stuck && this.bottom()).observe(this.scroller);
    new ResizeObserver(() => this.stuck && this.bottom()).observe(this.log);
  }

  translated() {
    this.redraw();
  }

  redraw() {
    this.log.replaceChildren();
    this.render();
  }

  opened() {
    if (this.name !== this.store.current) {
      this.name = this.store.current;
      this.log.replaceChildren();
      this.fresh = true;
      this.stuck = true;
      this.seenTo = this.store.room(this.name)?.cursor ?? 0;
    }
    this.render();
  }

  get room() {
    return this.store.room(this.store.current);
  }

  render() {
    const { room, store, app } = this;
    this.log.setAttribute("aria-label", room ? app.t("messages.title", { room: app.roomTitle(room) }) : "");
    if (!room || !store.me) {
      this.jump.hidden = true;
      return this.log.replaceChildren(store.me && store.epoch ? h("p", { class: "loading" }, app.t("rooms.none")) : "");
    }
    const history = store.hasPlugin("history");
    if (history && this.stuck && room.timeline.events.length > KEEP + SLACK) room.timeline.trim("older");
    const rows = buildRows(room, app.outbox.of(room.name),
      { me: store.me.id, history, day: localDay });
    const places = this.stuck ? [] : this.place();
    const focused = /** @type {any} */ (document.activeElement?.closest(".log > *"))?.rowKey;
    reconcile(this.log, rows, (row) => this.view.draw(row));
    this.log.setAttribute("aria-busy", String(!room.timeline.loaded));
    this.refocus(focused);
    if (this.fresh && room.timeline.loaded) this.arrive();
    else if (this.stuck) this.bottom();
    else this.restore(places);
    this.scrolled();
  }

  /** A row that was drawn again keeps the focus. @param {string|undefined} key */
  refocus(key) {
    if (!key || document.activeElement !== document.body) return;
    const row = [...this.log.children].find((node) => /** @type {any} */ (node).rowKey === key);
    /** @type {HTMLElement|undefined} */ (row)?.focus({ preventScroll: true });
  }

  /** The rows on the screen, and where they stand: what must not move. */
  place() {
    const { top, bottom } = this.scroller.getBoundingClientRect();
    const places = [...this.log.children].map((node) => ({ node, box: node.getBoundingClientRect() }));
    return places.filter(({ box }) => box.bottom > top && box.top < bottom);
  }

  /** Put the first row that was not drawn anew where it was. @param {{node: Element, box: DOMRect}[]} places */
  restore(places) {
    const kept = places.find(({ node }) => node.isConnected && !["more", "start"].includes(/** @type {any} */ (node).rowKey));
    if (kept) this.scroller.scrollTop += kept.node.getBoundingClientRect().top - kept.box.top;
    this.lastTop = this.scroller.scrollTop;
  }

  /** Where reading goes on: at the unread line, if what is new doesn't fit; else at the end. */
  arrive() {
    this.fresh = false;
    const line = /** @type {HTMLElement|null} */ (this.log.querySelector(".unread"));
    this.bottom();
    const above = line ? this.scroller.getBoundingClientRect().top - line.getBoundingClientRect().top : 0;
    if (above > 0) {
      this.scroller.scrollTop -= above + this.scroller.clientHeight / 4;
      this.stuck = false;
    }
  }

  bottom() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.lastTop = this.scroller.scrollTop;
  }

  toEnd() {
    const { room } = this;
    if (!room) return;
    this.stuck = true;
    this.bottom();
    if (room.timeline.newer) void this.app.session.latest(room.name);
    this.render();
  }

  scrolled() {
    const { room, scroller } = this;
    if (!room) return;
    const { scrollTop, clientHeight, scrollHeight } = scroller;
    const below = scrollHeight - clientHeight - scrollTop;
    // What grows below (a picture, a font) is no reason to let go of the end; only moving up is.
    const up = scrollTop < this.lastTop - 1;
    this.lastTop = scrollTop;
    this.stuck = (below < END_PX || (this.stuck && !up)) && !room.timeline.newer;
    if (room.timeline.loaded && !this.fresh) {
      if (scrollTop < AHEAD_PX) void this.app.session.more(room.name, "older");
      if (below < AHEAD_PX) void this.app.session.more(room.name, "newer");
    }
    this.attend();
    this.drawJump(room, below);
  }

  /** Whoever looks at the end has read it. */
  attend() {
    const { room, app } = this;
    const looking = !document.hidden && document.hasFocus() && this.checkVisibility({ visibilityProperty: true });
    if (!looking && app.session.reading && room?.unread === 0) room.line = null;
    app.session.reading = looking && this.stuck && !this.fresh;
    if (!room) return;
    if (this.stuck) this.seenTo = room.cursor;
    if (app.session.reading) app.session.seen(room.name);
  }

  /** @param {import("../store.js").Room} room @param {number} below pixels */
  drawJump(room, below) {
    const fresh = room.timeline.events.filter((event) => event.seq > this.seenTo && this.store.counts(event)).length;
    const far = below > this.scroller.clientHeight || room.timeline.newer;
    this.jump.hidden = this.fresh || this.stuck || !(fresh || far);
    if (this.jump.hidden) return;
    const text = fresh ? this.t("messages.newCount", { count: fresh }) : this.t("messages.toEnd");
    if (this.jump.textContent !== text) this.jump.replaceChildren(icon("down"), text);
    this.jump.classList.toggle("loud", fresh > 0);
  }

  /** Bring a message to the middle, and point at it. @param {number} seq */
  show(seq) {
    this.fresh = false;
    this.stuck = false;
    this.render();
    const nodes = /** @type {HTMLElement[]} */ ([...this.log.querySelectorAll(".message[data-seq]")]);
    const node = nodes.find((one) => Number(one.dataset.seq) >= seq) ?? nodes.at(-1);
    if (!node) return;
    node.scrollIntoView({ block: "center" });
    node.classList.add("flash");
    setTimeout(() => node.classList.remove("flash"), FLASH_MS);
    node.focus({ preventScroll: true });
  }

  /** Names change in place, without drawing the messages again. */
  rename() {
    for (const node of this.log.querySelectorAll(".author")) {
      const user = this.store.users.get(/** @type {HTMLElement} */ (node).dataset.user ?? "");
      if (user && node.textContent !== this.app.nameOf(user)) node.textContent = this.app.nameOf(user);
    }
  }

  /** Only what comes in live is read out. @param {import("../protocol.js").Message} message */
  announce(message) {
    if (message.room !== this.store.current || message.user.id === this.store.me?.id) return;
    this.live.textContent = `${this.app.nameOf(message.user)}: ${message.content || this.t("messages.file")}`;
  }
}
