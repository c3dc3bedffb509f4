import assert from "node:assert/strict";
import { test } from "node:test";

import { Timeline } from "../../public/js/timeline.js";
import { message } from "./helpers.js";

const seqs = (timeline) => timeline.events.map((event) => event.seq);

/** Numbers that look random and are the same in each run. */
function* generator(seed) {
  for (let state = seed; ; ) {
    state = (state * 1103515245 + 12345) % 2147483648;
    yield state / 2147483648;
  }
}

test("whatever the order of pages and live events, the window is ascending and without doubles", () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const random = generator(seed);
    const timeline = new Timeline();
    const expected = new Set();
    for (let step = 0; step < 30; step += 1) {
      const first = 1 + Math.floor(random.next().value * 50);
      const length = Math.floor(random.next().value * 8);
      const page = Array.from({ length }, (_, index) => message(first + index));
      for (const { seq } of page) expected.add(seq);
      timeline.page(page, random.next().value < 0.5 ? "older" : "newer", false);
    }
    assert.deepEqual(seqs(timeline), [...expected].sort((one, other) => one - other), `seed ${seed}`);
  }
});

test("trimming lets go at one end and says that there is more", () => {
  const timeline = new Timeline();
  timeline.page(Array.from({ length: 10 }, (_, index) => message(index + 1)), "newest", false);
  timeline.trim("older", 4);
  assert.deepEqual(seqs(timeline), [7, 8, 9, 10]);
  assert.deepEqual([timeline.older, timeline.newer, timeline.byId.has("m1")], [true, false, false]);
  timeline.trim("newer", 2);
  assert.deepEqual(seqs(timeline), [7, 8]);
  assert.equal(timeline.newer, true);
});

test("a page around a message replaces the window, and keeps what came live after it", () => {
  const timeline = new Timeline();
  timeline.page([message(90), message(91)], "newest", true);
  timeline.pageAround([message(10), message(11)], { older: true, newer: true }, 91);
  assert.deepEqual(seqs(timeline), [10, 11]);
  assert.deepEqual([timeline.older, timeline.newer, timeline.loaded], [true, true, true]);
  timeline.pageAround([message(89), message(90)], { older: true, newer: false }, 91);
  assert.deepEqual([seqs(timeline), timeline.newer], [[89, 90], true], "what the window before didn't take is asked for");
  timeline.page([message(91)], "newer", false);
  timeline.insert(message(92));
  timeline.pageAround([message(90), message(91)], { older: true, newer: false }, 92);
  assert.deepEqual([seqs(timeline), timeline.newer], [[90, 91, 92], false]);
});

test("a window covers a place when it has what comes before and after it", () => {
  const timeline = new Timeline();
  assert.equal(timeline.covers(1), false);
  timeline.pageAround([message(10), message(11), message(12)], { older: true, newer: true }, 50);
  assert.deepEqual([9, 10, 11, 12].map((seq) => timeline.covers(seq)), [false, true, true, false]);
  timeline.pageAround([message(10), message(11)], { older: false, newer: false }, 11);
  assert.deepEqual([0, 9, 11, 12].map((seq) => timeline.covers(seq)), [true, true, true, true]);
});

test("an edit of a message outside the window changes nothing", () => {
  const timeline = new Timeline();
  assert.equal(timeline.amend({ type: "edited", message_id: "m1", rev: 2 }), false);
});

test("what plugins keep with a message is put in its place by their events, and goes with the message", () => {
  const timeline = new Timeline();
  timeline.page([message(1, { extras: { likes: { by: ["a"] }, pins: 1 } })], "newest", false);
  const extras = () => timeline.byId.get("m1").extras;
  timeline.annotate({ message_id: "m1", extras: { likes: { by: ["a", "b"] } } });
  assert.deepEqual(extras(), { likes: { by: ["a", "b"] }, pins: 1 });
  timeline.annotate({ message_id: "m1", extras: { likes: null } });
  assert.deepEqual(extras(), { pins: 1 });
  timeline.annotate({ message_id: "m1", extras: { pins: null } });
  assert.deepEqual(extras(), {});
  timeline.annotate({ message_id: "m1" });
  timeline.annotate({ message_id: "m9", extras: { pins: 1 } });
  timeline.amend({ type: "deleted", message_id: "m1" });
  timeline.annotate({ message_id: "m1", extras: { pins: 1 } });
  assert.equal(extras(), undefined);
});

test("what the server keeps no longer goes, and nothing older is asked for", () => {
  const timeline = new Timeline();
  timeline.page([2, 3, 4, 6].map((seq) => message(seq)), "newest", true);
  timeline.forget(4);
  assert.deepEqual(seqs(timeline), [6]);
  assert.equal(timeline.older, false);
  assert.equal(timeline.byId.size, 1);
  timeline.forget(0);
  assert.deepEqual(seqs(timeline), [6]);
});

test("reactions and pins follow their events, and nothing else", () => {
  const timeline = new Timeline();
  const before = [{ emoji: "👍", count: 1, users: ["a"] }];
  const by = { id: "a", name: "ann" };
  timeline.page([message(1, { reactions: before })], "newest", false);
  const shown = () => {
    const { reactions, pinned, pinned_by } = timeline.byId.get("m1");
    return [reactions, pinned, pinned_by];
  };
  timeline.annotate({ type: "pinned", message_id: "m1", on: true, pinned: true, pinned_by: by });
  assert.deepEqual(shown(), [before, true, by]);
  timeline.annotate({ type: "reaction", message_id: "m1", reactions: [] });
  assert.deepEqual(shown(), [[], true, by]);
  timeline.amend({ type: "edited", message_id: "m1", rev: 2, content: "x", html: "x" });
  timeline.annotate({ type: "edited", message_id: "m1", extras: { likes: {} } });
  assert.deepEqual(shown(), [[], true, by]);
  timeline.annotate({ type: "pinned", message_id: "m1", on: false, pinned: false, pinned_by: null });
  assert.deepEqual(shown(), [[], false, null]);
});
