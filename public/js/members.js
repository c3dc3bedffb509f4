/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./protocol.js").Member} Member */
/** @typedef {import("./protocol.js").User} User */

/**
 * A page of members: the first, or a further one. `count` is how many there are in all.
 * @param {Store} store @param {string} name @param {Member[]} page
 * @param {{more: boolean, count: number, first: boolean}} about
 */
export function setMembers(store, name, page, { more, count, first }) {
  const room = store.rooms.get(name);
  if (!room) return;
  const people = first || !room.members_here ? new Map() : room.members_here.people;
  for (const member of page) {
    people.set(member.user.id, { ...member });
    store.remember(member.user);
    store.presence.set(member.user.id, { status: member.status, text: member.text });
  }
  room.members_here = { people, more, count: more ? count : people.size };
  store.emit("members", name);
}

/** @param {Store} store @param {User} user @param {string} status @param {string} [text] */
export function setPresence(store, user, status, text = "") {
  store.presence.set(user.id, { status, text });
  for (const room of store.rooms.values()) {
    const member = room.members_here?.people.get(user.id);
    if (member) Object.assign(member, { status, text });
  }
  store.emit("presence", user.id);
}
