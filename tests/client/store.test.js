import assert from "node:assert/strict";
import { test } from "node:test";

import { setMembers } from "../../public/js/members.js";
import { ANN, BOB, message, startedStore, welcome, wireRoom } from "./helpers.js";

const contents = (store, name = "general") => store.room(name).timeline.events.map((event) => event.content);

test("events in order are applied, old ones ignored, holes reported and not applied", () => {
  const store = startedStore();
  assert.equal(store.apply(message(1)), "applied");
  assert.equal(store.apply(message(1)), "ignored");
  assert.equal(store.apply(message(3)), "gap");
  assert.equal(store.room("general").cursor, 1);
  assert.equal(store.apply(message(2)), "applied");
  assert.equal(store.apply(message(3)), "applied");
  assert.deepEqual(contents(store), ["text 1", "text 2", "text 3"]);
});

test("an unknown durable type moves the cursor and shows nothing", () => {
  const store = startedStore();
  const event = { type: "party:started", room: "general", seq: 1, ts: "2026-01-01T00:00:00.000Z", user: BOB };
  assert.equal(store.apply(event), "applied");
  assert.equal(store.room("general").cursor, 1);
  assert.deepEqual(contents(store), []);
});

test("an unknown ephemeral type is ignored, even one named like a method", () => {
  const store = startedStore();
  assert.equal(store.apply({ type: "sparkle", room: "general" }), "ignored");
  assert.equal(store.apply({ type: "constructor" }), "ignored");
});

test("an edit is applied once, and one that the message has already is not", () => {
  const store = startedStore();
  store.apply(message(1));
  store.apply({ type: "edited", room: "general", seq: 2, ts: "2026-01-01T00:00:00.000Z", user: BOB, message_id: "m1",
    rev: 2, content: "better", html: "better" });
  assert.deepEqual(contents(store), ["better"]);
  store.apply({ type: "edited", room: "general", seq: 3, ts: "2026-01-01T00:00:01.000Z", user: BOB, message_id: "m1",
    rev: 2, content: "again", html: "again" });
  assert.deepEqual(contents(store), ["better"]);
});

test("a page that is older than what is known does not bring the old text back", () => {
  const store = startedStore();
  store.apply(message(1));
  store.apply({ type: "edited", room: "general", seq: 2, ts: "2026-01-01T00:00:00.000Z", user: BOB, message_id: "m1",
    rev: 2, content: "new", html: "new" });
  store.room("general").timeline.page([message(1)], "newest", false);
  assert.deepEqual(contents(store), ["new"]);
});

test("a deletion blanks the message and keeps its place", () => {
  const store = startedStore();
  store.apply(message(1, { files: [{ id: "f" }] }));
  store.apply({ type: "deleted", room: "general", seq: 2, ts: "2026-01-01T00:00:00.000Z", user: BOB, message_id: "m1" });
  const [event] = store.room("general").timeline.events;
  assert.deepEqual([event.content, event.html, event.files, event.deleted], ["", "", undefined, true]);
});

test("unread counts others' messages, not own ones, and reading clears them", () => {
  const store = startedStore();
  store.apply(message(1));
  store.apply(message(2));
  assert.equal(store.room("general").unread, 2);
  store.apply({ type: "mention", room: "general", seq: 2, message_id: "m2", user: BOB });
  assert.equal(store.room("general").mentions, 1);
  store.markRead("general", 1);
  assert.equal(store.room("general").unread, 1);
  store.markRead("general", 2);
  assert.deepEqual([store.room("general").unread, store.room("general").mentions], [0, 0]);
  store.apply(message(3));
  store.apply(message(4, { user: ANN }));
  assert.equal(store.room("general").unread, 0, "who writes has read");
});

test("what is read in part leaves the rest unread, however little of it is loaded", () => {
  const store = startedStore({ rooms: [wireRoom({ head: 10_000, unread: 9_000, read: 1_000, mentions: 4 })] });
  const room = store.room("general");
  const page = Array.from({ length: 60 }, (_, index) => message(971 + index));
  room.timeline.pageAround(page, { older: true, newer: true }, room.cursor);
  store.markRead("general", 1_020);
  assert.deepEqual([room.unread, room.mentions, room.read], [8_980, 4, 1_020]);
  room.timeline.pageAround([message(9_999), message(10_000)], { older: true, newer: false }, room.cursor);
  store.markRead("general", 9_999);
  assert.deepEqual([room.unread, room.mentions], [1, 1]);
  store.markRead("general", 10_000);
  assert.deepEqual([room.unread, room.mentions], [0, 0]);
});

test("what was read and not told before the connection was lost stays read", () => {
  const store = startedStore();
  for (const seq of [1, 2, 3, 4]) store.apply(message(seq));
  const room = () => store.room("general");
  room().timeline.page([], "newest", false);
  store.markRead("general", 3);
  store.welcome(welcome({ rooms: [wireRoom({ head: 6, unread: 5, read: 1 })] }));
  assert.deepEqual([room().unread, room().read], [3, 3]);
});

test("a room that is told of with an older head keeps what is here", () => {
  const store = startedStore();
  store.apply(message(1));
  store.apply(message(2));
  store.markRead("general", 2);
  store.apply({ type: "rooms", rooms: [wireRoom({ head: 1, unread: 1, title: "Renamed" })] });
  const { title, unread, cursor, head } = store.room("general");
  assert.deepEqual([title, unread, cursor, head], ["Renamed", 0, 2, 2]);
  assert.deepEqual(contents(store), ["text 1", "text 2"]);
});

test("what is replayed after welcome is not counted twice", () => {
  const store = startedStore({ rooms: [wireRoom({ head: 1 })] });
  store.welcome(welcome({ rooms: [wireRoom({ head: 3, unread: 2 })] }));
  assert.deepEqual(store.resume(), { epoch: "e1", rooms: { general: 1 } });
  store.apply(message(2));
  store.apply(message(3));
  assert.equal(store.room("general").unread, 2);
  store.apply(message(4));
  assert.equal(store.room("general").unread, 3);
});

test("the same epoch keeps what is cached; another one, or a cursor beyond the head, drops it", () => {
  const store = startedStore();
  store.apply(message(1));
  store.welcome(welcome({ rooms: [wireRoom({ head: 1 })] }));
  assert.deepEqual(contents(store), ["text 1"]);
  store.welcome(welcome({ epoch: "e2", rooms: [wireRoom({ head: 1 })] }));
  assert.deepEqual(contents(store), []);
  store.apply(message(2));
  store.welcome(welcome({ epoch: "e2", rooms: [wireRoom({ head: 0 })] }));
  assert.deepEqual(contents(store), []);
  assert.equal(store.room("general").cursor, 0);
});

test("rooms that welcome does not name are dropped, and closed if they were open", () => {
  const store = startedStore({ rooms: [wireRoom(), wireRoom({ name: "secret", kind: "private" })] });
  store.open("secret");
  store.welcome(welcome());
  assert.equal(store.room("secret"), undefined);
  assert.equal(store.current, null);
});

test("a conversation without a room becomes a real one when the server makes it", () => {
  const store = startedStore();
  const name = store.direct(BOB);
  assert.equal(name, "dm:u1+u2");
  assert.equal(store.room(name).virtual, true);
  assert.deepEqual(store.resume().rooms, { general: 0 }, "a virtual room has nothing to resume");
  store.apply({ type: "rooms", rooms: [wireRoom({ name, kind: "direct", with: BOB, head: 1 })] });
  assert.equal(store.room(name).virtual, undefined);
  assert.equal(store.apply(message(2, { room: name })), "applied");
});

test("leaving closes a public room and forgets a private one", () => {
  const store = startedStore({ rooms: [wireRoom(), wireRoom({ name: "secret", kind: "private" })] });
  store.open("general");
  store.apply({ type: "rooms", rooms: [], removed: ["general", "secret"] });
  assert.equal(store.room("general").joined, false);
  assert.equal(store.current, null);
  assert.equal(store.room("secret"), undefined);
});

test("a room that one is put out of stays on the screen, and goes with the next one", () => {
  const store = startedStore({ rooms: [wireRoom(), wireRoom({ name: "secret", kind: "private" })] });
  store.open("secret");
  store.apply(message(1, { room: "secret" }));
  store.apply({ type: "kicked", room: "secret", by: BOB, reason: "shouting", until: "2026-01-01T00:00:00.000Z" });
  assert.equal(store.current, "secret");
  assert.deepEqual(contents(store, "secret"), ["text 1"]);
  assert.deepEqual(store.room("secret").out, { action: "kicked", by: BOB, reason: "shouting", until: "2026-01-01T00:00:00.000Z" });
  store.open("general");
  assert.equal(store.room("secret"), undefined);
  store.apply({ type: "kicked", room: "general", by: BOB, reason: "" });
  store.changeRooms([wireRoom()]);
  assert.equal(store.room("general").out, undefined, "let in again");
});

test("typing ends by itself, with the message, and with leaving", () => {
  let now = 0;
  const store = startedStore({}, () => now);
  const typing = () => store.writing("general").map((user) => user.name);
  store.apply({ type: "typing", room: "general", user: BOB, on: true });
  store.apply({ type: "typing", room: "general", user: ANN, on: true });
  assert.deepEqual(typing(), ["bob"], "not oneself");
  now = 10_000;
  assert.deepEqual(typing(), []);
  store.apply({ type: "typing", room: "general", user: BOB, on: true });
  store.apply(message(1));
  assert.deepEqual(typing(), []);
  store.apply({ type: "typing", room: "general", user: BOB, on: true });
  store.apply({ type: "left", room: "general", user: BOB });
  assert.deepEqual(typing(), []);
});

test("members come and go, and their state shows everywhere", () => {
  const store = startedStore();
  setMembers(store, "general", [{ user: ANN, role: "owner", status: "online", text: "" }], { more: false, count: 1, first: true });
  const names = () => [...store.room("general").members_here.people.values()].map((member) => member.user.name);
  const ts = "2026-01-01T00:00:00.000Z";
  store.apply({ type: "member", room: "general", seq: 1, ts, user: ANN, action: "added", target: BOB });
  assert.deepEqual(names(), ["ann", "bob"]);
  store.apply({ type: "presence", user: BOB, status: "busy", text: "tea" });
  assert.equal(store.room("general").members_here.people.get("u2").text, "tea");
  store.apply({ type: "member", room: "general", seq: 2, ts, user: ANN, action: "kicked", target: BOB });
  assert.deepEqual(names(), ["ann"]);
});

test("a new name reaches messages that are shown already", () => {
  const store = startedStore();
  store.apply(message(1));
  store.apply({ type: "renamed", user: { ...BOB, name: "rob", display_name: "Rob" }, old: "bob" });
  assert.equal(store.user(store.room("general").timeline.events[0].user).display_name, "Rob");
});

test("room events change title, topic and archive", () => {
  const store = startedStore();
  const ts = "2026-01-01T00:00:00.000Z";
  store.apply({ type: "room", room: "general", seq: 1, ts, user: BOB, action: "changed", topic: "tea", archived: true });
  assert.deepEqual([store.room("general").topic, store.room("general").archived], ["tea", true]);
});

test("after a gap the cursor is where live goes on, and the hole is remembered without history", () => {
  const store = startedStore({ plugins: {} });
  store.apply(message(1));
  store.apply({ type: "gap", room: "general", from: 2, to: 900 });
  const { timeline, cursor } = store.room("general");
  assert.equal(cursor, 900);
  assert.deepEqual(timeline.gap, { from: 2, to: 900 });
  assert.equal(store.apply(message(901)), "applied");
  assert.deepEqual(timeline.events.map((event) => event.seq), [1, 901], "what was there stays");
});

test("a notice goes to its room, to the open one, or to all who listen", () => {
  const store = startedStore();
  const heard = [];
  store.on("notice", (text) => heard.push(text));
  store.apply({ type: "notice", text: "no room open" });
  store.open("general");
  store.apply({ type: "notice", text: "here", level: "warn" });
  assert.deepEqual(heard, ["no room open"]);
  assert.deepEqual(store.room("general").notes.map(({ text, level }) => [text, level]), [["here", "warn"]]);
});

test("other plugins change what this user may do and which commands there are", () => {
  const store = startedStore({ permissions: ["room.join"], commands: [{ name: "old" }] });
  const told = [];
  store.on("plugins", (known) => told.push(known));
  store.on("me", () => told.push("me"));
  assert.equal(store.apply({ type: "plugins", permissions: ["x.use"], commands: [{ name: "x" }], plugins: { x: {} } }), "applied");
  assert.deepEqual([store.may("x.use"), store.may("room.join")], [true, false]);
  assert.deepEqual(store.commands, [{ name: "x" }]);
  assert.deepEqual([store.hasPlugin("x"), store.hasPlugin("history")], [true, false]);
  assert.deepEqual(told, [{ x: {} }, "me"]);
});

test("an event of a plugin changes what is kept with a message, and its buttons", () => {
  const store = startedStore();
  const button = { plugin: "approve", id: "yes", label: "Yes" };
  const pressed = (seq, more) => ({ type: "approve:pressed", room: "general", seq, ts: "2026-01-01T00:00:00.000Z", user: ANN, message_id: "m1", ...more });
  const shown = () => store.room("general").timeline.byId.get("m1");
  store.apply(message(1, { actions: [button], extras: { likes: { by: ["u1"] } } }));
  store.apply(pressed(2, { extras: { approve: { by: "u1" } } }));
  assert.deepEqual(shown().extras, { likes: { by: ["u1"] }, approve: { by: "u1" } });
  assert.deepEqual(shown().actions, [button]);
  store.apply(pressed(3, { extras: { approve: null }, actions: [] }));
  assert.deepEqual(shown().extras, { likes: { by: ["u1"] } });
  assert.deepEqual(shown().actions, []);
  store.apply(pressed(4, { message_id: "m0", actions: [button] }));
  store.apply({ type: "deleted", room: "general", seq: 5, ts: "2026-01-01T00:00:00.000Z", user: ANN, message_id: "m1" });
  store.apply(pressed(6, { actions: [button] }));
  assert.deepEqual([shown().deleted, shown().actions, shown().extras], [true, undefined, undefined]);
});

test("who was writing is forgotten with the connection", () => {
  const store = startedStore();
  store.remember(BOB);
  store.apply({ type: "typing", room: "general", user: BOB, on: true });
  assert.equal(store.writing("general").length, 1);
  store.setConnection("offline");
  assert.equal(store.writing("general").length, 0);
});
