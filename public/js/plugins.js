import { complain, guarded, report } from "./plugin-guard.js";
import { Slots, nodeFrom } from "./slots.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./protocol.js").Message} Message */
/** @typedef {{client?: string, css?: string, settings?: any, rooms?: string[]|null}} Known what the server says of a plugin; `rooms` are those it works in, where it doesn't in all */
/** @typedef {{plugin: string, name: string, help: string, usage: string, run: (args: string) => unknown}} LocalCommand */

/** A plugin's part that is loaded. Everything it has registered is taken away by `undos`. */
class Loaded {
  /** @param {string} name @param {Known} known */
  constructor(name, known) {
    this.name = name;
    this.known = known;
    this.gone = false;
    /** @type {(() => void)[]} */
    this.undos = [];
  }

  /** @template {() => void} U @param {U} undo @returns {U} */
  owns(undo) {
    if (this.gone) undo();
    else this.undos.push(undo);
    return undo;
  }

  unload() {
    this.gone = true;
    for (const undo of this.undos.splice(0).reverse()) guarded(this.name, undo);
  }
}

/** So long after the first of several changes they are told together. */
const TOGETHER_MS = 100;

/** The plugins' parts in the browser: loaded after `welcome`, and unloaded when they are switched off. docs/client.md has the whole. */
export class Plugins {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    this.slots = new Slots((plugin, room) => this.worksIn(plugin, room), (plugin) => this.rank(plugin));
    this.slots.on("change", () => this.changed());
    /** @type {any} */
    this.timer = undefined;
    /** @type {Map<string, Loaded>} */
    this.loaded = new Map();
    /** @type {Record<string, Known>} */
    this.known = {};
    /** @type {Map<string, {plugin: string, fn: (message: Message) => unknown}>} */
    this.renderers = new Map();
    /** @type {Map<string, LocalCommand>} */
    this.commands = new Map();
  }

  /** Make it so that those run that the server names, each in the version that it names. @param {Record<string, Known>} known */
  update(known) {
    const before = this.known;
    this.known = known;
    const moved = JSON.stringify(rooms(before)) !== JSON.stringify(rooms(known));
    for (const [name, part] of this.loaded) if (!same(part.known, known[name])) this.unload(name);
    for (const [name, one] of Object.entries(known)) if (one.client && !this.loaded.has(name)) void this.load(name, one);
    if (moved) this.changed();
  }

  /** @param {string} name @param {Known} known */
  async load(name, known) {
    const part = new Loaded(name, known);
    this.loaded.set(name, part);
    if (known.css) part.owns(link(known.css));
    try {
      const [module, { face }] = await Promise.all([import(/** @type {string} */ (known.client)), this.app.later()]);
      if (part.gone) return;
      if (typeof module.activate !== "function") return void complain(name, "client.js exports no function `activate`; write `export function activate(chat) { … }`");
      const undo = await module.activate(face(this, part));
      if (typeof undo === "function") part.owns(undo);
      if (!part.gone) this.changed();
    } catch (error) {
      if (part.gone) return;
      // What can't be fetched without the server comes with the next connection.
      if (this.app.store.connection.state === "live") report(name, error);
      else this.unload(name);
    }
  }

  /** @param {string} name */
  unload(name) {
    this.loaded.get(name)?.unload();
    this.loaded.delete(name);
    this.changed();
  }

  /** What they show has changed. Told once of all that come together: every message is drawn anew by it. */
  changed() {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.app.emit("plugins");
    }, TOGETHER_MS);
  }

  /** Where a plugin stands among those that the server names, which has them in the order of its settings. @param {string} plugin */
  rank(plugin) {
    return Object.keys(this.known).indexOf(plugin);
  }

  /** Whether a plugin works in a room. @param {string} plugin @param {string} room */
  worksIn(plugin, room) {
    return this.known[plugin]?.rooms?.includes(room) ?? true;
  }

  /** A plugin's own drawing of a message. @param {Message} message @returns {Node|null} */
  render(message) {
    const own = this.renderers.get(message.kind);
    if (!own || !this.worksIn(own.plugin, message.room)) return null;
    return nodeFrom(own.plugin, guarded(own.plugin, () => own.fn(message)), `the renderer of "${message.kind}"`);
  }

  /** Their commands as completion knows commands. */
  commandList() {
    return [...this.commands.values()].map(({ name, usage, help, plugin }) => ({ name, usage, help, plugin, args: [] }));
  }
}

/** Whether a part that runs is the one that the server names now. @param {Known} running @param {Known|undefined} named */
function same(running, named) {
  return running.client === named?.client && running.css === named?.css && JSON.stringify(running.settings) === JSON.stringify(named?.settings);
}

/** @param {Record<string, Known>} known */
function rooms(known) {
  return Object.entries(known).map(([name, one]) => [name, one.rooms ?? null]);
}

/** @param {string} href @returns {() => void} takes it away */
function link(href) {
  const element = document.createElement("link");
  element.rel = "stylesheet";
  element.href = href;
  document.head.append(element);
  return () => element.remove();
}
