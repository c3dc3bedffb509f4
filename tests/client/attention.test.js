import assert from "node:assert/strict";
import { test } from "node:test";

import { Attention } from "../../public/js/attention.js";

const QUIET = { until: 0, from: "22:00", to: "07:00", daily: false };
const attention = (more = {}) => new Attention(() => ({ levels: {}, level: "mentions", keywords: "", quiet: QUIET, ...more }));
const ROOM = { name: "general", kind: "public" };
const said = (content) => ({ content });
const at = (hours, minutes = 0) => new Date(2026, 5, 1, hours, minutes);

test("a room's level decides; people who write to one alone are heard", () => {
  const some = attention({ levels: { loud: "all", silent: "none", "dm:a+b": "none" } });
  const wants = (name, kind, namesMe) => some.wants(said("x"), { name, kind }, namesMe);
  assert.deepEqual([wants("general", "public", false), wants("general", "public", true)], [false, true]);
  assert.deepEqual([wants("loud", "public", false), wants("silent", "public", true)], [true, false]);
  assert.deepEqual([wants("dm:a+c", "direct", false), wants("dm:a+b", "direct", false)], [true, false]);
});

test("a keyword is a word, in any script", () => {
  const some = attention({ keywords: "deploy, 茶， C++ ,, " });
  for (const text of ["Deploy now", "(deploy)", "我要喝茶吗", "we love c++!"]) assert.ok(some.hasKeyword(text), text);
  for (const text of ["redeployed", "deployment", "咖啡", ""]) assert.ok(!some.hasKeyword(text), text);
  assert.ok(some.wants(said("deploy"), ROOM, false));
  assert.ok(!attention({ keywords: "deploy", levels: { general: "none" } }).wants(said("deploy"), ROOM, true));
});

test("quiet hours may pass midnight", () => {
  const night = attention({ quiet: { ...QUIET, daily: true } });
  assert.deepEqual([at(21, 59), at(22), at(3), at(6, 59), at(7)].map((time) => night.isQuiet(time)), [false, true, true, true, false]);
  const noon = attention({ quiet: { ...QUIET, from: "12:00", to: "13:30", daily: true } });
  assert.deepEqual([at(11, 59), at(12), at(13, 30)].map((time) => noon.isQuiet(time)), [false, true, false]);
  assert.equal(attention({ quiet: { ...QUIET, from: "08:00", to: "08:00", daily: true } }).isQuiet(at(8)), false);
});

test("quiet for a while ends by itself", () => {
  const some = attention({ quiet: { ...QUIET, until: at(9).getTime() } });
  assert.deepEqual([some.isQuiet(at(8, 59)), some.isQuiet(at(9))], [true, false]);
});
