import { Emitter } from "./emitter.js";
import { complain, guarded } from "./plugin-guard.js";

/** @typedef {import("./protocol.js").Message} Message */
/** @typedef {"header"|"sidebar"|"composer"|"message-footer"|"message-menu"|"room-menu"|"member"|"settings"|"panel"} Slot */
/** @typedef {string|(() => string)} Text a text, or what gives it in the language of now */
/** @typedef {{title?: Text, icon?: string}} SlotOptions */
/** @typedef {{plugin: string, fn: (context: any) => unknown, options: SlotOptions}} Filling */

/** @type {readonly Slot[]} */
export const SLOTS = ["header", "sidebar", "composer", "message-footer", "message-menu", "room-menu", "member", "settings", "panel"];

/** What plugins put into the page, by place. Emits `change` with the slot. */
export class Slots extends Emitter {
  /**
   * @param {(plugin: string, room: string) => boolean} worksIn whether a plugin works in a room
   * @param {(plugin: string) => number} [rank] where a plugin stands among the others
   */
  constructor(worksIn, rank = () => 0) {
    super();
    this.worksIn = worksIn;
    this.rank = rank;
    /** @type {Map<string, Filling[]>} */
    this.bySlot = new Map();
  }

  /**
   * @param {string} plugin @param {Slot} slot @param {(context: any) => unknown} fn @param {SlotOptions} [options]
   * @returns {() => void} takes it away
   */
  add(plugin, slot, fn, options = {}) {
    if (!SLOTS.includes(slot)) return complain(plugin, `there is no slot "${slot}"; take one of ${SLOTS.join(", ")}`);
    if (typeof fn !== "function") return complain(plugin, `what fills the slot "${slot}" is a function that returns a node`);
    const filling = { plugin, fn, options };
    this.bySlot.set(slot, [...(this.bySlot.get(slot) ?? []), filling]);
    this.emit("change", slot);
    return () => {
      this.bySlot.set(slot, (this.bySlot.get(slot) ?? []).filter((one) => one !== filling));
      this.emit("change", slot);
    };
  }

  /** Those of plugins that work in the room, in the plugins' order, not in that in which they were loaded. @param {Slot} slot @param {string} [room] a name @returns {Filling[]} */
  of(slot, room) {
    return (this.bySlot.get(slot) ?? []).filter(({ plugin }) => room === undefined || this.worksIn(plugin, room))
      .sort((one, other) => this.rank(one.plugin) - this.rank(other.plugin));
  }

  /** The nodes for a slot. @param {Slot} slot @param {{room?: {name: string}|null} & Record<string, any>} context @returns {Node[]} */
  fill(slot, context) {
    return this.of(slot, context.room?.name).flatMap((filling) => this.draw(filling, slot, context) ?? []);
  }

  /** @param {Filling} filling @param {Slot} slot @param {object} context @returns {Node|null} */
  draw({ plugin, fn }, slot, context) {
    return nodeFrom(plugin, guarded(plugin, () => fn(Object.freeze(context))), `what fills the slot "${slot}"`);
  }
}

/** What slots at a message are given. @param {Message} message @param {import("./store.js").Room} [room] */
export function messageContext(message, room) {
  return { message: { ...message }, extras: message.extras ?? {}, room: room ? publicRoom(room) : { name: message.room } };
}

/** @param {Text} text */
export function textOf(text) {
  return typeof text === "function" ? text() : text;
}

/** What plugins see of a room. @param {import("./store.js").Room} room */
export function publicRoom(room) {
  const { name, title, topic, kind, history, archived, read_only, slow_mode, joined, role, unread, mentions, members, head } = room;
  return Object.freeze({ name, title, topic, kind, history, archived, read_only, slow_mode, joined, role, unread, mentions, members, head, with: room.with });
}

/**
 * The node that a plugin gave; what is none is told in the console.
 * @param {string} plugin @param {unknown} value @param {string} source
 * @returns {Node|null}
 */
export function nodeFrom(plugin, value, source) {
  if (value instanceof Node) return value;
  if (value !== null && value !== undefined) complain(plugin, `${source} gave ${kindOf(value)}; give a node (document.createElement), or null for nothing`);
  return null;
}

/** @param {unknown} value */
function kindOf(value) {
  return value instanceof Promise ? "a promise" : typeof value === "string" ? "a text" : `a value of type ${typeof value}`;
}
