import assert from "node:assert/strict";
import { test } from "node:test";

import { ChatError } from "../../public/js/protocol.js";
import { Session } from "../../public/js/session.js";
import { message, startedStore, wireRoom } from "./helpers.js";

/** A session in a room of five messages, for which `early` was asked for before; what it asks for then. */
async function loaded(early) {
  const store = startedStore({ rooms: [wireRoom({ head: 5 })] });
  const asked = [];
  const answers = {
    join: { room: wireRoom({ head: 5 }), members: [], count: 0, events: [message(5)], more: true },
    members: { members: [], count: 0 },
  };
  const socket = {
    on() {},
    takeFirstPage: () => early,
    request: (type) => {
      asked.push(type);
      return Promise.resolve(answers[type]);
    },
  };
  const session = new Session(store, socket, { on() {}, of: () => [] });
  await session.pages.load("general");
  const { timeline } = store.room("general");
  return { asked, seqs: timeline.events.map((event) => event.seq), older: timeline.older };
}

test("the page that was asked for early is shown, and only the members are asked for", async () => {
  const found = await loaded(Promise.resolve({ events: [message(4), message(5)], more: true }));
  assert.deepEqual(found, { asked: ["members"], seqs: [4, 5], older: true });
});

test("a page that misses what has come since, or was refused, is not shown", async () => {
  const late = Promise.resolve({ events: [message(3), message(4)], more: true });
  for (const early of [late, Promise.resolve({ events: [], more: false }), Promise.reject(new ChatError("not_found", "")), null]) {
    assert.deepEqual(await loaded(early), { asked: ["join"], seqs: [5], older: true });
  }
});
