import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Idle } from "../../public/js/idle.js";
import { setPresence } from "../../public/js/members.js";
import { ANN, startedStore } from "./helpers.js";

const MINUTE = 60_000;
const kept = new Map();
globalThis.localStorage = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value), removeItem: (key) => kept.delete(key) };

beforeEach(() => kept.clear());

/** Two tabs of one browser at one clock, and what they tell the server. */
function tabs() {
  let now = 100 * MINUTE;
  const store = startedStore();
  store.setConnection("live");
  setPresence(store, ANN, "online", "coding");
  const told = [];
  const session = { presence: async (status) => { told.push(status); setPresence(store, ANN, status, "coding"); } };
  const [here, there] = [new Idle(store, session, () => now), new Idle(store, session, () => now)];
  here.active();
  return { store, told, here, there, pass: (minutes) => { now += minutes * MINUTE; } };
}

test("after ten minutes without input away, with the next one back", () => {
  const { told, here, pass } = tabs();
  pass(9.9);
  here.look();
  assert.deepEqual(told, []);
  pass(0.2);
  here.look();
  here.look();
  assert.deepEqual(told, ["away"]);
  here.active();
  here.active();
  assert.deepEqual(told, ["away", "online"]);
});

test("input in any tab counts, and any tab brings back", () => {
  const { told, here, there, pass } = tabs();
  pass(9);
  there.active();
  pass(5);
  here.look();
  assert.deepEqual(told, []);
  pass(6);
  here.look();
  there.active();
  assert.deepEqual(told, ["away", "online"]);
});

test("what was chosen stays as it is", () => {
  const { store, told, here, pass } = tabs();
  for (const status of ["busy", "away", "invisible"]) {
    setPresence(store, ANN, status, "");
    pass(20);
    here.look();
    here.active();
  }
  assert.deepEqual(told, []);
});

test("a status that was chosen while away by itself is not undone", () => {
  const { store, told, here, pass } = tabs();
  pass(11);
  here.look();
  setPresence(store, ANN, "busy", "");
  here.active();
  assert.deepEqual(told, ["away"]);
});
