/** @typedef {import("./store.js").Store} Store */

/** A line that only this user sees. @param {Store} store @param {string} name @param {string} text @param {string} level */
export function addNote(store, name, text, level) {
  const room = store.rooms.get(name);
  if (!room) return;
  store.noteCount += 1;
  const ts = new Date(store.now()).toISOString();
  room.notes.push({ key: `note-${store.noteCount}`, after: room.cursor, text, level, ts });
  store.emit("timeline", name);
}

/** @param {Store} store @param {string} name @param {string} key */
export function removeNote(store, name, key) {
  const room = store.rooms.get(name);
  if (!room) return;
  room.notes = room.notes.filter((note) => note.key !== key);
  store.emit("timeline", name);
}
