import { read, write } from "./settings.js";

/** @typedef {{text: string, reply?: {id: string, seq: number, name: string, content: string}}} Draft */

/** What was begun and not sent, for each room, over reloads. */
export class Drafts {
  /** @param {() => string} user whose drafts */
  constructor(user) {
    this.user = user;
  }

  /** @param {string} room @returns {Draft} */
  get(room) {
    return read(this.key(room), { text: "" });
  }

  /** @param {string} room @param {Draft} draft */
  set(room, draft) {
    write(this.key(room), draft.text || draft.reply ? draft : undefined);
  }

  /** @param {string} room */
  has(room) {
    return this.get(room).text.trim() !== "";
  }

  /** @param {string} room */
  key(room) {
    return `chat.draft.${this.user()}.${room}`;
  }
}
