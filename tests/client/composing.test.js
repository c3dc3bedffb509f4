import assert from "node:assert/strict";
import { test } from "node:test";

import { whyClosed } from "../../public/js/closed.js";
import { Format } from "../../public/js/format.js";
import { isText } from "../../public/js/parts/intake.js";
import { onSend } from "../../public/js/send-key.js";
import { countCharacters, EnterKey, inCode, tidy } from "../../public/js/text-field.js";
import { ANN, BOB, startedStore } from "./helpers.js";

const key = (more = {}) => /** @type {any} */ ({ key: "Enter", keyCode: 13, ...more });

test("Enter sends as the user has it, and never in a composition", () => {
  assert.deepEqual([{}, { shiftKey: true }, { ctrlKey: true }, { metaKey: true }, { isComposing: true }, { keyCode: 229 }, { key: "a" }]
    .map((more) => [true, false].map((enterSends) => new EnterKey(() => enterSends, () => true).sends(key(more)))),
  [[true, false], [false, false], [true, true], [true, true], [false, false], [false, false], [false, false]]);
});

test("a keyboard on the screen sends with the line break of a key without a name, Shift+Enter and other keyboards don't", () => {
  const broken = (/** @type {any} */ pressed, inputType = "insertLineBreak", touch = true) => {
    const enter = new EnterKey(() => true, () => touch);
    enter.sends(key(pressed));
    return enter.breaks(/** @type {any} */ ({ inputType }));
  };
  const unnamed = { key: "Unidentified", keyCode: 229 };
  assert.deepEqual([broken(unnamed), broken(unnamed, "insertParagraph"), broken(unnamed, "insertText"), broken(unnamed, undefined, false),
    broken({ shiftKey: true })], [true, true, false, false, false]);
});

test("any field sends by the same keys, and takes the key then", () => {
  const area = /** @type {any} */ (Object.assign(new EventTarget(), { value: "", selectionStart: 0 }));
  let [wanted, sent] = [true, 0];
  onSend(/** @type {any} */ ({ settings: { get: () => wanted }, store: { hasPlugin: () => true } }), area, () => { sent += 1; });
  const press = (more = {}) => {
    const event = Object.assign(new Event("keydown", { cancelable: true }), { key: "Enter", keyCode: 13, ...more });
    area.dispatchEvent(event);
    return [sent, event.defaultPrevented];
  };
  assert.deepEqual([press(), press({ keyCode: 229 }), press({ shiftKey: true })], [[1, true], [1, false], [1, false]]);
  wanted = false;
  assert.deepEqual([press(), press({ ctrlKey: true })], [[1, false], [2, true]]);
  [wanted, area.value, area.selectionStart] = [true, "```\nx", 5];
  assert.deepEqual([press(), press({ ctrlKey: true })], [[2, false], [3, true]]);
});

test("code is open from a fence to the next", () => {
  const open = (/** @type {string} */ text) => inCode(text.replace("|", ""), text.indexOf("|"));
  for (const text of ["```|", "```py\nx = 1|", "a\n```\n|\n```", "~~~\nx|", "```\na\n```\n```\nb|"]) assert.equal(open(text), true, text);
  for (const text of ["|", "a|", "```\nx\n```|", "```x```|", "``|", "a ``` b|", "|\n```\nx", "    ```\nx|"]) assert.equal(open(text), false, text);
});

test("what is sent has no empty lines around it, and keeps its indentation", () => {
  assert.equal(tidy("\n  \n    if x:\n        y\n\n"), "    if x:\n        y");
  assert.equal(tidy("   hello  "), "hello");
  assert.equal(tidy(" \n "), "");
  assert.equal(tidy("\n /help"), "/help");
});

test("characters are counted as the server counts them", () => {
  for (const text of ["", "abc", "你好", "🎉🎉", "a🎉", "🎉a", "\ud800", "\ud83ca", "e\u0301", "👩‍👩‍👧"]) {
    assert.equal(countCharacters(text), [...text].length, JSON.stringify(text));
  }
});

test("a picture beside a text that was copied is no file; the names of files are no text", () => {
  const data = (/** @type {string} */ text) => ({ getData: () => text });
  const picture = [{ name: "image.png" }];
  assert.equal(isText(data("Total\t42\n"), picture), true);
  assert.equal(isText(data(""), picture), false);
  assert.equal(isText(data("image.png"), picture), false);
  assert.equal(isText(data("/home/ann/image.png\r\n/home/ann/b.txt"), [...picture, { name: "b.txt" }]), false);
});

test("in a room for announcements only those write who announce", () => {
  const room = { ...startedStore().room("general"), read_only: true, role: "member" };
  assert.deepEqual(whyClosed(room, ANN.id, 0), { why: "readOnly" });
  assert.equal(whyClosed(room, ANN.id, 0, true), null);
  assert.equal(whyClosed({ ...room, role: "moderator" }, ANN.id, 0), null);
});

test("why nothing can be written, and until when", () => {
  let now = 0;
  const store = startedStore({ server: { name: "test", version: "1", time: new Date(3_600_000).toISOString() } }, () => now);
  const room = () => store.room("general");
  const why = () => whyClosed(room(), ANN.id, store.serverNow());
  const until = new Date(3_600_000 + 60_000).toISOString();
  const change = (seq, action, more = {}) => store.apply({ type: "member", room: "general", seq, ts: until, user: BOB, target: ANN, action, ...more });
  assert.equal(why(), null);
  change(1, "muted", { reason: "shouting", until });
  assert.deepEqual(why(), { why: "muted", by: BOB, reason: "shouting", until });
  now = 60_000;
  assert.equal(why(), null, "by the server's clock, whatever this device's says");
  change(2, "muted");
  assert.equal(why().until, undefined);
  change(3, "unmuted");
  assert.equal(why(), null);
  store.apply({ type: "room", room: "general", seq: 4, ts: until, user: BOB, action: "changed", archived: true });
  assert.deepEqual(why(), { why: "archived" });
  store.open("general");
  change(5, "banned", { reason: "spam" });
  store.apply({ type: "kicked", room: "general", by: BOB, reason: "spam" });
  assert.deepEqual([why().why, why().reason], ["banned", "spam"]);
});

test("a mute from before this page is found in the log", () => {
  const store = startedStore();
  const event = { type: "member", room: "general", seq: 1, ts: "", user: BOB, target: ANN, action: "muted", reason: "" };
  store.room("general").timeline.page([event], "newest", false);
  assert.equal(whyClosed(store.room("general"), ANN.id, 0)?.why, "muted");
  store.setMute("general", null);
  assert.equal(whyClosed(store.room("general"), ANN.id, 0), null);
});

test("until when: the time, and the day unless it is today", () => {
  const format = new Format("en", ["en-US"]);
  const now = new Date(2026, 2, 12, 9, 0);
  const later = (/** @type {number} */ day) => format.moment(new Date(2026, 2, day, 14, 5).toISOString(), now).replace(/\s/gu, " ");
  assert.equal(later(12), "2:05 PM");
  assert.match(later(14), /^March 14, 2026.*2:05 PM$/);
});
