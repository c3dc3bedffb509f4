import assert from "node:assert/strict";
import { test } from "node:test";

import { ChatError } from "../../public/js/protocol.js";
import { Quotes } from "../../public/js/quotes.js";
import { message, startedStore } from "./helpers.js";

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Quotes whose questions are answered by hand. */
function bench() {
  const store = startedStore();
  const asked = [];
  const timers = [];
  const quotes = new Quotes(store, (room, id) => new Promise((resolve, reject) => asked.push({ room, id, resolve, reject })),
    (run, milliseconds) => timers.push({ run, milliseconds }));
  store.setConnection("live");
  let drawn = 0;
  store.on("timeline", () => { drawn += 1; });
  return { store, quotes, asked, timers, drawn: () => drawn };
}

test("what is quoted is asked for once, one after the other, and drawn when it is there", async () => {
  const { quotes, asked, drawn } = bench();
  for (const id of ["m1", "m2", "m1"]) quotes.want("general", id);
  assert.deepEqual(asked.map(({ id }) => id), ["m1"]);
  asked[0].resolve(message(1));
  await turn();
  assert.deepEqual([quotes.get("general", "m1").content, drawn(), asked[1].id], ["text 1", 1, "m2"]);
  asked[1].reject(new ChatError("not_found", ""));
  await turn();
  quotes.want("general", "m2");
  assert.deepEqual([quotes.get("general", "m2"), asked.length], [undefined, 2]);
});

test("what is too fast waits, what is cut off is asked for again", async () => {
  const { store, quotes, asked, timers } = bench();
  quotes.want("general", "m1");
  asked[0].reject(new ChatError("rate_limited", "", { retryAfter: 2 }));
  await turn();
  assert.deepEqual([asked.length, timers[0].milliseconds], [1, 2000]);
  timers[0].run();
  asked[1].reject(new ChatError("offline", ""));
  await turn();
  assert.equal(asked.length, 2);
  store.setConnection("live");
  assert.equal(asked.length, 3);
});

test("they follow edits and deletions, and keep nothing of what is deleted", async () => {
  const { store, quotes, asked } = bench();
  quotes.want("general", "m1");
  asked[0].resolve(message(1));
  await turn();
  store.emit("amended", { type: "edited", room: "general", message_id: "m1", rev: 2, content: "new", html: "<b>new</b>" });
  assert.deepEqual([quotes.get("general", "m1").content, quotes.get("general", "m1").html], ["new", "<b>new</b>"]);
  store.emit("amended", { type: "deleted", room: "general", message_id: "m1" });
  assert.deepEqual([quotes.get("general", "m1").content, quotes.get("general", "m1").deleted], ["", true]);
});
