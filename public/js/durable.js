/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./store.js").Room} Room */
/** @typedef {import("./protocol.js").DurableEvent} DurableEvent */

/**
 * Apply an event that has a place in its room's log, if it is the next one.
 * @param {Store} store @param {DurableEvent} event
 * @returns {"applied"|"ignored"|"gap"}
 */
export function applyDurable(store, event) {
  const room = store.rooms.get(event.room);
  if (!room || event.seq <= room.cursor) return "ignored";
  if (event.seq > room.cursor + 1) return "gap";
  room.cursor = event.seq;
  room.head = Math.max(room.head, event.seq);
  put(store, room, event);
  if (event.seq > room.counted) count(store, room, event);
  store.emit("timeline", room.name);
  if (event.type === "message") store.emit("live-message", event);
  return "applied";
}

/** @param {Store} store @param {Room} room @param {DurableEvent} event */
function put(store, room, event) {
  const { timeline } = room;
  if (event.type === "edited" || event.type === "deleted") {
    timeline.amend(event);
    store.emit("amended", event);
  } else if (!timeline.newer) timeline.insert(event);
  if (event.message_id && event.type !== "message") timeline.annotate(event);
  if (room.name !== store.current && store.hasPlugin("history")) timeline.trim("older");
  if (event.type === "message") room.typing.delete(event.user.id);
  if (event.type === "member") applyMember(store, room, event);
  if (event.type === "room") applyRoom(store, room, event);
}

/** @param {Store} store @param {Room} room @param {DurableEvent} event */
function count(store, room, event) {
  room.counted = event.seq;
  if (event.type !== "message") return;
  room.hidden = false;
  if (store.counts(event)) room.unread += 1;
  else if (event.user.id === store.me?.id) Object.assign(room, { unread: 0, mentions: 0, read: event.seq });
  store.emit("counts", room.name);
}

/** @param {Store} store @param {Room} room @param {DurableEvent} event */
function applyMember(store, room, event) {
  const { action, target, role } = event;
  if (!target) return;
  // The log keeps no pictures.
  store.remember({ avatar: store.user(target).avatar, ...target });
  if (target.id === store.me?.id) applyOwn(room, event);
  const people = room.members_here?.people;
  const present = people?.get(target.id);
  if (action === "added" || action === "joined") {
    room.members += 1;
    if (!present) people?.set(target.id, { user: target, role: role ?? "member", status: store.status(target.id), text: "" });
  } else if (["removed", "left", "kicked", "banned"].includes(action)) {
    room.members = Math.max(0, room.members - 1);
    people?.delete(target.id);
  } else if (action === "role" && role) {
    if (present) present.role = role;
    if (target.id === store.me?.id) room.role = role;
  }
  store.emit("members", room.name);
  store.emit("room", room.name);
}

/** What happened to this user here. @param {Room} room @param {DurableEvent} event */
function applyOwn(room, { action, user, reason, until }) {
  if (action === "muted") room.mute = { by: user, reason, until };
  if (action === "unmuted") room.mute = null;
  if (action === "banned") room.out = { action, by: user, reason, until };
}

/** @param {Store} store @param {Room} room @param {DurableEvent} event */
function applyRoom(store, room, event) {
  for (const key of /** @type {const} */ (["title", "topic", "archived", "history", "unlisted", "read_only", "slow_mode", "guests", "notify", "keep_days", "permissions"])) {
    if (event[key] !== undefined) Object.assign(room, { [key]: event[key] });
  }
  store.emit("rooms");
  store.emit("room", room.name);
}
