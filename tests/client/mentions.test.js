import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { findMentions, nameKey } from "../../public/js/mentions.js";

const CASES = JSON.parse(readFileSync(new URL("../data/mentions.json", import.meta.url), "utf8"));

/** @param {string[]} names */
function members(names) {
  const known = new Map(names.map((name) => [nameKey(name), name]));
  return (/** @type {string} */ key) => known.get(key);
}

test("whom a text mentions, as the server says", () => {
  for (const { text, names, told } of CASES) {
    const found = findMentions(text, members([...names, "author"])).map(({ id }) => id).filter((id) => id !== "author");
    assert.deepEqual([...new Set(found)], told, text);
  }
});

test("what is marked is the name as it is written", () => {
  for (const [text, marked] of [["hi @carl's", "@carl"], ["@Carl. @CARL", "@Carl"], ["(@carl)", "@carl"], ["@小明你好", "@小明"],
    [`@${"José".normalize("NFD")}!`, `@${"José".normalize("NFD")}`], ["👍@carl👍", "@carl"]]) {
    const [{ start, end }] = findMentions(text, members(["carl", "小明", "josé"]));
    assert.equal(text.slice(start, end), marked);
  }
});
