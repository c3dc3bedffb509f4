/** @typedef {import("./store.js").Room} Room */
/** @typedef {import("./protocol.js").Message} Message */
/** @typedef {"all"|"mentions"|"none"} Level */
/**
 * @typedef {{levels: Record<string, Level>, level: Level, keywords: string, quiet: {until: number, from: string, to: string, daily: boolean}}} Wishes
 *   `until` in milliseconds since 1970; from and to as HH:MM, every day
 */

/** @typedef {{names: () => string[]|undefined, isForMe: (message: Message) => boolean|undefined}} Called */

/** What a user who is not looking is told: by the room's level, names, keywords, and the time. Pure. */
export class Attention {
  /** @param {() => Wishes} wishes */
  constructor(wishes) {
    this.wishes = wishes;
    /** What plugins let stand after an @, and whether a message is for this user by that. @type {Set<Called>} */
    this.called = new Set();
  }

  /** @param {Called} called @returns {() => void} takes it away */
  add(called) {
    this.called.add(called);
    return () => void this.called.delete(called);
  }

  /** @param {Message} message */
  isForMe(message) {
    return [...this.called].some(({ isForMe }) => isForMe(message));
  }

  /** What the message field completes beside people. */
  get names() {
    return [...this.called].flatMap(({ names }) => (names() ?? []).map((name) => ({ id: "", name, display_name: name })));
  }

  /** @param {Room} room @returns {Level} */
  levelOf(room) {
    const { levels, level } = this.wishes();
    return levels[room.name] ?? (room.kind === "direct" ? "all" : room.notify && room.notify !== "all" ? room.notify : level);
  }

  /** Whether it says something by a word that the user waits for. @param {string} content */
  hasKeyword(content) {
    const words = this.wishes().keywords.split(/[,，、\n]/u).map((word) => word.trim().toLowerCase()).filter(Boolean);
    const text = content.toLowerCase();
    return words.some((word) => contains(text, word));
  }

  /** Whether nothing is to be heard now. @param {Date} now */
  isQuiet(now) {
    const { until, from, to, daily } = this.wishes().quiet;
    if (now.getTime() < until) return true;
    if (!daily || from === to) return false;
    const at = now.getHours() * 60 + now.getMinutes();
    const [start, end] = [minutes(from), minutes(to)];
    return start < end ? at >= start && at < end : at >= start || at < end;
  }

  /**
   * Whether another user's message is to be told.
   * @param {Message} message @param {Room} room @param {boolean} namesMe
   */
  wants(message, room, namesMe) {
    const level = this.levelOf(room);
    if (level === "none") return false;
    return level === "all" || namesMe || this.hasKeyword(message.content);
  }
}

/** Whether a text has a word; those of scripts without spaces may stand anywhere. @param {string} text @param {string} word */
function contains(text, word) {
  const apart = (/** @type {string} */ char) => !/[\p{L}\p{N}_]/u.test(char) || /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u.test(char);
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    const [before, after] = [text.slice(0, at).at(-1) ?? " ", text.charAt(at + word.length) || " "];
    if (apart(before) && apart(after)) return true;
    if (apart(word[0]) && apart(word.at(-1) ?? "")) return true;
  }
  return false;
}

/** @param {string} time HH:MM */
function minutes(time) {
  const [hours, rest] = time.split(":").map(Number);
  return hours * 60 + rest;
}
