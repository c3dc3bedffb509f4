import assert from "node:assert/strict";
import { test } from "node:test";

import { argumentAt, complete, findCommand, isCommand } from "../../public/js/commands.js";

const arg = (name, type, more = {}) => ({ name, type, required: true, rest: false, ...more });
const COMMANDS = [
  { name: "kick", usage: "/kick USER [MINUTES] [REASON…]", help: "Remove somebody.",
    args: [arg("user", "user"), arg("minutes", "int", { required: false }), arg("reason", "text", { required: false, rest: true })] },
  { name: "me", usage: "/me ACTION…", help: "Say what you are doing.", args: [arg("action", "text", { rest: true })] },
  { name: "help", usage: "/help [COMMAND]", help: "List them.", aliases: ["?"], args: [arg("command", "str")] },
  { name: "mode", usage: "/mode MODE", help: "", args: [arg("mode", "choice", { choices: ["slow", "fast"] })] },
  { name: "join", usage: "/join ROOM", help: "", args: [arg("room", "room")] },
];
const KNOWN = {
  commands: COMMANDS,
  users: [{ id: "u1", name: "ann", display_name: "Ann Lee" }, { id: "u2", name: "bob", display_name: "Bob" }, { id: "u3", name: "李明", display_name: "李明" }],
  rooms: [{ name: "general", title: "General" }, { name: "tea", title: "Afternoon tea" }],
};
const values = (text, caret = text.length) => complete(text, caret, KNOWN)?.choices.map((choice) => choice.value) ?? [];

test("a slash begins a command, two are a literal one", () => {
  assert.equal(isCommand("/me waves"), true);
  assert.equal(isCommand("//me"), false);
  assert.equal(isCommand("a /me"), false);
});

test("commands complete by their beginning first, then by what they contain", () => {
  assert.deepEqual(values("/m"), ["/me ", "/mode "]);
  assert.deepEqual(values("/e"), ["/me ", "/help ", "/mode "]);
  assert.deepEqual(values("/zzz"), []);
});

test("a command is found by name and by alias", () => {
  assert.equal(findCommand("/KICK bob", COMMANDS)?.name, "kick");
  assert.equal(findCommand("/?", COMMANDS)?.name, "help");
  assert.equal(findCommand("//kick", COMMANDS), null);
});

test("the argument under the caret decides what is offered", () => {
  assert.deepEqual(values("/kick b"), ["bob "]);
  assert.deepEqual(values("/kick @b"), ["bob "]);
  assert.deepEqual(values("/mode sl"), ["slow "]);
  assert.deepEqual(values("/join #te"), ["tea "]);
  assert.deepEqual(values("/kick bob 1"), []);
});

test("usage stays on while the arguments are typed", () => {
  const found = complete("/kick bob 10 because", 20, KNOWN);
  assert.equal(found.usage.usage, "/kick USER [MINUTES] [REASON…]");
  assert.equal(found.usage.arg.name, "reason");
});

test("beyond the last argument there is none, unless it takes the rest", () => {
  assert.equal(argumentAt(COMMANDS[4], "/join tea more").arg, null);
  assert.equal(argumentAt(COMMANDS[1], "/me does this and that").arg.name, "action");
});

test("people complete after @, by either name, in any script, anywhere in the text", () => {
  assert.deepEqual(values("hello @b"), ["@bob "]);
  assert.deepEqual(values("@lee"), ["@ann "]);
  assert.deepEqual(values("你好 @李"), ["@李明 "]);
  assert.deepEqual(values("mail@b"), [], "not inside a word");
});

test("a choice replaces exactly what was typed of it", () => {
  const text = "hello @bo and more";
  const { start, end } = complete(text, 9, KNOWN);
  assert.equal(text.slice(0, start) + "@bob " + text.slice(end), "hello @bob  and more");
});

test("rooms complete after #, by name and title", () => {
  assert.deepEqual(values("see #af"), ["#tea "]);
});
