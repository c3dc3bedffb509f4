import { h, icon, scheduled, unlessPressed } from "../dom.js";
import { reconcile, refresh } from "../reconcile.js";
import { roomHash } from "../router.js";
import { Part } from "./part.js";

/** @typedef {import("../store.js").Room} Room */
/** @typedef {{key: string, version: string, room: Room, title: string}} Line */
/** @typedef {{title: string, heading: HTMLElement, list: HTMLElement, none: HTMLElement|null, of: (room: Room) => boolean}} Section */

/** Rooms and direct messages; what is new stands out. */
export class RoomList extends Part {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    super(app);
    this.draw = scheduled(unlessPressed(this, () => this.render()));
    for (const topic of ["rooms", "room", "current", "people"]) this.store.on(topic, this.draw);
    app.on("draft", this.draw);
    /** @type {Set<string>} rooms of which only their own line has changed */
    this.changed = new Set();
    this.drawChanged = scheduled(() => this.renderChanged());
    this.store.on("counts", (name) => this.change(name));
    this.store.on("presence", (id) => this.change(this.directWith(id)));
    this.extras = h("div");
    this.sections = [
      section("rooms.title", (room) => room.joined && room.kind !== "direct"),
      section("rooms.direct", (room) => room.kind === "direct", h("p", { class: "list-empty" })),
      section("rooms.others", (room) => !room.joined && room.kind !== "direct" && !room.archived),
    ];
    for (const { heading, list, none } of this.sections) this.append(heading, list, ...(none ? [none] : []));
    this.append(this.extras);
    app.on("plugins", () => this.fill());
  }

  translated() {
    this.fill();
    this.render();
  }

  /** What plugins put here is drawn once, so that it may keep a state of its own. */
  fill() {
    this.extras.replaceChildren(...this.app.plugins.fill("sidebar", {}));
  }

  /** @param {string|undefined} name */
  change(name) {
    if (name === undefined) return;
    this.changed.add(name);
    this.drawChanged();
  }

  /** @param {string} id a user's */
  directWith(id) {
    return [...this.store.rooms.values()].find((room) => room.kind === "direct" && room.with?.id === id)?.name;
  }

  render() {
    this.changed.clear();
    const rooms = [...this.store.rooms.values()];
    const { compare } = new Intl.Collator(this.app.i18n.lang, { numeric: true });
    for (const { title, heading, list, none, of } of this.sections) {
      const lines = rooms.filter(of).map((room) => this.row(room)).sort((one, other) => compare(one.title, other.title));
      heading.textContent = this.t(title);
      heading.hidden = lines.length === 0 && title === "rooms.others";
      list.hidden = lines.length === 0;
      if (none) Object.assign(none, { hidden: lines.length > 0, textContent: this.t("rooms.directEmpty") });
      reconcile(list, lines, (row) => this.line(row));
    }
  }

  renderChanged() {
    for (const name of this.changed) {
      const room = this.store.room(name);
      const node = this.querySelector(`[data-room="${CSS.escape(name)}"]`)?.parentElement;
      if (room && node) refresh(node, this.row(room), (row) => this.line(row));
    }
    this.changed.clear();
  }

  /** @param {Room} room @returns {Line} */
  row(room) {
    const { app, store } = this;
    const title = app.roomTitle(room);
    const version = [title, room.kind, room.joined, room.archived, room.unread, room.mentions, store.current === room.name,
      app.drafts.has(room.name), room.with ? store.status(room.with.id) : "", app.i18n.lang].join("\n");
    return { key: room.name, version, room, title };
  }

  /** @param {Line} row */
  line({ room, title }) {
    const { app, store } = this;
    const unread = room.joined && room.unread > 0;
    const current = store.current === room.name;
    const link = h("a", { href: roomHash(room.name), class: "room-link one-line", "data-room": room.name,
      "data-joined": room.joined, "data-unread": unread, "data-archived": room.archived,
      "aria-current": current ? "page" : null, "aria-label": this.label(room, title) },
    this.mark(room), h("span", { class: "one-line", dir: "auto" }, title));
    if (!current && app.drafts.has(room.name)) link.append(icon("edit"));
    if (unread) link.append(this.badge(room));
    return h("li", null, link);
  }

  /** @param {Room} room */
  mark(room) {
    if (room.kind === "direct" && room.with) {
      return h("span", { class: "room-mark" }, h("span", { class: "dot", "data-status": this.store.status(room.with.id) }));
    }
    return h("span", { class: "room-mark" }, icon(room.kind === "private" ? "lock" : "hash"));
  }

  /** @param {Room} room */
  badge(room) {
    const loud = room.mentions > 0 || room.kind === "direct";
    const count = room.mentions || room.unread;
    // The link's label says it in words; a number of its own in the text would contradict that.
    return h("span", { class: `badge ${loud ? "mention" : "quiet"}`, "aria-hidden": "true", "data-count": count > 99 ? "99+" : count });
  }

  /** @param {Room} room @param {string} title */
  label(room, title) {
    const parts = [title];
    if (room.unread) parts.push(this.t("rooms.unread", { count: room.unread }));
    if (room.mentions) parts.push(this.t("rooms.mentions", { count: room.mentions }));
    if (room.kind === "private") parts.push(this.t("rooms.private"));
    if (!room.joined) parts.push(this.t("rooms.notJoined"));
    return parts.join(", ");
  }
}

/** @param {string} title @param {(room: Room) => boolean} of which rooms stand in it @param {HTMLElement|null} [none] instead of them @returns {Section} */
function section(title, of, none = null) {
  return { title, of, none, heading: h("h3", { class: "list-title" }), list: h("ul", null) };
}
