import assert from "node:assert/strict";
import { test } from "node:test";

import { buildRows } from "../../public/js/rows.js";
import { ANN, message, startedStore } from "./helpers.js";

const CONTEXT = {
  me: ANN.id, history: true, look: "", day: (ts) => ts.slice(0, 10), label: (ts) => ts.slice(0, 10), name: (user) => user.display_name,
};

function rowsOf(events, { pending = [], change = () => {}, context = {} } = {}) {
  const store = startedStore();
  const room = store.room("general");
  room.timeline.page(events, "newest", false);
  change(room);
  return buildRows(room, pending, { ...CONTEXT, ...context });
}

const kinds = (rows) => rows.map((row) => row.kind);

test("messages of one author stand together until time or another author comes between", () => {
  const rows = rowsOf([message(1), message(2), message(3, { user: ANN }), message(4), message(900)]);
  assert.deepEqual(rows.filter((row) => row.kind === "message").map((row) => row.head), [true, false, true, true, true]);
});

test("an action, a reply, and what follows a day line begin a group", () => {
  const rows = rowsOf([message(1), message(2, { kind: "action" }), message(3), message(4, { reply_to: "m1" }), message(5), message(90_000)]);
  assert.deepEqual(rows.filter((row) => row.kind === "message").map((row) => row.head), [true, true, true, true, false, true]);
  assert.deepEqual(kinds(rows).filter((kind) => kind === "day").length, 2);
});

test("the unread line stands before the first message of another user", () => {
  const rows = rowsOf([message(1), message(2, { user: ANN }), message(3), message(4)], { change: (room) => { room.line = 1; } });
  assert.deepEqual(kinds(rows), ["start", "day", "message", "message", "unread", "message", "message"]);
  assert.equal(rows.at(-2).head, true);
});

test("no unread line without anything unread", () => {
  const rows = rowsOf([message(1)], { change: (room) => { room.line = 1; } });
  assert.ok(!kinds(rows).includes("unread"));
});

test("events that follow each other are one row, whose version grows with them", () => {
  const member = (seq) => ({ type: "member", room: "general", seq, ts: new Date(seq * 1000).toISOString(), user: ANN, action: "joined", target: ANN });
  const rows = rowsOf([member(1), member(2), message(3), member(4)]);
  assert.deepEqual(kinds(rows), ["start", "day", "events", "message", "events"]);
  assert.equal(rows[2].key, "events-1");
  const before = rowsOf([member(1)]);
  assert.notEqual(rows[2].version, before[2].version);
});

test("what is under way comes last, and joins the own group", () => {
  const entry = { nonce: "n1", user: ANN.id, room: "general", content: "hi", at: 2000, state: "pending" };
  const rows = rowsOf([message(1, { user: ANN })], { pending: [entry] });
  assert.deepEqual([rows.at(-1).kind, rows.at(-1).head], ["pending", false]);
});

test("nothing pending is shown in the middle of the log", () => {
  const entry = { nonce: "n1", user: ANN.id, room: "general", content: "hi", at: 2000, state: "pending" };
  const rows = rowsOf([message(1)], { pending: [entry], change: (room) => { room.timeline.newer = true; } });
  assert.ok(!kinds(rows).includes("pending"));
});

test("a row's version changes with an edit and a deletion, its key does not", () => {
  const plain = rowsOf([message(1)]).at(-1);
  const edited = rowsOf([message(1, { rev: 2 })]).at(-1);
  const deleted = rowsOf([message(1, { deleted: true })]).at(-1);
  assert.equal(new Set([plain, edited, deleted].map((row) => row.key)).size, 1);
  assert.equal(new Set([plain, edited, deleted].map((row) => row.version)).size, 3);
});

test("a private line stays where it was said", () => {
  const note = { key: "note-1", after: 1, text: "psst", level: "info", ts: new Date(0).toISOString() };
  const rows = rowsOf([message(1), message(2)], { change: (room) => room.notes.push(note) });
  assert.deepEqual(kinds(rows), ["start", "day", "message", "note", "message"]);
});

test("a hole is shown where it is", () => {
  const rows = rowsOf([message(1), message(10)], { change: (room) => { room.timeline.gap = { from: 2, to: 9 }; } });
  assert.deepEqual(kinds(rows), ["start", "day", "message", "gap", "message"]);
  assert.equal(rows[3].count, 8);
  const end = rowsOf([message(1)], { change: (room) => { room.timeline.gap = { from: 2, to: 9 }; } });
  assert.equal(end.at(-1).kind, "gap");
});

test("a reply is drawn again when what it quotes is edited, deleted, or its author renamed", () => {
  const versionOf = (original, context) => {
    const rows = rowsOf([message(1, original), message(2, { reply_to: "m1", user: ANN })], { context });
    return rows.at(-1).version;
  };
  const renamed = { name: (user) => `${user.display_name}!` };
  const versions = [versionOf({}), versionOf({ rev: 2 }), versionOf({ deleted: true }), versionOf({}, renamed)];
  assert.equal(new Set(versions).size, 4);
  const pending = (original) => {
    const entry = { nonce: "n1", user: ANN.id, room: "general", content: "hi", at: 2000, state: "pending", reply_to: "m1" };
    return rowsOf([message(1, original)], { pending: [entry] }).at(-1).version;
  };
  assert.notEqual(pending({}), pending({ deleted: true }));
});

test("a day line is drawn again when the day is called something else", () => {
  const labelled = (label) => rowsOf([message(1)], { context: { label: () => label } }).find((row) => row.kind === "day");
  assert.equal(labelled("Today").key, labelled("Yesterday").key);
  assert.notEqual(labelled("Today").version, labelled("Yesterday").version);
});

test("an own message is the row that it was while it was on its way, and never two", () => {
  const entry = { nonce: "n1", user: ANN.id, room: "general", content: "hi", at: 2000, state: "pending" };
  const before = rowsOf([], { pending: [entry] });
  const after = rowsOf([message(1, { user: ANN, nonce: "n1" })], { pending: [entry] });
  assert.equal(after.at(-1).key, before.at(-1).key);
  assert.deepEqual(after.filter((row) => row.key === "n1").map((row) => row.kind), ["message"]);
  assert.equal(rowsOf([message(1, { nonce: "n1" })]).at(-1).key, "m1", "another user's nonce says nothing here");
});

test("a message is drawn again when its buttons change", () => {
  const version = (actions) => rowsOf([message(1, { actions })]).find((row) => row.kind === "message").version;
  assert.notEqual(version([{ plugin: "p", id: "a", label: "A" }]), version([]));
  assert.equal(version([{ plugin: "p", id: "a", label: "A" }]), version([{ plugin: "p", id: "a", label: "A" }]));
});

test("messages of one user under several names stand apart, and change with the name", () => {
  const events = [message(1, { display_name: "alice (IRC)" }), message(2, { display_name: "alice (IRC)" }), message(3, { display_name: "bob (IRC)" }), message(4)];
  const rows = rowsOf(events).filter((row) => row.kind === "message");
  assert.deepEqual(rows.map((row) => row.head), [true, false, true, true]);
  const [other] = rowsOf([message(1, { display_name: "Alice (IRC)" })]).filter((row) => row.kind === "message");
  assert.notEqual(other.version, rows[0].version);
});
