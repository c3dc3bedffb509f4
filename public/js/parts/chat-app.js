import { read, write } from "../settings.js";
import { roomHash } from "../router.js";
import { Part } from "./part.js";

const PHONE = "(max-width: 43.6875em)";

/** Which room and which pane is on the screen, following the address. */
export class ChatApp extends Part {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    super(app);
    const { store } = this;
    this.phone = window.matchMedia(PHONE);
    this.piece("new-room").addEventListener("click", () => app.emit("dialog", { name: "room" }));
    this.piece("skip").addEventListener("click", (/** @type {Event} */ event) => {
      event.preventDefault();
      app.emit("focus-composer");
    });
    app.router.on("change", () => void this.route());
    store.on("me", () => this.welcomed());
    app.on("enter", () => { this.started = false; });
    store.on("kicked", (event) => this.kicked(event));
    store.on("removed", (name) => app.router.route.room === name && this.goHome());
    app.on("step", ({ by, unread }) => this.step(by, unread));
    app.panels.on("change", () => this.place());
    for (const event of ["focus", "blur"]) window.addEventListener(event, () => store.emit("attention"));
    document.addEventListener("visibilitychange", () => store.emit("attention"));
  }

  /** The first time: where were we? */
  welcomed() {
    this.piece("server-name").textContent = this.store.server.name;
    this.piece("new-room").hidden = !this.store.may("room.create");
    if (this.app.router.route.room !== null) void this.route();
    else if (!this.started || !this.phone.matches) this.goHome();
    this.started = true;
  }

  /** To the room of last time, or the first there is. On a phone the list of rooms lies behind it. */
  goHome() {
    const { store, app } = this;
    const last = store.room(read(`chat.room.${store.me?.id}`, null));
    const rooms = [...store.rooms.values()].filter((room) => !room.archived);
    const joined = rooms.filter((room) => room.joined && room.kind !== "direct");
    // A user in no room yet is let into one, once; one who left, or was removed, chooses a room.
    const offered = this.started || rooms.some((room) => room.joined) ? [] : rooms;
    const room = last?.joined ? last : preferred(joined) ?? preferred(offered);
    if (!room) return app.router.route.room === null ? undefined : app.router.replace("#/");
    if (!this.started && this.phone.matches) history.replaceState(null, "", "#/");
    if (!this.started && this.phone.matches) app.router.go(room.name);
    else app.router.replace(roomHash(room.name));
  }

  /** @param {{room: string, by: import("../protocol.js").User, reason: string}} event */
  kicked({ room, by, reason }) {
    const { app, t } = this;
    const known = this.store.room(room);
    // On the screen it says so itself.
    if (known?.out) return;
    const text = t("rooms.kicked", { room: known ? app.roomTitle(known) : room, by: app.nameOf(by) });
    app.toast(reason ? t("events.because", { text, reason }) : text);
  }

  async route() {
    const { app, store } = this;
    const { room: name, seq } = app.router.route;
    this.place();
    store.emit("attention");
    if (name === null) {
      if (!this.phone.matches && store.current === null && store.me) this.goHome();
      return;
    }
    if (store.epoch === null || (store.current === name && seq === null)) return;
    try {
      await app.session.open(name, seq);
      write(`chat.room.${store.me?.id}`, name);
    } catch (/** @type {any} */ error) {
      app.toast(error.code === "not_found" ? app.t("rooms.unknown", { name }) : app.explain(error));
      if (!error.temporary) this.goHome();
    }
  }

  /** Which of the three columns a phone shows, and whether there is something at the right. */
  place() {
    const { open, routed } = this.app.panels;
    const { room } = this.app.router.route;
    this.dataset.pane = room === null ? "rooms" : routed ? "panel" : "room";
    this.dataset.panel = routed && routed.panel.name !== "people" ? "routed" : open ? "open" : "none";
  }

  /** To the next room in the list. @param {1|-1} direction @param {boolean} unread only those with something new */
  step(direction, unread) {
    const links = /** @type {HTMLAnchorElement[]} */ ([...this.querySelectorAll("room-list a[data-joined]")]);
    const here = links.findIndex((link) => link.getAttribute("aria-current") === "page");
    for (let offset = 1; offset <= links.length; offset += 1) {
      const link = links[(here + direction * offset + links.length * 2) % links.length];
      if (unread && !link.hasAttribute("data-unread")) continue;
      return link.click();
    }
  }
}

/** @param {import("../store.js").Room[]} rooms */
function preferred(rooms) {
  return rooms.find((room) => room.name === "general") ?? rooms[0];
}
