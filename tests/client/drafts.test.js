import assert from "node:assert/strict";
import { test } from "node:test";

import { Drafts } from "../../public/js/drafts.js";
import { ANN, BOB } from "./helpers.js";

/** A browser's storage, which several pages share. */
function browser() {
  const texts = new Map();
  let full = false;
  const pages = [];
  const shelf = (owner) => ({
    read: (key) => JSON.parse(texts.get(key) ?? "null"),
    keys: () => [...texts.keys()],
    write: (key, copies) => {
      if (full) return false;
      if (copies === undefined) texts.delete(key);
      else texts.set(key, JSON.stringify(copies));
      for (const page of pages) if (page.name !== owner) page.drafts.heard(key);
      return true;
    },
  });
  const page = (name, before = [], user = ANN.id) => {
    const timers = [];
    let now = pages.length * 1000;
    const drafts = new Drafts(() => user, { shelf: shelf(name), page: name, before: [before].flat(), now: () => (now += 1), later: (run) => timers.push(run) });
    pages.push({ name, drafts });
    return { drafts, timers, close: () => { drafts.saveAll(); pages.splice(pages.findIndex((one) => one.name === name), 1); } };
  };
  return { page, texts, fill: () => { full = true; } };
}

/** @param {Drafts} drafts */
function write(drafts, text, room = "general") {
  drafts.of(room).text = text;
  drafts.changed(room);
}

test("a draft is one object for as long as the page lives, each room has its own", () => {
  const { drafts } = browser().page("a");
  const draft = drafts.of("general");
  write(drafts, "hello");
  assert.equal(drafts.of("general"), draft);
  assert.equal(drafts.of("general").text, "hello");
  assert.equal(drafts.of("tea").text, "");
});

test("it outlives a reload: text, reply, edits and what was uploaded", () => {
  const here = browser();
  const first = here.page("a");
  const attachment = { id: "f1", name: "a.png", size: 3, mime: "image/png", url: "/f1" };
  const half = { room: "general", name: "b.png", size: 9, file: null, share: 0.5, cancel: () => {}, tries: 0 };
  Object.assign(first.drafts.of("general"), { text: "hello", reply: { id: "m1", seq: 1, name: "Bob", content: "hi" }, edits: { m2: "better" },
    files: [{ ...half, name: "a.png", share: 1, attachment }, half], wanted: true });
  first.drafts.changed("general");
  first.close();
  const draft = here.page("b", "a").drafts.of("general");
  assert.deepEqual([draft.text, draft.reply?.id, draft.edits, draft.files.map((file) => file.attachment), draft.wanted],
    ["hello", "m1", { m2: "better" }, [attachment], false]);
});

test("without storage it is kept as long as the page, and that is said once", () => {
  const here = browser();
  here.fill();
  const { drafts, timers } = here.page("a");
  let said = 0;
  drafts.on("unkept", () => { said += 1; });
  for (const text of ["one", "two"]) {
    write(drafts, text);
    timers.splice(0).forEach((run) => run());
  }
  assert.deepEqual([drafts.of("general").text, said], ["two", 1]);
});

test("many keys are one write", () => {
  const { drafts, timers } = browser().page("a");
  for (const text of ["h", "he", "hel"]) write(drafts, text);
  assert.equal(timers.length, 1);
});

test("a tab that sends or closes last takes nothing of another's", () => {
  const here = browser();
  const [one, other] = [here.page("a"), here.page("b")];
  write(other.drafts, "");
  write(one.drafts, "a long thought");
  one.drafts.saveAll();
  write(other.drafts, "hi");
  other.drafts.saveAll();
  other.drafts.clear("general");
  other.close();
  assert.equal(one.drafts.of("general").text, "a long thought");
  one.close();
  assert.equal(here.page("c", "a").drafts.of("general").text, "a long thought");
});

test("each tab finds its own after a reload, a new one the newest", () => {
  const here = browser();
  const [one, other] = [here.page("a"), here.page("b")];
  write(one.drafts, "first");
  write(other.drafts, "second");
  one.close();
  other.close();
  assert.equal(here.page("c", "a").drafts.of("general").text, "first");
  assert.equal(here.page("f", ["c", "a"]).drafts.of("general").text, "first", "after a reload in which it was only looked at");
  assert.equal(here.page("d", "b").drafts.of("general").text, "second");
  assert.equal(here.page("e").drafts.of("general").text, "second");
});

test("a tab that only looks follows, and what it takes over is taken", () => {
  const here = browser();
  const one = here.page("a");
  write(one.drafts, "hello");
  one.drafts.saveAll();
  const other = here.page("b");
  assert.equal(other.drafts.of("general").text, "hello");
  const replaced = [];
  for (const { drafts } of [one, other]) drafts.on("replaced", (room) => replaced.push(room));
  write(one.drafts, "hello you");
  one.drafts.saveAll();
  assert.equal(other.drafts.of("general").text, "hello you");
  other.drafts.clear("general");
  assert.deepEqual([one.drafts.of("general").text, here.texts.size, replaced], ["", 0, ["general", "general"]]);
});

test("what is being written is not replaced by another tab", () => {
  const here = browser();
  const [one, other] = [here.page("a"), here.page("b")];
  write(one.drafts, "mine");
  write(other.drafts, "theirs");
  other.drafts.saveAll();
  assert.equal(one.drafts.of("general").text, "mine");
  one.drafts.saveAll();
  write(other.drafts, "theirs, longer");
  other.drafts.saveAll();
  assert.equal(one.drafts.of("general").text, "mine");
});

test("users don't see each other's, and the list hears of a text that comes or goes", () => {
  const here = browser();
  const { drafts } = here.page("a");
  const heard = [];
  drafts.on("change", (room) => heard.push(room));
  write(drafts, "h");
  write(drafts, "he");
  write(drafts, " ");
  drafts.saveAll();
  assert.deepEqual(heard, ["general", "general"]);
  assert.equal(here.page("b", "a", BOB.id).drafts.of("general").text, "");
});

test("a conversation that has no room yet is found by its draft", () => {
  const here = browser();
  const one = here.page("a");
  Object.assign(one.drafts.of("dm:u1+u2"), { text: "hello", with: BOB });
  one.drafts.changed("dm:u1+u2");
  one.close();
  assert.deepEqual(here.page("b", "a").drafts.conversations(), [BOB]);
});

test("a guest who has to come in again under the same name goes on; another user sees nothing", () => {
  const here = browser();
  let me = ANN;
  const { drafts } = here.page("a");
  drafts.user = () => me.id;
  write(drafts, "half a thought");
  const again = { ...ANN, id: "u7" };
  drafts.adopt(ANN, again);
  me = again;
  assert.equal(drafts.of("general").text, "half a thought");
  assert.deepEqual([...here.texts.keys()], ["chat.draft.u7.general"]);
  drafts.adopt(again, BOB);
  me = BOB;
  assert.equal(drafts.of("general").text, "");
});
