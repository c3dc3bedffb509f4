import { h } from "../dom.js";
import { findMentions, nameKey } from "../mentions.js";
import { roomHash } from "../router.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {{start: number, end: number, draw: (text: string) => HTMLElement}} Mark a part of a text that is more than text */

/** What is no text of the message's author, or not to be read as such. */
const QUIET = "a, code, pre";
const ROOM = /(?<![\p{L}\p{N}\p{M}_/&#])#([\p{L}\p{N}\p{M}_-]{1,64})/gu;

/** Marks the users and the rooms that a message names. */
export class MessageText {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    /** Ids by the form in which names are compared. @type {Map<string, string>|null} */
    this.ids = null;
    for (const topic of ["members", "people", "current", "me"]) app.store.on(topic, () => { this.ids = null; });
  }

  /** Whether a message mentions this user. @param {import("../protocol.js").Message} message */
  namesMe(message) {
    const me = this.app.store.me?.id;
    return this.find(message.content).some(({ id }) => id === me) || this.app.attention.isForMe(message);
  }

  /** @param {string} text */
  find(text) {
    const ids = this.ids ??= this.collect();
    return findMentions(text, (key) => ids.get(key));
  }

  /** The members of the room on the screen, as far as they are known; a name counts before a shown name. */
  collect() {
    const { store } = this.app;
    const room = store.room(store.current);
    const here = room?.members_here;
    const users = [...(here?.people.values() ?? [])].map(({ user }) => store.user(user));
    if (!here || here.more) users.push(...store.users.values());
    if (room?.with) users.push(store.user(room.with));
    if (store.me) users.push(store.me);
    return new Map([...users.map(({ display_name, id }) => /** @type {const} */ ([nameKey(display_name), id])),
      ...users.map(({ name, id }) => /** @type {const} */ ([nameKey(name), id]))]);
  }

  /** @param {HTMLElement} body */
  mark(body) {
    if (!/[@#]/.test(body.textContent ?? "")) return;
    const walker = document.createTreeWalker(body, NodeFilter.SHOW_TEXT);
    const texts = [];
    while (walker.nextNode()) if (!walker.currentNode.parentElement?.closest(QUIET)) texts.push(/** @type {Text} */ (walker.currentNode));
    for (const text of texts) this.markText(text);
  }

  /** @param {Text} node */
  markText(node) {
    const { data } = node;
    const marks = [...this.users(data), ...this.rooms(data)].sort((one, other) => one.start - other.start);
    if (!marks.length) return;
    const parts = [];
    let done = 0;
    for (const { start, end, draw } of marks) {
      parts.push(data.slice(done, start), draw(data.slice(start, end)));
      done = end;
    }
    node.replaceWith(...parts, data.slice(done));
  }

  /** @param {string} text @returns {Mark[]} */
  users(text) {
    const me = this.app.store.me?.id;
    return this.find(text).map(({ start, end, id }) => ({ start, end, draw: (name) =>
      h("span", { class: "mention", role: "button", tabIndex: -1, "data-action": "profile", "data-user": id, "data-me": id === me }, name) }));
  }

  /** @param {string} text @returns {Mark[]} */
  rooms(text) {
    const { store } = this.app;
    return [...text.matchAll(ROOM)].flatMap(({ 0: { length }, 1: written, index: start }) => {
      const room = store.room(written.normalize("NFC").toLowerCase());
      if (!room || room.kind === "direct") return [];
      return [{ start, end: start + length, draw: (/** @type {string} */ name) => h("a", { class: "room-ref", href: roomHash(room.name) }, name) }];
    });
  }
}
