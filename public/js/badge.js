import { scheduled } from "./dom.js";
import { setBadge } from "./platform.js";

const MARK = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48"><path fill="#4453c9" d="M12 5h24a8 8 0 0 1 8 8v16a8 8 0 0 1-8 8H22.5L13 44.3c-1.2.9-2.9 0-2.9-1.5V37A8 8 0 0 1 4 29V13a8 8 0 0 1 8-8Z"/><path fill="none" stroke="#fff" stroke-width="4" stroke-linecap="round" d="M14 17h20M14 26h12"/>`;

/** How much is new: in the page's title, its icon, and on the icon of the installed app. */
export class Badge {
  /** @param {import("./app.js").App} app */
  constructor(app) {
    this.app = app;
    this.icon = document.querySelector("link[rel=icon]");
    this.plain = this.icon?.getAttribute("href") ?? "";
    this.shown = "";
    this.loud = -1;
    const draw = scheduled(() => this.draw());
    for (const topic of ["rooms", "counts", "current", "room", "people"]) app.store.on(topic, draw);
    app.settings.on("change", (name) => name === "levels" && draw());
    app.i18n.on("change", draw);
    draw();
  }

  draw() {
    const { store, attention } = this.app;
    const rooms = [...store.rooms.values()].filter((room) => room.joined && attention.levelOf(room) !== "none");
    const unread = rooms.reduce((sum, room) => sum + room.unread, 0);
    const loud = rooms.reduce((sum, room) => sum + (room.kind === "direct" || attention.levelOf(room) === "all" ? room.unread : room.mentions), 0);
    const here = store.room(store.current);
    const place = here ? `${this.app.roomTitle(here)} · ` : "";
    const title = `${unread ? `(${unread}) ` : ""}${place}${store.server.name || "Chat"}`;
    if (document.title !== title) document.title = title;
    this.mark(loud ? "#d0273c" : unread ? "#e8a33d" : "");
    // It goes through another process, and would with each message.
    if (loud !== this.loud) setBadge(loud);
    this.loud = loud;
  }

  /** @param {string} colour of the dot on the page's icon; empty for none */
  mark(colour) {
    if (this.shown === colour) return;
    this.shown = colour;
    const dot = `<circle cx="37" cy="37" r="10" fill="${colour}" stroke="#fff" stroke-width="2"/></svg>`;
    this.icon?.setAttribute("href", colour ? `data:image/svg+xml,${encodeURIComponent(MARK + dot)}` : this.plain);
  }
}
