import { called, isCommand } from "./commands.js";

/** @typedef {import("./protocol.js").Command} Command */
/** @typedef {import("./protocol.js").Arg} Arg */
/**
 * @typedef {{value: string, label: string, hint?: string, kind: "command"|"user"|"room"|"choice", id?: string}} Choice
 * @typedef {{command: string, argument: string, typed: string}} Asked what only the server can complete
 * @typedef {{start: number, end: number, choices: Choice[], usage?: {usage: string, help: string, arg: Arg|null}, asked?: Asked,
 *   emoji?: string}} Completion `emoji` is the name that only the server can complete
 * @typedef {{users: {id: string, name: string, display_name: string}[], rooms: {name: string, title: string}[],
 *   commands: Command[], emoji?: boolean}} Known `emoji`: whether the server finds them by name
 */

const MOST = 30;
/** A name is shorter than this. */
const LONGEST = 100;
/** A longer text is pasted, and no command's words are looked for in it. */
const LONGEST_LINE = 2000;

/**
 * What could stand at the caret. `start` and `end` bound the text that a choice replaces.
 * @param {string} text @param {number} caret @param {Known} known
 * @returns {Completion|null}
 */
export function complete(text, caret, known) {
  const before = text.slice(0, caret);
  if (isCommand(before)) return before.length < LONGEST_LINE ? completeCommand(before, known) : null;
  const word = /(?:^|[\s(])([@#])([^\s@#]*)$/u.exec(before.slice(-LONGEST));
  if (!word) return known.emoji ? completeEmoji(before.slice(-LONGEST), caret) : null;
  const start = caret - word[2].length - 1;
  const choices = word[1] === "@" ? matchUsers(word[2], known, "@") : matchRooms(word[2], known, "#");
  return choices.length ? { start, end: caret, choices } : null;
}

/** From the second letter on: `:)` is no name. @param {string} before @param {number} caret @returns {Completion|null} */
function completeEmoji(before, caret) {
  const word = /(?:^|[\s(])(:([\p{L}\p{N}_+-]{2,40}))$/u.exec(before);
  return word && { start: caret - word[1].length, end: caret, choices: [], emoji: word[2] };
}

/** @param {{name: string, char: string}[]} found @returns {Choice[]} */
export function emojiChoices(found) {
  return found.map(({ name, char }) => ({ value: `${char} `, label: char, hint: `:${name}:`, kind: "choice" }));
}

/** @param {string} before @param {Known} known @returns {Completion|null} */
function completeCommand(before, known) {
  const name = /^\/(\S*)$/.exec(before);
  if (name) {
    const choices = commandChoices(best(known.commands, name[1], (command) => [command.name]));
    return choices.length ? { start: 0, end: before.length, choices } : null;
  }
  // What is written out already is told by its usage.
  const below = subcommands(before, known.commands).filter(({ value }) => value.trim() !== before.trim());
  const found = called(before, known.commands);
  if (!found) return below.length ? { start: 0, end: before.length, choices: below } : null;
  const { command, count } = found;
  const { arg, word } = argumentAt(command, before, count);
  const usage = { usage: command.usage, help: command.help, arg };
  if (below.length) return { start: 0, end: before.length, choices: below, usage };
  const start = before.length - word.length;
  const asked = arg?.complete ? { command: command.name, argument: arg.name, typed: word } : undefined;
  return { start, end: before.length, choices: arg ? choicesFor(arg, word, known) : [], usage, asked };
}

/** The subcommands that begin with two words, while the second one is written. @param {string} before @param {Command[]} commands */
function subcommands(before, commands) {
  const words = /^\/(\S+)\s+(\S*)$/.exec(before.toLowerCase());
  const fitting = words ? commands.filter((command) => command.name.startsWith(`${words[1]} ${words[2]}`)) : [];
  return commandChoices(fitting);
}

/** @param {Command[]} commands @returns {Choice[]} */
function commandChoices(commands) {
  return commands.map((command) => ({
    value: `/${command.name} `, label: command.usage || `/${command.name}`, hint: command.help, kind: "command",
  }));
}

/**
 * What the server suggested, as choices. One of several words is put into quotation marks, unless it is the rest of the line.
 * @param {{value: string, hint?: string}[]} suggested @param {boolean} rest @returns {Choice[]}
 */
export function suggestedChoices(suggested, rest) {
  return suggested.map(({ value, hint }) => ({
    value: `${!rest && /\s/.test(value) ? `"${value}"` : value} `, label: value, hint, kind: "choice",
  }));
}

/**
 * Which argument the caret is in, and what is written of it. `count` is how many words the command's name takes.
 * @param {Command} command @param {string} before @param {number} [count]
 */
export function argumentAt(command, before, count = 1) {
  const words = before.split(/\s+/).slice(count);
  const index = Math.min(words.length - 1, command.args.length - 1);
  const arg = command.args[index] ?? null;
  if (arg?.rest) return { arg, word: textAfter(before, count + index) };
  return { arg: words.length > command.args.length ? null : arg, word: words.at(-1) ?? "" };
}

/** What stands after so many words. @param {string} text @param {number} words */
function textAfter(text, words) {
  return text.replace(new RegExp(`^\\s*(?:\\S+\\s+){${words}}`), "");
}

/** @param {Arg} arg @param {string} word @param {Known} known @returns {Choice[]} */
function choicesFor(arg, word, known) {
  if (arg.type === "user") return matchUsers(word.replace(/^@/, ""), known, "");
  if (arg.type === "room") return matchRooms(word.replace(/^#/, ""), known, "");
  if (arg.type === "bool") return matchWords(["yes", "no"], word);
  if (arg.type === "choice") return matchWords(arg.choices ?? [], word);
  return [];
}

/** @param {string[]} words @param {string} typed @returns {Choice[]} */
function matchWords(words, typed) {
  return best(words, typed, (word) => [word]).map((word) => ({ value: `${word} `, label: word, kind: "choice" }));
}

/** @param {string} typed @param {Known} known @param {string} sigil @returns {Choice[]} */
function matchUsers(typed, known, sigil) {
  return best(known.users, typed, (user) => [user.name, user.display_name]).map((user) => ({
    value: `${sigil}${user.name} `, label: user.name, kind: "user", id: user.id,
    hint: user.display_name === user.name ? undefined : user.display_name,
  }));
}

/** @param {string} typed @param {Known} known @param {string} sigil @returns {Choice[]} */
function matchRooms(typed, known, sigil) {
  return best(known.rooms, typed, (room) => [room.name, room.title]).map((room) => ({
    value: `${sigil}${room.name} `, label: `#${room.name}`, hint: room.title, kind: "room",
  }));
}

/**
 * Those that begin with what is typed, then those that contain it.
 * @template T
 * @param {T[]} all @param {string} typed @param {(one: T) => string[]} names
 * @returns {T[]}
 */
function best(all, typed, names) {
  const wanted = typed.toLowerCase();
  /** @param {T} one */
  const rank = (one) => {
    const found = names(one).map((name) => (name ?? "").toLowerCase().indexOf(wanted)).filter((at) => at >= 0);
    return found.length ? Math.min(...found, 1) : 2;
  };
  return all.map((one, order) => ({ one, order, rank: rank(one) })).filter(({ rank }) => rank < 2)
    .sort((one, other) => one.rank - other.rank || one.order - other.order).slice(0, MOST).map(({ one }) => one);
}
