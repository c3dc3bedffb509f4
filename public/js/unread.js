/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./store.js").Room} Room */
/** @typedef {import("./timeline.js").Timeline} Timeline */

/** How many messages with `from` < seq <= `to` count as unread. @param {Store} store @param {Timeline} timeline @param {number} from @param {number} to */
export function countedAmong(store, timeline, from, to) {
  return timeline.events.filter((event) => event.seq > from && event.seq <= to && store.counts(event)).length;
}

/** Everything up to `seq` has been read. @param {Store} store @param {Room} room @param {number} seq */
export function markRead(store, room, seq) {
  room.unread = unreadAfter(store, room, seq);
  room.mentions = Math.min(room.mentions, room.unread);
  room.read = seq;
}

/** What was read here and not told yet stays read. @param {Store} store @param {Room} room @param {number} seq @param {import("./protocol.js").WireRoom} wire */
export function keepRead(store, room, seq, wire) {
  room.counted = wire.head;
  if (seq <= wire.read || !room.timeline.covers(wire.read)) return;
  room.unread = Math.max(0, wire.unread - countedAmong(store, room.timeline, wire.read, seq));
  room.mentions = Math.min(wire.mentions, room.unread);
  room.read = seq;
}

/** How many will be unread with the mark at `seq`, as far as the window tells. @param {Store} store @param {Room} room @param {number} seq */
function unreadAfter(store, { cursor, read, timeline, unread }, seq) {
  if (seq >= cursor) return 0;
  if (timeline.covers(read)) return Math.max(0, unread - countedAmong(store, timeline, read, seq));
  const whole = !timeline.newer && (timeline.first <= seq + 1 || (timeline.loaded && !timeline.older));
  return whole ? Math.min(unread, countedAmong(store, timeline, seq, Infinity)) : unread;
}
