import { setPresence } from "./members.js";
import { addNote } from "./notes.js";

/** @typedef {import("./store.js").Store} Store */

/** A user who stops writing without saying so is forgotten after this many milliseconds. */
const TYPING_MS = 6000;

/** Apply an event that takes no seq. @param {Store} store @param {any} event @returns {boolean} whether it is known */
export function applyEphemeral(store, event) {
  const handler = Object.hasOwn(HANDLERS, event.type) ? HANDLERS[event.type] : undefined;
  handler?.(store, event);
  return handler !== undefined;
}

/** @param {Store} store @param {string} userId */
function hereElsewhere(store, userId) {
  return [...store.rooms.values()].some((room) => {
    const status = room.members_here?.people.get(userId)?.status;
    return status !== undefined && status !== "offline";
  });
}

/** @type {Record<string, (store: Store, event: any) => void>} */
const HANDLERS = {
  joined(store, { room: name, user, status, text }) {
    const members = store.rooms.get(name)?.members_here;
    if (members && !members.people.has(user.id)) members.people.set(user.id, { user, role: "member", status, text });
    setPresence(store, user, status ?? "online", text);
    store.emit("members", name);
  },
  left(store, { room: name, user }) {
    store.rooms.get(name)?.typing.delete(user.id);
    const member = store.rooms.get(name)?.members_here?.people.get(user.id);
    if (member) member.status = "offline";
    if (!hereElsewhere(store, user.id)) setPresence(store, user, "offline", store.presence.get(user.id)?.text);
    store.emit("typing", name);
    store.emit("members", name);
  },
  presence(store, { user, status, text }) {
    setPresence(store, user, status, text);
  },
  typing(store, { room: name, user, on }) {
    const room = store.rooms.get(name);
    if (!room || user.id === store.me?.id || store.blocked.has(user.id)) return;
    if (on) room.typing.set(user.id, store.now() + TYPING_MS);
    else room.typing.delete(user.id);
    store.emit("typing", name);
  },
  read(store, { room, seq }) {
    // What was told before something was marked as unread comes back after it.
    if (seq > (store.rooms.get(room)?.read ?? 0)) store.markRead(room, seq);
  },
  renamed(store, { user }) {
    if (store.me?.id === user.id) store.me = { ...store.me, avatar: undefined, ...user };
    store.emit("me");
    store.emit("people");
  },
  blocked(store, { user, on }) {
    store.blocked[on ? "add" : "delete"](user.id);
    store.emit("people");
  },
  hidden(store, { room: name, on }) {
    const room = store.rooms.get(name);
    if (!room) return;
    room.hidden = on;
    store.emit("rooms");
  },
  profile(store, event) {
    HANDLERS.renamed(store, event);
  },
  notice(store, { room, text, level }) {
    const name = room ?? store.current;
    if (name !== null && store.rooms.has(name)) addNote(store, name, text, level ?? "info");
    else store.emit("notice", text);
  },
  form(store, form) {
    store.emit("form", form);
  },
  form_closed(store, { form }) {
    store.emit("form-closed", form);
  },
  mention(store, { room: name, seq }) {
    const room = store.rooms.get(name);
    if (!room || seq <= room.read) return;
    room.mentions += 1;
    store.emit("counts", name);
  },
  kicked(store, event) {
    const { room, by, reason, until } = event;
    store.leaveRoom(room, { action: "kicked", by, reason, until });
    store.emit("kicked", event);
  },
  rooms(store, { rooms, removed }) {
    store.changeRooms(rooms ?? [], removed);
  },
  plugins(store, facts) {
    store.setPlugins(facts);
    store.emit("me");
  },
  floor(store, { room: name, seq }) {
    const room = store.rooms.get(name);
    if (!room) return;
    room.floor = seq;
    room.cursor = Math.max(room.cursor, seq);
    room.timeline.forget(seq);
    store.emit("timeline", name);
  },
  gap(store, { room: name, from, to }) {
    const room = store.rooms.get(name);
    if (!room) return;
    room.cursor = Math.max(room.cursor, to);
    const { timeline } = room;
    // With history the newest page comes at once, and the rest by scrolling. Without, the hole stays until it is loaded.
    if (store.hasPlugin("history")) timeline.clear();
    else timeline.gap = { from: timeline.gap?.from ?? from, to };
    store.emit("gap", name);
    store.emit("timeline", name);
  },
};
