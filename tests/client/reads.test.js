import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Reads } from "../../public/js/reads.js";
import { message, startedStore, welcome, wireRoom } from "./helpers.js";

const kept = new Map();
globalThis.localStorage = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value), removeItem: (key) => kept.delete(key) };
globalThis.window = globalThis;

beforeEach(() => kept.clear());

/** A room of five messages, all read, that is looked at. */
function started() {
  const store = startedStore();
  const told = [];
  const reads = new Reads(store, { tell: (type, fields) => told.push(fields) });
  reads.welcomed(welcome());
  for (let seq = 1; seq <= 5; seq += 1) store.apply(message(seq));
  store.open("general");
  store.room("general").timeline.loaded = true;
  reads.seen("general", 5);
  return { store, reads, told, room: () => store.room("general") };
}

test("what is marked as unread stays so while it is on the screen, and is read when it is opened again", () => {
  const { store, reads, room } = started();
  assert.equal(room().unread, 0);
  reads.keepUnread("general", 2);
  assert.deepEqual([room().unread, room().line], [3, 2]);
  reads.seen("general", 5);
  assert.equal(room().unread, 3);
  store.open(null);
  store.open("general");
  reads.seen("general", 4);
  reads.seen("general", 5);
  assert.equal(room().unread, 0);
  assert.equal(kept.size, 0);
});

test("the server's echo of what was read before does not undo it", () => {
  const { store, reads, room } = started();
  reads.keepUnread("general", 2);
  store.apply({ type: "read", room: "general", seq: 5 });
  assert.equal(room().unread, 3);
});

test("a reload and a new connection keep it", () => {
  const { store, reads } = started();
  reads.keepUnread("general", 2);
  store.welcome(welcome({ rooms: [wireRoom({ head: 5, read: 5 })] }));
  reads.welcomed(welcome({ rooms: [wireRoom({ head: 5, read: 5 })] }));
  assert.equal(store.room("general").unread, 3);
  const later = startedStore({ rooms: [wireRoom({ head: 5, read: 5 })] });
  const again = new Reads(later, { tell() {} });
  again.welcomed(welcome({ rooms: [wireRoom({ head: 5, read: 5 })] }));
  assert.equal(later.room("general").unread, 1);
});

test("reading on purpose beats the mark, and another user doesn't have it", () => {
  const { store, reads, room } = started();
  reads.keepUnread("general", 2);
  reads.all("general");
  assert.deepEqual([room().unread, kept.size], [0, 0]);
  reads.keepUnread("general", 2);
  store.me = { ...store.me, id: "u9" };
  reads.welcomed(welcome());
  assert.equal(reads.kept.size, 0);
});
