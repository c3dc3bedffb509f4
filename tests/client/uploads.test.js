import assert from "node:assert/strict";
import { test } from "node:test";

import { Drafts } from "../../public/js/drafts.js";
import { ChatError } from "../../public/js/protocol.js";
import { Uploads } from "../../public/js/uploads.js";

const turn = () => new Promise((resolve) => setImmediate(resolve));
const file = (name, size = 10) => /** @type {any} */ ({ name, size });
const attachment = (id) => ({ id, name: id, size: 10, mime: "text/plain", url: `/${id}` });

/** Uploads that are answered by hand. */
function bench() {
  const shelf = { read: () => null, write: () => true, keys: () => [] };
  const drafts = new Drafts(() => "u1", { shelf, later: () => {} });
  const started = [];
  const timers = [];
  const line = { whole: true };
  const uploads = new Uploads(drafts, (upload) => {
    const one = { upload, cancelled: false };
    const done = new Promise((resolve, reject) => Object.assign(one, { resolve, reject }));
    started.push(one);
    return { done, cancel: () => { one.cancelled = true; one.reject(new ChatError("cancelled", "")); } };
  }, () => ({ empty: "empty", tooLarge: (size) => (size > 100 ? "too large" : null), why: (error) => error.code }),
  { online: () => line.whole, later: (run) => timers.push(run) });
  const ready = [];
  uploads.on("ready", (room) => ready.push(room));
  return { drafts, uploads, started, ready, timers, line };
}

test("a draft that is to be sent is ready when its last file is up, whatever is on the screen", async () => {
  const { drafts, uploads, started, ready } = bench();
  uploads.add("general", [file("a"), file("b")]);
  drafts.of("general").wanted = true;
  uploads.add("tea", [file("c")]);
  started[0].resolve(attachment("f1"));
  started[2].resolve(attachment("f3"));
  await turn();
  assert.deepEqual(ready, []);
  started[1].resolve(attachment("f2"));
  await turn();
  assert.deepEqual(ready, ["general"]);
  assert.deepEqual(drafts.of("general").files.map((one) => one.attachment?.id), ["f1", "f2"]);
});

test("what fails says why, holds the message back, and can be tried again", async () => {
  const { drafts, uploads, started, ready } = bench();
  uploads.add("general", [file("a")]);
  drafts.of("general").wanted = true;
  started[0].reject(new ChatError("rejected", ""));
  await turn();
  const [upload] = drafts.of("general").files;
  assert.deepEqual([upload.error, drafts.of("general").wanted], ["rejected", false]);
  uploads.retry(upload);
  assert.equal(upload.error, undefined);
  started[1].resolve(attachment("f1"));
  await turn();
  assert.deepEqual([upload.attachment?.id, ready], ["f1", []]);
});

test("what can't be uploaded is not begun, and not tried again", () => {
  const { drafts, uploads, started } = bench();
  uploads.add("general", [file("a", 0), file("b", 101)]);
  drafts.of("general").files.forEach((upload) => uploads.retry(upload));
  assert.deepEqual(drafts.of("general").files.map((upload) => upload.error), ["empty", "too large"]);
  assert.equal(started.length, 0);
});

test("what was cut off goes on with the connection, and its message with it; not for ever", async () => {
  const { drafts, uploads, started, ready } = bench();
  uploads.add("general", [file("a")]);
  drafts.of("general").wanted = true;
  started[0].reject(new ChatError("offline", ""));
  await turn();
  assert.deepEqual([drafts.of("general").files[0].cut, drafts.of("general").files[0].error, drafts.of("general").wanted], [true, undefined, true]);
  uploads.resume();
  started[1].resolve(attachment("f1"));
  await turn();
  assert.deepEqual(ready, ["general"]);

  uploads.add("tea", [file("b")]);
  for (let round = 2; started[round]; round += 1) {
    started[round].reject(new ChatError("offline", ""));
    await turn();
    uploads.resume();
  }
  assert.equal(started.length, 2 + 5, "five times in all");
  assert.equal(drafts.of("tea").files[0].error, "offline");
});

test("what a proxy cuts off goes on after a while, with a connection only", async () => {
  const { uploads, started, timers, line } = bench();
  uploads.add("general", [file("a")]);
  started[0].reject(new ChatError("offline", ""));
  await turn();
  line.whole = false;
  timers[0]();
  assert.equal(started.length, 1);
  line.whole = true;
  timers[0]();
  assert.equal(started.length, 2);
});

test("what is cancelled is gone, and the message waits for a new word", async () => {
  const { drafts, uploads, started, ready } = bench();
  uploads.add("general", [file("a"), file("b")]);
  drafts.of("general").wanted = true;
  uploads.remove(drafts.of("general").files[0]);
  started[1].resolve(attachment("f2"));
  await turn();
  assert.deepEqual([started[0].cancelled, ready, drafts.of("general").files.length], [true, [], 1]);
});
