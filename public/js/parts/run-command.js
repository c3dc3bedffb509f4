import { findCommand } from "../commands.js";
import { addNote } from "../notes.js";

/**
 * Run a command line, and show the room that it leads to.
 * @param {import("../app.js").App} app @param {string} room @param {string} line
 * @returns {Promise<string>} what went wrong, empty for nothing
 */
export async function runCommand(app, room, line) {
  const local = app.plugins.commands.get(line.slice(1).split(/\s/, 1)[0]);
  try {
    if (local) {
      const said = await local.run(line.slice(local.name.length + 1).trim());
      if (typeof said === "string") addNote(app.store, room, said, "info");
    } else {
      const known = findCommand(line, app.store.commands);
      const asks = known?.plugin === "basics" && known.name === "help" && app.i18n.lang !== "en";
      const help = asks ? (await app.later()).helpText(app.commandList(), line.replace(/^\S+/, ""), app.t) : null;
      if (help === null) await app.session.command(room, line);
      else addNote(app.store, room, help, "info");
    }
    const joined = app.session.joinedBy(line);
    if (joined !== null) app.router.go(joined);
    return "";
  } catch (error) {
    const usage = /** @type {any} */ (error).code === "invalid" ? findCommand(line, app.store.commands)?.usage : undefined;
    const why = app.explain(error);
    return usage && !why.includes(usage) ? `${why} — ${usage}` : why;
  }
}
