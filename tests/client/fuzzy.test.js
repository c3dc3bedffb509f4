import assert from "node:assert/strict";
import { test } from "node:test";

import { best, fit, fold } from "../../public/js/fuzzy.js";

const candidates = (...names) => names.map((name) => ({ item: name, texts: [fold(name)], rank: 0 }));
const found = (typed, ...names) => best(candidates(...names), typed, 10);

test("the name itself comes first, then beginnings, words, insides, and letters in order", () => {
  assert.deepEqual(found("dev", "my-dev", "undevoted", "dev", "developers", "d-e-v"), ["dev", "developers", "my-dev", "undevoted", "d-e-v"]);
});

test("case, accents and width make no difference", () => {
  assert.deepEqual(found("ayse", "Ayşe", "bob"), ["Ayşe"]);
  assert.deepEqual(found("ＡＮＮ", "ann"), ["ann"]);
});

test("Chinese is found by any of its characters", () => {
  assert.deepEqual(found("茶室", "大茶室", "茶", "室茶"), ["大茶室"]);
  assert.deepEqual(found("室", "大茶室", "茶"), ["大茶室"]);
});

test("letters of words are enough, far apart ones are not", () => {
  assert.ok(fit("gs", "general-support") > 0);
  assert.equal(fit("zq", "general"), -1);
  assert.equal(fit("gt", `g${"x".repeat(40)}t`), -1);
});

test("among those that fit as well, what is new comes first; without letters, only that counts", () => {
  const all = [{ item: "old", texts: ["team a"], rank: 0 }, { item: "new", texts: ["team b"], rank: 60 }];
  assert.deepEqual(best(all, "team", 10), ["new", "old"]);
  assert.deepEqual(best(all, "", 10), ["new", "old"]);
  assert.deepEqual(best(all, "team", 1), ["new"]);
});
