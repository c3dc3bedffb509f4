import assert from "node:assert/strict";
import { test } from "node:test";

import { newNonce, Outbox } from "../../public/js/outbox.js";
import { ChatError } from "../../public/js/protocol.js";

/** A shelf in memory. */
function shelf(kept = []) {
  const entries = new Map(kept.map((entry) => [entry.nonce, entry]));
  return {
    entries,
    load: async (user) => [...entries.values()].filter((entry) => entry.user === user),
    put: async (entry) => entries.set(entry.nonce, entry),
    remove: async (nonce) => entries.delete(nonce),
  };
}

/** An outbox whose sends are answered by hand. */
function bench(kept) {
  const sent = [];
  const timers = [];
  const store = shelf(kept);
  const send = (entry) => new Promise((resolve, reject) => sent.push({ entry, resolve, reject }));
  const outbox = new Outbox(store, send, (run, milliseconds) => timers.push({ run, milliseconds }));
  return { outbox, sent, timers, kept: store.entries };
}

const draft = (nonce, more = {}) => ({ nonce, user: "u1", room: "general", content: nonce, at: Number(nonce.slice(1)), ...more });
const turn = () => new Promise((resolve) => setImmediate(resolve));
const names = (sent) => sent.map(({ entry }) => entry.nonce);

test("one at a time in a room, in order; rooms don't wait for each other", async () => {
  const { outbox, sent } = bench();
  outbox.setOnline(true);
  for (const entry of [draft("n1"), draft("n2"), draft("n3", { room: "tea" })]) outbox.add(entry);
  assert.deepEqual(names(sent), ["n1", "n3"]);
  sent[0].resolve({ seq: 1 });
  await turn();
  assert.deepEqual(names(sent), ["n1", "n3", "n2"]);
});

test("nothing is sent without a connection, everything after it is back, with the same nonce", async () => {
  const { outbox, sent } = bench();
  outbox.add(draft("n1"));
  assert.deepEqual(names(sent), []);
  outbox.setOnline(true);
  sent[0].reject(new ChatError("offline", ""));
  outbox.setOnline(false);
  await turn();
  assert.equal(outbox.of("general")[0].state, "pending");
  outbox.setOnline(true);
  assert.deepEqual(names(sent), ["n1", "n1"]);
});

test("kept until the server has it, shown until it has come back", async () => {
  const { outbox, sent, kept } = bench();
  outbox.setOnline(true);
  outbox.add(draft("n1"));
  assert.ok(kept.has("n1"));
  sent[0].resolve({ seq: 7 });
  await turn();
  assert.ok(!kept.has("n1"));
  assert.deepEqual([outbox.of("general")[0].state, outbox.of("general")[0].seq], ["sent", 7]);
  outbox.drop("n1");
  assert.deepEqual(outbox.of("general"), []);
});

test("a refusal fails it, says why, and lets the next one go; retry sends it again", async () => {
  const { outbox, sent } = bench();
  outbox.setOnline(true);
  outbox.add(draft("n1"));
  outbox.add(draft("n2"));
  sent[0].reject(new ChatError("rejected", "Please rephrase that."));
  await turn();
  assert.deepEqual([outbox.of("general")[0].state, outbox.of("general")[0].error], ["failed", "Please rephrase that."]);
  assert.deepEqual(names(sent), ["n1", "n2"]);
  sent[1].resolve({ seq: 1 });
  await turn();
  outbox.retry("n1");
  assert.deepEqual(names(sent), ["n1", "n2", "n1"]);
});

test("what may pass later waits as long as asked, and nothing overtakes it", async () => {
  const { outbox, sent, timers } = bench();
  outbox.setOnline(true);
  outbox.add(draft("n1"));
  outbox.add(draft("n2"));
  sent[0].reject(new ChatError("rate_limited", "", { retryAfter: 1.5 }));
  await turn();
  assert.deepEqual(names(sent), ["n1"]);
  assert.deepEqual(timers.map(({ milliseconds }) => milliseconds), [1500]);
  timers[0].run();
  assert.deepEqual(names(sent), ["n1", "n1"]);
});

test("what an earlier tab left is sent first, in the order of writing, and only for its user", async () => {
  const left = [draft("n2", { state: "pending" }), draft("n1", { state: "pending" }), draft("n0", { state: "pending", user: "u9" })];
  const { outbox, sent } = bench(left);
  outbox.setOnline(true);
  await outbox.load("u1");
  outbox.add(draft("n3"));
  for (let index = 0; index < 3; index += 1) {
    sent[index].resolve({ seq: index + 1 });
    await turn();
  }
  assert.deepEqual(names(sent), ["n1", "n2", "n3"]);
});

test("without storage it still sends", async () => {
  const broken = { load: () => Promise.reject(new Error()), put: () => Promise.reject(new Error()), remove: () => Promise.reject(new Error()) };
  const sent = [];
  const outbox = new Outbox(broken, async (entry) => { sent.push(entry.nonce); return { seq: 1 }; });
  await outbox.load("u1");
  outbox.setOnline(true);
  outbox.add(draft("n1"));
  await turn();
  assert.deepEqual(sent, ["n1"]);
});

test("a wait that is too long to sit out is a failure", async () => {
  const { outbox, sent, timers } = bench();
  outbox.setOnline(true);
  outbox.add(draft("n1"));
  sent[0].reject(new ChatError("muted", "You are muted.", { retryAfter: 600 }));
  await turn();
  assert.deepEqual([outbox.of("general")[0].state, timers.length], ["failed", 0]);
});

test("a command waits for what was written before it, not for what comes later, nor without a connection", async () => {
  const { outbox, sent } = bench();
  outbox.setOnline(true);
  const done = [];
  const wait = (name, room = "general") => void outbox.flushed(room).then(() => done.push(name));
  for (const nonce of ["n1", "n2", "n3"]) outbox.add(draft(nonce));
  wait("after three");
  wait("elsewhere", "tea");
  outbox.add(draft("n4"));
  await turn();
  assert.deepEqual(done, ["elsewhere"]);
  sent[0].resolve({ seq: 1 });
  outbox.drop("n2");
  await turn();
  assert.deepEqual([names(sent), done], [["n1", "n3"], ["elsewhere"]]);
  sent[1].reject(new ChatError("forbidden", ""));
  await turn();
  assert.deepEqual(done, ["elsewhere", "after three"]);
  wait("cut");
  outbox.setOnline(false);
  await turn();
  assert.deepEqual(done, ["elsewhere", "after three", "cut"]);
});

test("nonces are in the order of time, and never the same", () => {
  const times = [0, 1, 1_000_000, 1_700_000_000_000, 1_700_000_000_001, 4_000_000_000_000];
  const made = times.map((at) => newNonce(at));
  assert.deepEqual([...made].sort(), made);
  assert.ok(made.every((nonce) => /^[0-9a-z]{25}$/.test(nonce)));
  assert.equal(new Set(Array.from({ length: 1000 }, () => newNonce(7))).size, 1000);
});
