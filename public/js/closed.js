/** @typedef {import("./store.js").Room} Room */
/** @typedef {import("./store.js").Out} Out */
/**
 * @typedef {{why: "archived"|"readOnly"|"muted"|"kicked"|"banned"|"outside", by?: import("./protocol.js").User,
 *   reason?: string, until?: string}} Closed why nothing can be written in a room, and until when, where that is known
 */

/**
 * Whether, and why, the user can't write in a room.
 * @param {Room} room @param {string} me @param {number} now milliseconds, by the server's clock
 * @param {boolean} [announces] whether the user may write where only some do
 * @returns {Closed|null}
 */
export function whyClosed(room, me, now, announces = false) {
  if (!room.joined && !room.virtual) return room.out ? { ...room.out, why: room.out.action } : { why: "outside" };
  if (room.archived) return { why: "archived" };
  if (room.read_only && !announces && (room.role ?? "member") === "member") return { why: "readOnly" };
  const mute = room.mute === undefined ? lastMute(room, me) : room.mute;
  return mute && !isOver(mute.until, now) ? { ...mute, why: "muted" } : null;
}

/** @param {string|undefined} until @param {number} now */
export function isOver(until, now) {
  return until !== undefined && Date.parse(until) <= now;
}

/** A mute from before this page, as far as the log that is here tells. @param {Room} room @param {string} me */
function lastMute({ timeline }, me) {
  const last = timeline.events.findLast((event) =>
    event.type === "member" && event.target?.id === me && (event.action === "muted" || event.action === "unmuted"));
  return last?.action === "muted" ? { by: last.user, reason: last.reason, until: last.until } : null;
}
