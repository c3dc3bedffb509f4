import { avatar, h, icon } from "../dom.js";
import { best, fold } from "../fuzzy.js";
import { isComposing } from "../text-field.js";
import { DialogPart } from "./dialog.js";

/** @typedef {import("../store.js").Room} Room */
/** @typedef {import("../protocol.js").User} User */
/** @typedef {{room: Room, user?: undefined}|{user: User, room?: undefined}} Place */

const MOST = 30;
/** What comes first among those that fit as well: what is new, then where one is. */
const RANK = { mentions: 90, unread: 60, direct: 30, joined: 20, person: 10, other: 0, archived: -50 };

/** Type a few letters, and be in that room or conversation. */
export class QuickSwitcher extends DialogPart {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    super(app);
    app.on("dialog", ({ name, text }) => name === "switcher" && this.open(text));
  }

  /** @param {string} [text] goes into the message field of what is chosen */
  open(text = "") {
    const { t } = this;
    this.text = text;
    this.input = h("input", { class: "switcher-input", role: "combobox", "aria-expanded": "true", "aria-controls": "switcher-list", "aria-label": t("switcher.title"),
      placeholder: t("switcher.hint"), autocomplete: "off", spellcheck: false, dir: "auto", onInput: () => this.search() });
    this.list = h("ul", { id: "switcher-list", class: "switcher-list", role: "listbox", "aria-label": t("switcher.title") });
    this.candidates = this.collect();
    this.openDialog(t("switcher.title"), this.input, this.list);
    this.dialog?.classList.add("switcher");
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.list.addEventListener("click", (event) => this.press(event));
    this.input.focus();
    this.search();
  }

  /** Names are folded once, when it opens. */
  collect() {
    const { store, app } = this;
    const direct = new Set([...store.rooms.values()].map((room) => room.with?.id));
    const rooms = [...store.rooms.values()].map((room) => ({ item: /** @type {Place} */ ({ room }), rank: this.rank(room),
      texts: [...new Set([fold(app.roomTitle(room)), fold(room.with?.name ?? room.name)])] }));
    const people = [...store.users.values()].filter(({ id, bot }) => id !== store.me?.id && id !== "system" && !bot && !direct.has(id))
      .map((user) => ({ item: /** @type {Place} */ ({ user }), rank: RANK.person, texts: [...new Set([fold(app.nameOf(user)), fold(user.name)])] }));
    return [...rooms, ...people];
  }

  /** @param {Room} room */
  rank(room) {
    const news = !room.joined ? 0 : room.mentions || (room.unread && room.kind === "direct") ? RANK.mentions : room.unread ? RANK.unread : 0;
    const kind = room.archived ? RANK.archived : room.kind === "direct" ? RANK.direct : room.joined ? RANK.joined : RANK.other;
    return room.name === this.store.current ? RANK.archived : news + kind;
  }

  search() {
    const typed = (this.input?.value ?? "").replace(/^[@#]/, "");
    const only = /^[@#]/.exec(this.input?.value ?? "")?.[0];
    const among = (this.candidates ?? []).filter(({ item }) => !only || (only === "#") === (item.room !== undefined && item.room.kind !== "direct"));
    /** @type {Place[]} */
    this.found = best(among, typed, MOST);
    this.at = 0;
    this.list?.replaceChildren(...this.found.map((place, index) => this.option(place, index)));
    if (this.found.length === 0) this.list?.append(h("li", { class: "switcher-none" }, this.t("switcher.none")));
    this.choose(0);
  }

  /** @param {Place} place @param {number} index */
  option({ room, user }, index) {
    const { app, store, t } = this;
    const person = user ?? room?.with;
    const mark = person ? avatar(store.user(person)) : icon(room?.kind === "private" ? "lock" : "hash");
    mark.classList.add("small");
    const name = room ? app.roomTitle(room) : app.nameOf(/** @type {User} */ (user));
    const hint = person ? `@${store.user(person).name}` : room && room.title && room.title !== room.name ? `#${room.name}` : "";
    const count = room?.joined ? room.mentions || room.unread : 0;
    return h("li", { role: "option", id: `switcher-${index}`, "data-index": index, "aria-selected": "false" }, mark,
      h("span", { class: "choice one-line", dir: "auto" }, name), h("span", { class: "choice-hint one-line", dir: "auto" }, hint),
      room && !room.joined ? h("span", { class: "choice-hint" }, t("rooms.notJoined")) : null,
      count ? h("span", { class: `badge ${room?.mentions || room?.kind === "direct" ? "mention" : ""}`, "data-count": count > 99 ? "99+" : count },
        h("span", { class: "visually-hidden" }, t("rooms.unread", { count }))) : null);
  }

  /** @param {number} index */
  choose(index) {
    const options = [...(this.list?.querySelectorAll("[role=option]") ?? [])];
    this.at = options.length ? (index + options.length) % options.length : 0;
    options.forEach((option, at) => option.setAttribute("aria-selected", String(at === this.at)));
    options[this.at]?.scrollIntoView({ block: "nearest" });
    if (options.length) this.input?.setAttribute("aria-activedescendant", `switcher-${this.at}`);
    else this.input?.removeAttribute("aria-activedescendant");
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    // Enter that ends a composition chooses nothing.
    if (isComposing(event)) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) this.choose((this.at ?? 0) + step);
    else if (event.key === "Enter") this.go(this.at ?? 0);
    else return;
    event.preventDefault();
  }

  /** @param {MouseEvent} event */
  press(event) {
    const option = /** @type {HTMLElement|null} */ (/** @type {Element} */ (event.target).closest("[data-index]"));
    if (option) this.go(Number(option.dataset.index));
  }

  /** @param {number} index */
  go(index) {
    const place = this.found?.[index];
    if (!place) return;
    this.dialog?.close();
    const name = place.room ? place.room.name : this.store.direct(/** @type {User} */ (place.user));
    if (this.text) this.bring(this.text, name);
    this.app.router.go(name);
  }

  /** @param {string} text @param {string} name of a room */
  bring(text, name) {
    const { app, store } = this;
    if (store.current === name) return void app.emit("insert", text);
    const stop = store.on("current", (now) => {
      stop();
      if (now === name) queueMicrotask(() => app.emit("insert", text));
    });
  }
}
