import assert from "node:assert/strict";
import { test } from "node:test";

import { Actions } from "../../public/js/actions.js";
import { Keymap, keyLabel, keyOf, writes } from "../../public/js/keymap.js";

const press = (key, more = {}) => ({ key, code: "", ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...more });

/** A table with some actions, and what it keeps. */
function table(...actions) {
  const all = new Actions();
  for (const action of actions) all.add({ of: "app", label: () => action.id, run() {}, ...action });
  const kept = [];
  return { all, kept, keymap: new Keymap(all, {}, (chosen) => kept.push(chosen)) };
}

test("a press has one name, whatever the keyboard's script", () => {
  for (const [event, name] of [
    [press("k", { ctrlKey: true, code: "KeyK" }), "Mod+K"],
    [press("л", { ctrlKey: true, code: "KeyK" }), "Mod+K"],
    [press("K", { ctrlKey: true, shiftKey: true, code: "KeyK" }), "Mod+Shift+K"],
    [press("?", { shiftKey: true, code: "Slash" }), "?"],
    [press("R", { shiftKey: true, code: "KeyR" }), "Shift+R"],
    [press("r", { code: "KeyR" }), "R"],
    [press("ArrowUp", { altKey: true, shiftKey: true }), "Alt+Shift+ArrowUp"],
    [press(" ", { code: "Space" }), "Space"],
    [press("Shift", { shiftKey: true }), ""],
    [press("Process"), ""],
  ]) assert.equal(keyOf(event, false), name);
  assert.equal(keyOf(press("k", { metaKey: true, code: "KeyK" }), true), "Mod+K");
  assert.equal(keyOf(press("k", { ctrlKey: true, code: "KeyK" }), true), "Ctrl+K");
});

test("what writes in a field is told from what doesn't", () => {
  for (const key of ["?", "R", "Shift+R", "Space", "Delete", "Enter", "茶"]) assert.ok(writes(key), key);
  for (const key of ["Mod+K", "Alt+ArrowUp", "Escape", "PageUp", "F2"]) assert.ok(!writes(key), key);
});

test("keys are shown as they are printed", () => {
  assert.equal(keyLabel("Mod+Shift+ArrowUp", false), "Ctrl+Shift+↑");
  assert.equal(keyLabel("Mod+K", true), "⌘K");
  assert.equal(keyLabel("Mod++", false), "Ctrl++");
});

test("a key calls the action of the narrowest place", () => {
  const { keymap } = table({ id: "a", keys: ["Escape"] }, { id: "b", keys: ["Escape"], within: "composer" });
  assert.deepEqual(keymap.find("Escape", ["composer", "app"]).map(({ id }) => id), ["b", "a"]);
  assert.deepEqual(keymap.find("Escape", ["app"]).map(({ id }) => id), ["a"]);
  assert.deepEqual(keymap.find("Escape", ["message", "app"]).map(({ id }) => id), ["a"]);
});

test("chosen keys replace those of before, are kept, and can be given back", () => {
  const { all, keymap, kept } = table({ id: "a", keys: ["Mod+K"] }, { id: "b", keys: ["Mod+J"] });
  const [a, b] = all.byId.values();
  keymap.choose(a, ["Mod+J"]);
  assert.deepEqual(kept.at(-1), { a: ["Mod+J"] });
  assert.deepEqual(keymap.find("Mod+K", ["app"]), []);
  assert.deepEqual(keymap.conflicts(a, "Mod+J").map(({ id }) => id), ["b"]);
  assert.deepEqual(keymap.conflicts(b, "Mod+J").map(({ id }) => id), ["a"]);
  keymap.choose(a, []);
  assert.deepEqual(keymap.keysOf(a), []);
  keymap.choose(a, null);
  assert.deepEqual([kept.at(-1), keymap.keysOf(a)], [{}, ["Mod+K"]]);
});

test("places that don't meet have no conflict", () => {
  const { all, keymap } = table({ id: "a", keys: ["R"], within: "message" }, { id: "b", keys: ["R"], within: "composer" });
  assert.deepEqual(keymap.conflicts([...all.byId.values()][0], "R"), []);
});

test("an action is done to what is chosen, if it is possible", () => {
  const done = [];
  const { all } = table({ id: "a", of: "message", when: (message) => message.own, run: (message) => done.push(message) });
  const [a] = all.byId.values();
  assert.equal(all.runOnChosen(a), false);
  all.provide("message", () => ({ own: false }));
  assert.equal(all.runOnChosen(a), false);
  all.provide("message", () => ({ own: true }));
  assert.equal(all.runOnChosen(a), true);
  assert.deepEqual(done, [{ own: true }]);
});

test("an id is one action's, until that is taken away", () => {
  const { all } = table({ id: "a" });
  const again = () => all.add({ id: "a", of: "room", label: () => "", run() {} });
  assert.throws(again, RangeError);
  all.byId.delete("a");
  const undo = again();
  undo();
  undo();
  assert.equal(all.of("room", {}).length, 0);
});
