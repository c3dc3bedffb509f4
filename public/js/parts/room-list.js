import { h, icon, scheduled } from "../dom.js";
import { roomHash } from "../router.js";
import { Part } from "./part.js";

/** @typedef {import("../store.js").Room} Room */

/** Rooms and direct messages; what is new stands out. */
export class RoomList extends Part {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    super(app);
    this.draw = scheduled(() => this.render());
    for (const topic of ["rooms", "room", "current", "people", "members"]) this.store.on(topic, this.draw);
    app.on("draft", this.draw);
    this.extras = h("div");
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

  render() {
    const rooms = [...this.store.rooms.values()];
    const joined = rooms.filter((room) => room.joined && room.kind !== "direct");
    const direct = rooms.filter((room) => room.kind === "direct");
    const others = rooms.filter((room) => !room.joined && room.kind !== "direct" && !room.archived);
    const focused = /** @type {HTMLElement|null} */ (document.activeElement)?.dataset?.room;
    this.replaceChildren(
      ...this.section("rooms.title", joined.sort(byTitle(this.app))),
      ...this.section("rooms.direct", direct.sort(byTitle(this.app)), "rooms.directEmpty"),
      ...(others.length ? this.section("rooms.others", others.sort(byTitle(this.app))) : []),
      this.extras,
    );
    if (focused) /** @type {HTMLElement|null} */ (this.querySelector(`[data-room="${CSS.escape(focused)}"]`))?.focus();
  }

  /** @param {string} title @param {Room[]} rooms @param {string} [empty] */
  section(title, rooms, empty) {
    const body = rooms.length || !empty ? h("ul", null, ...rooms.map((room) => h("li", null, this.line(room))))
      : h("p", { class: "list-empty" }, this.t(empty));
    return [h("h3", { class: "list-title" }, this.t(title)), body];
  }

  /** @param {Room} room */
  line(room) {
    const { app, store } = this;
    const title = app.roomTitle(room);
    const unread = room.joined && room.unread > 0;
    const current = store.current === room.name;
    const link = h("a", { href: roomHash(room.name), class: "room-link one-line", "data-room": room.name,
      "data-joined": room.joined, "data-unread": unread, "data-archived": room.archived,
      "aria-current": current ? "page" : null, "aria-label": this.label(room, title) },
    this.mark(room), h("span", { class: "one-line", dir: "auto" }, title));
    if (!current && app.drafts.has(room.name)) link.append(icon("edit"));
    if (unread) link.append(this.badge(room));
    return link;
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

/** @param {import("../app.js").App} app */
function byTitle(app) {
  return (/** @type {Room} */ one, /** @type {Room} */ other) =>
    app.roomTitle(one).localeCompare(app.roomTitle(other), app.i18n.lang, { numeric: true });
}
