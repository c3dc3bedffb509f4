import { avatar, h, icon, scheduled, unlessPressed } from "../dom.js";
import { fold } from "../fuzzy.js";
import { reconcile, refresh } from "../reconcile.js";
import { roomHash } from "../router.js";
import { isComposing } from "../text-field.js";
import { Part } from "./part.js";
import { openRoomMenu } from "./room-menu.js";

/** @typedef {import("../store.js").Room} Room */
/** @typedef {{key: string, version: string, room: Room, title: string, first: boolean}} Line */
/** @typedef {{id: string, title: string, heading: HTMLElement, button: HTMLButtonElement, list: HTMLElement, of: (room: Room) => boolean, most: number}} Section */

/** From so many rooms on there is a field that filters them. */
const FILTER_FROM = 15;
/** So many of the rooms that one is not in are listed; the directory has all. */
const MOST_OTHERS = 20;

/** Direct messages and rooms; what is new comes first, and stands out. */
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
    app.settings.on("change", (name) => name === "levels" && this.draw());
    this.filter = h("input", { type: "search", class: "room-filter", dir: "auto", spellcheck: false, autocomplete: "off", hidden: true,
      onInput: () => this.render() });
    this.filter.addEventListener("keydown", (event) => this.filterKey(event));
    this.extras = h("div");
    this.hint = h("p", { class: "list-empty" });
    this.browse = h("button", { type: "button", class: "room-link browse", onClick: () => app.emit("dialog", { name: "directory" }) });
    this.sections = [
      this.section("direct", "rooms.direct", (room) => room.kind === "direct" && (!room.hidden || room.name === this.store.current)),
      this.section("rooms", "rooms.title", (room) => room.joined && room.kind !== "direct"),
      this.section("others", "rooms.others", (room) => !room.joined && room.kind !== "direct" && !room.archived, MOST_OTHERS),
    ];
    this.append(this.filter, ...this.sections.flatMap(({ heading, list }) => [heading, list]), this.hint, this.browse, this.extras);
    app.on("plugins", () => this.fill());
    this.addEventListener("contextmenu", (event) => this.contextMenu(event));
  }

  translated() {
    this.fill();
    this.render();
  }

  /** @param {string} id @param {string} title @param {(room: Room) => boolean} of which rooms stand in it @param {number} [most] @returns {Section} */
  section(id, title, of, most = Infinity) {
    const button = h("button", { type: "button", class: "list-fold", onClick: () => this.fold(id) });
    return { id, title, of, most, button, heading: h("h3", { class: "list-title" }, button), list: h("ul", { id: `rooms-${id}` }) };
  }

  /** What plugins put here is drawn once, so that it may keep a state of its own. */
  fill() {
    this.extras.replaceChildren(...this.app.plugins.slots.fill("sidebar", {}));
  }

  /** @param {string} id of a section */
  fold(id) {
    const { settings } = this.app;
    const folded = settings.get("folded");
    settings.set("folded", folded.includes(id) ? folded.filter((one) => one !== id) : [...folded, id]);
    this.render();
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
    const { app, t } = this;
    this.changed.clear();
    const rooms = [...this.store.rooms.values()];
    this.filter.hidden = rooms.length < FILTER_FROM;
    this.filter.placeholder = t("rooms.filter");
    this.filter.setAttribute("aria-label", t("rooms.filter"));
    const wanted = this.filter.hidden ? "" : fold(this.filter.value.trim());
    const { compare } = new Intl.Collator(app.i18n.lang, { numeric: true });
    for (const section of this.sections) {
      const all = rooms.filter(section.of).map((room) => this.row(room)).filter(({ title, key }) => !wanted || fold(`${title} ${key}`).includes(wanted))
        .sort((one, other) => Number(other.first) - Number(one.first) || compare(one.title, other.title)).slice(0, section.most);
      const folded = app.settings.get("folded").includes(section.id) && !wanted;
      // What is new, and where one is, is seen all the same.
      const lines = folded ? all.filter(({ room, first }) => first || room.name === this.store.current) : all;
      this.drawHeading(section, folded, all.length);
      section.list.hidden = lines.length === 0;
      reconcile(section.list, lines, (row) => this.line(row));
    }
    this.hint.hidden = wanted !== "" || rooms.some((room) => room.kind === "direct");
    this.hint.textContent = t("rooms.directEmpty");
    this.browse.replaceChildren(h("span", { class: "room-mark" }, icon("search")), h("span", { class: "one-line" }, t("directory.title")));
  }

  /** @param {Section} section @param {boolean} folded @param {number} count */
  drawHeading({ heading, button, title }, folded, count) {
    heading.hidden = count === 0;
    button.setAttribute("aria-expanded", String(!folded));
    if (button.textContent !== this.t(title)) button.replaceChildren(this.t(title), icon("chevron"));
  }

  renderChanged() {
    let moved = false;
    for (const name of this.changed) {
      const room = this.store.room(name);
      const node = this.querySelector(`[data-room="${CSS.escape(name)}"]`)?.parentElement;
      const row = room && this.row(room);
      // What is new comes first, and may have been folded away.
      if (row && (!node || row.first !== this.isFirst(node))) moved = true;
      if (row && node) refresh(node, row, (one) => this.line(one));
    }
    this.changed.clear();
    if (moved) this.draw();
  }

  /** @param {HTMLElement} node */
  isFirst(node) {
    return node.firstElementChild?.hasAttribute("data-first") ?? false;
  }

  /** @param {Room} room @returns {Line} */
  row(room) {
    const { app, store } = this;
    const title = app.roomTitle(room);
    const quiet = app.attention.levelOf(room) === "none";
    const first = room.joined && (room.mentions > 0 || (room.unread > 0 && !quiet));
    const version = [title, room.kind, room.joined, room.archived, room.unread, room.mentions, store.current === room.name, first, quiet,
      app.drafts.has(room.name), room.with ? `${store.status(room.with.id)} ${store.user(room.with).avatar}` : "", app.i18n.lang].join("\n");
    return { key: room.name, version, room, title, first };
  }

  /** @param {Line} row */
  line({ room, title, first }) {
    const { app, store } = this;
    const unread = room.joined && room.unread > 0;
    const current = store.current === room.name;
    const quiet = app.attention.levelOf(room) === "none";
    const link = h("a", { href: roomHash(room.name), class: "room-link one-line", "data-room": room.name,
      "data-joined": room.joined, "data-unread": unread && !quiet, "data-first": first, "data-archived": room.archived, "data-quiet": quiet,
      "aria-current": current ? "page" : null, "aria-label": this.label(room, title) },
    this.mark(room), h("span", { class: "one-line", dir: "auto" }, title));
    if (!current && app.drafts.has(room.name)) link.append(icon("edit"));
    if (quiet) link.append(icon("mute"));
    if (unread && (!quiet || room.mentions)) link.append(this.badge(room));
    return h("li", null, link);
  }

  /** @param {Room} room */
  mark(room) {
    if (room.kind === "direct" && room.with) {
      return h("span", { class: "room-mark member-face" }, avatar(this.store.user(room.with)), h("span", { class: "dot", "data-status": this.store.status(room.with.id) }));
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

  /** Enter opens the first one, Escape lets all be seen again. @param {KeyboardEvent} event */
  filterKey(event) {
    if (isComposing(event)) return;
    if (event.key === "Escape") {
      event.preventDefault();
      if (this.filter.value === "") return this.app.emit("focus-composer");
      this.filter.value = "";
      this.render();
    } else if (event.key === "Enter") {
      event.preventDefault();
      /** @type {HTMLElement|null} */ (this.querySelector("ul:not([hidden]) a"))?.click();
    }
  }

  /** @param {MouseEvent} event */
  contextMenu(event) {
    const link = /** @type {HTMLElement|null} */ (/** @type {Element} */ (event.target).closest("[data-room]"));
    const room = this.store.room(link?.dataset.room ?? null);
    if (!link || !room?.joined) return;
    event.preventDefault();
    openRoomMenu(this.app, room, link, event.clientX ? { x: event.clientX, y: event.clientY } : undefined);
  }
}
