import { isCommand } from "./commands.js";

const EVERY_MS = 4000;

/** Tells a room that this user is writing there. */
export class TypingNotice {
  /** @param {(room: string, on: boolean) => void} tell */
  constructor(tell) {
    this.tell = tell;
    /** @type {string|null} where it was told */
    this.room = null;
    this.last = 0;
  }

  /** @param {string} room @param {string} text what is written by now */
  written(room, text) {
    if (isCommand(text)) return;
    if (text === "") return this.stop();
    if (this.room === room && Date.now() - this.last < EVERY_MS) return;
    this.room = room;
    this.last = Date.now();
    this.tell(room, true);
  }

  stop() {
    if (this.room !== null) this.tell(this.room, false);
    this.room = null;
  }
}
