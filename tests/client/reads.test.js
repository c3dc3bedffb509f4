import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { ChatError } from "../../public/js/protocol.js";
import { Reads } from "../../public/js/reads.js";
import { message, startedStore, welcome, wireRoom } from "./helpers.js";

const kept = new Map();
globalThis.localStorage = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value), removeItem: (key) => kept.delete(key) };
globalThis.window = globalThis;

/** What the server answers to the next requests. @type {(() => Promise<object>)[]} */
const answers = [];

beforeEach(() => {
  kept.clear();
  answers.length = 0;
});

/** A room of five messages, all read, that is looked at. */
function started() {
  const store = startedStore();
  const told = [];
  const reads = new Reads(store, { request: (type, fields) => (told.push(fields), answers.shift()?.() ?? Promise.resolve({})) });
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
  const again = new Reads(later, { request: () => Promise.resolve({}) });
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

test("a mark that the server could not take is told again, until it is taken or refused for good", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const refusals = [new ChatError("unavailable", "", { retryAfter: 2 }), new ChatError("timeout", ""), new ChatError("not_in_room", "")];
  answers.push(...refusals.map((error) => () => Promise.reject(error)));
  const { told } = started();
  const counts = [];
  for (const ms of [700, 1999, 1, 700, 60_000]) {
    t.mock.timers.tick(ms);
    await new Promise((done) => setImmediate(done));
    counts.push(told.length);
  }
  assert.deepEqual(counts, [1, 1, 2, 3, 3]);
  assert.deepEqual(told.at(-1), { room: "general", seq: 5 });
});

test("without a connection a mark waits for the next welcome", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  answers.push(() => Promise.reject(new ChatError("offline", "")));
  const { reads, told } = started();
  t.mock.timers.tick(700);
  await new Promise((done) => setImmediate(done));
  t.mock.timers.tick(60_000);
  assert.equal(told.length, 1);
  reads.welcomed(welcome({ rooms: [wireRoom({ head: 5, read: 0 })] }));
  assert.equal(told.length, 2);
});
