/** @typedef {import("./protocol.js").Command} Command */

/** A command line: `/` and not `//`, which is a literal slash. @param {string} text */
export function isCommand(text) {
  return text.startsWith("/") && !text.startsWith("//");
}

/** The command that a line begins with, a subcommand before the command of its first word. @param {string} text @param {Command[]} commands */
export function findCommand(text, commands) {
  return called(text, commands)?.command ?? null;
}

/** The command, and of how many words its name is written. @param {string} text @param {Command[]} commands */
export function called(text, commands) {
  const words = isCommand(text) ? text.slice(1).toLowerCase().split(/\s+/) : [];
  for (const count of [2, 1]) {
    const name = words.slice(0, count).join(" ");
    const command = commands.find((one) => one.name === name || one.aliases?.includes(name));
    if (words.length >= count && command) return { command, count };
  }
  return null;
}
