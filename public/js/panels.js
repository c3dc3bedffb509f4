import { Emitter } from "./emitter.js";
import { roomHash } from "./router.js";

/**
 * What can stand at the right of a conversation. `draw` is called when it is opened and for each room it is opened in; null
 * is nothing to show. `caption` stands in its bar where that says more than `title`.
 * @typedef {{room: import("./store.js").Room, arg: string}} PanelContext
 * @typedef {{name: string, title: (arg: string) => string, caption?: (arg: string) => string,
 *   draw: (context: PanelContext) => Node|null, icon?: string}} Panel
 */

/** Below this width panels lie over the conversation. */
const NARROW = "(max-width: 56.1875em)";

/**
 * Which panel is open, by the address: `#/ROOM/NAME/ARG`. Where there is room for it, the people are open without that,
 * if the user likes. Emits `change`.
 */
export class Panels extends Emitter {
  /**
   * @param {import("./router.js").Router} router
   * @param {import("./settings.js").Settings} settings
   * @param {import("./store.js").Store} store
   */
  constructor(router, settings, store) {
    super();
    this.router = router;
    this.settings = settings;
    this.store = store;
    this.narrow = window.matchMedia(NARROW);
    /** @type {Map<string, Panel>} */
    this.byName = new Map();
    router.on("change", () => this.emit("change"));
    store.on("current", () => this.emit("change"));
    settings.on("change", (name) => name === "people" && this.emit("change"));
    this.narrow.addEventListener("change", () => this.emit("change"));
  }

  /** @param {Panel} panel @returns {() => void} takes it away @throws {RangeError} if its name is taken */
  add(panel) {
    if (this.byName.has(panel.name)) throw new RangeError(`there is a panel "${panel.name}" already`);
    this.byName.set(panel.name, panel);
    this.emit("change");
    return () => {
      if (this.byName.get(panel.name) === panel && this.byName.delete(panel.name)) this.emit("change");
    };
  }

  /** @param {string} name */
  remove(name) {
    if (this.byName.delete(name)) this.emit("change");
  }

  /** The panel that the address names. @returns {{panel: Panel, arg: string}|null} */
  get routed() {
    const { room, panel: wanted } = this.router.route;
    const panel = wanted && room === this.store.current ? this.byName.get(wanted.name) : undefined;
    return panel && wanted ? { panel, arg: wanted.arg } : null;
  }

  /** The panel that is open. @returns {{panel: Panel, arg: string}|null} */
  get open() {
    const { routed } = this;
    if (routed) return routed;
    const people = this.byName.get("people");
    const room = this.store.room(this.store.current);
    return people && this.beside && room?.kind !== "direct" ? { panel: people, arg: "" } : null;
  }

  /** Whether the people stand beside the conversation without being asked for. */
  get beside() {
    return this.settings.get("people") && !this.narrow.matches;
  }

  /** Open a panel in the room on the screen. @param {string} name @param {string} [arg] */
  show(name, arg = "") {
    const { current } = this.store;
    if (current === null) return;
    const hash = roomHash(current, arg ? `${name}/${encodeURIComponent(arg)}` : name);
    if (this.routed) this.router.replaceOver(hash);
    else this.router.over(hash);
  }

  /** @param {string} name */
  toggle(name) {
    const shown = this.open?.panel.name === name;
    if (shown && this.routed) return this.close();
    if (name !== "people" || this.narrow.matches) return this.show(name);
    if (this.routed) this.close();
    this.settings.set("people", !shown);
  }

  /** Back to the conversation. */
  close() {
    const { current } = this.store;
    if (this.routed && current !== null) this.router.back(roomHash(current));
    else if (this.open) this.settings.set("people", false);
  }
}
