import assert from "node:assert/strict";
import { test } from "node:test";

import { findCommand, isCommand } from "../../public/js/commands.js";
import { argumentAt, complete, suggestedChoices } from "../../public/js/completion.js";
import { helpText } from "../../public/js/help-text.js";

const arg = (name, type, more = {}) => ({ name, type, required: true, rest: false, ...more });
const COMMANDS = [
  { name: "kick", usage: "/kick USER [MINUTES] [REASON…]", help: "Remove a user.",
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

const KARMA = { ...KNOWN, commands: [...COMMANDS,
  { name: "karma", usage: "/karma [THING]", help: "Show it.", args: [arg("thing", "str", { required: false })] },
  { name: "karma top", aliases: ["karma best"], usage: "/karma top COUNT", help: "The best.", args: [arg("count", "choice", { choices: ["3", "10"] })] },
  { name: "karma give", usage: "/karma give THING [WHY…]", help: "Give one.", args: [arg("thing", "str", { complete: true }), arg("why", "text", { rest: true, complete: true })] },
] };
const found = (text) => complete(text, text.length, KARMA);

test("a subcommand is found before the command of its first word", () => {
  assert.equal(findCommand("/karma", KARMA.commands)?.name, "karma");
  assert.equal(findCommand("/karma tea", KARMA.commands)?.name, "karma");
  assert.equal(findCommand("/karma  TOP 3", KARMA.commands)?.name, "karma top");
  assert.equal(findCommand("/karma best", KARMA.commands)?.name, "karma top");
});

test("subcommands complete while their second word is written", () => {
  assert.deepEqual(found("/karma ").choices.map((choice) => choice.value), ["/karma top ", "/karma give "]);
  assert.deepEqual(found("/karma g").choices.map((choice) => choice.value), ["/karma give "]);
  assert.deepEqual(found("/karma tea").choices, []);
  assert.deepEqual(found("/karma top").choices, []);
  assert.equal(found("/karma top").usage.usage, "/karma top COUNT");
  assert.deepEqual(found("/karma top 1").choices.map((choice) => choice.value), ["10 "]);
  assert.deepEqual(found("/karma best 3").choices.map((choice) => choice.value), ["3 "]);
});

test("what only the server can complete is asked for with what is typed of it", () => {
  assert.deepEqual(found("/karma give te").asked, { command: "karma give", argument: "thing", typed: "te" });
  assert.equal(found("/karma give te").start, "/karma give ".length);
  assert.deepEqual(found("/karma give tea so  good").asked, { command: "karma give", argument: "why", typed: "so  good" });
  assert.equal(found("/kick b").asked, undefined);
});

test("a suggestion of several words is one word in quotation marks, unless it is the rest of the line", () => {
  const suggested = [{ value: "tea", hint: "hot" }, { value: "iced tea" }];
  assert.deepEqual(suggestedChoices(suggested, false).map((choice) => choice.value), ["tea ", '"iced tea" ']);
  assert.deepEqual(suggestedChoices(suggested, true).map((choice) => choice.value), ["tea ", "iced tea "]);
});

test("emoji are asked for by two letters of their name, and not where a colon is something else", () => {
  const known = { users: [], rooms: [], commands: [], emoji: true };
  const found = (text) => complete(text, text.length, known)?.emoji;
  assert.deepEqual([":ta", "hi :ta", "(:+1", ":t", ":)", "10:30", "https://x", ":ta da", ":tada:"].map(found),
    ["ta", "ta", "+1", undefined, undefined, undefined, undefined, undefined, undefined]);
  assert.deepEqual(complete("hi :ta", 6, known), { start: 3, end: 6, choices: [], emoji: "ta" });
  assert.equal(complete(":ta", 3, { ...known, emoji: false }), null);
});

test("help is said in the user's language, of all, of one, and of what is below it", () => {
  const t = (key, params) => `${key} ${Object.values(params ?? {})}`.trim();
  const known = [
    { name: "server ban", usage: "/server ban USER", help: "封鎖", args: [] },
    { name: "help", usage: "/help [COMMAND]", help: "說明", aliases: ["?"], examples: ["/help", "/help msg"], args: [] },
  ];
  assert.equal(helpText(known, "", t), "/help [COMMAND] – 說明\n/server ban USER – 封鎖\nhelp.more");
  assert.equal(helpText(known, " /HELP", t), "/help [COMMAND]\n說明\nhelp.also /?\nhelp.examples /help · /help msg");
  assert.equal(helpText(known, " ?", t), helpText(known, "help", t));
  assert.equal(helpText(known, " server", t), "/server ban USER – 封鎖");
  assert.equal(helpText(known, " nothing", t), null);
});
