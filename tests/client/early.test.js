import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import vm from "node:vm";

import { EARLY } from "../../public/js/boot.js";
import { LANGUAGES } from "../../public/js/i18n.js";
import { HISTORY, REQUEST, SUBPROTOCOL } from "../../public/js/protocol.js";

const SOURCE = readFileSync(new URL("../../public/js/early.js", import.meta.url), "utf8");

/** Runs early.js in a page that has only what it needs; what it began, and what it asked for. */
function early({ languages = ["en"], stored = {}, hash = "" } = {}) {
  const asked = [];
  const sockets = [];
  const root = { dataset: {} };
  const heard = {};
  class WebSocket {
    constructor(url, protocol) {
      Object.assign(this, { url, protocol, sent: [] });
      sockets.push(this);
    }

    send(data) {
      this.sent.push(JSON.parse(data));
    }
  }
  const context = {
    document: {
      documentElement: root,
      currentScript: { src: "https://chat.test/static/0123456789abcdef/js/early.js" },
      addEventListener: (type, listener) => { heard[type] = listener; },
    },
    location: { protocol: "https:", host: "chat.test", hash },
    localStorage: {
      getItem: (key) => {
        if (stored === null) throw new Error("storage is blocked");
        return key in stored ? JSON.stringify(stored[key]) : null;
      },
    },
    navigator: { languages },
    fetch: (path) => {
      asked.push(path);
      return Promise.resolve({ path });
    },
    addEventListener: (type, listener) => { heard[type] = listener; },
    ErrorEvent: class {},
    WebSocket,
  };
  context.window = context;
  vm.runInNewContext(SOURCE, context);
  return { boot: context.chatBoot, asked, sockets, root, heard, context };
}

const chosen = (...languages) => early({ languages }).boot.browserLanguage;

test("the browser's wishes choose the language", () => {
  assert.equal(chosen("de", "zh-TW"), "zh-Hant");
  assert.equal(chosen("zh-HK"), "zh-Hant");
  assert.equal(chosen("zh-Hant-CN"), "zh-Hant");
  assert.equal(chosen("zh-CN", "en"), "zh-Hans");
  assert.equal(chosen("zh"), "zh-Hans");
  assert.equal(chosen("en-GB", "zh"), "en");
  assert.equal(chosen("sw"), "en");
  assert.ok(chosen("zh") in LANGUAGES && chosen("zh-TW") in LANGUAGES && chosen() in LANGUAGES);
});

test("where a WebSocket didn't get through before, none is tried for an hour", () => {
  const known = (until) => early({ stored: { "chat.user": "u1", "chat.transport": { until, poll: true } } });
  const now = known(Date.now() + 60_000);
  assert.deepEqual([now.boot.returning, now.boot.early, now.boot.facts], [true, null, null]);
  assert.equal(now.sockets.length, 0);
  assert.equal(now.root.dataset.view, "app");
  assert.equal(known(Date.now() - 1).sockets.length, 1);
});

test("a user who was here before is connected before the modules come", () => {
  const { boot, asked, sockets, root } = early({ stored: { "chat.user": "u1", "chat.room.u1": "random" } });
  const [socket] = sockets;
  assert.equal(socket.url, "wss://chat.test/ws");
  assert.equal(socket.protocol, SUBPROTOCOL);
  socket.onopen();
  assert.deepEqual(socket.sent, [
    { type: REQUEST.hello, id: EARLY.hello, language: "en", forms: true },
    { type: HISTORY, id: EARLY.page, room: "random", limit: 50 },
  ]);
  socket.onmessage({ data: "one" });
  socket.onmessage({ data: "two" });
  assert.deepEqual([...boot.early.frames], ["one", "two"]);
  assert.equal(boot.facts, null);
  assert.deepEqual(asked, ["https://chat.test/static/0123456789abcdef/i18n/en.json"]);
  assert.equal(root.dataset.view, "app");
});

test("an invisible user comes back as one", () => {
  const { sockets } = early({ stored: { "chat.user": "u1", "chat.settings": { invisible: true } } });
  sockets[0].onopen();
  assert.deepEqual(sockets[0].sent, [{ type: REQUEST.hello, id: EARLY.hello, status: "invisible", language: "en", forms: true }]);
});

test("the page of the room that will be shown is asked for", () => {
  const asked = (hash, room) => {
    const { boot, sockets } = early({ hash, stored: { "chat.user": "u1", ...(room && { "chat.room.u1": room }) } });
    sockets[0].onopen();
    assert.equal(sockets[0].sent.at(1)?.room ?? null, boot.early.room);
    return boot.early.room;
  };
  assert.equal(asked("#/general", "random"), "general");
  assert.equal(asked("#/%E8%8C%B6%E5%AE%A4", "random"), "茶室");
  assert.equal(asked("", "random"), "random");
  assert.equal(asked("#/", "random"), "random");
  assert.equal(asked("", null), null);
  // A message, or the people: other pages, or none.
  assert.equal(asked("#/general/532", "random"), null);
  assert.equal(asked("#/%E0%A4%A", "random"), null);
});

test("others are told what they can do, and nothing is said in their name", () => {
  for (const options of [{}, { stored: null }, { stored: { "chat.user": "u1" }, hash: "#setup=token" }]) {
    const { boot, asked, sockets, root } = early(options);
    assert.deepEqual([sockets, boot.early], [[], null]);
    assert.ok(asked.includes("/api/v1/server"));
    assert.equal(root.dataset.view, "enter");
  }
});

test("what this browser prefers is there before the first paint", () => {
  const settings = { theme: "dark", density: "compact", people: false, lang: "zh-Hans" };
  const { root, boot, asked } = early({ stored: { "chat.settings": settings } });
  assert.deepEqual({ ...root.dataset }, { theme: "dark", density: "compact", size: "normal", people: "hidden", sidebar: "shown", view: "enter" });
  assert.equal(root.lang, "zh-Hans");
  assert.equal(boot.texts.language, "zh-Hans");
  assert.match(asked[0], /zh-Hans\.json$/);
});

test("a failure before the start is told, one after it is not", () => {
  for (const tell of [
    ({ heard, context }) => heard.error(new context.ErrorEvent()),
    ({ heard }) => heard.error({ target: { closest: () => true } }),
    ({ heard }) => heard.unhandledrejection(),
  ]) {
    const page = early();
    tell(page);
    assert.equal(page.root.dataset.boot, "failed");
    page.root.dataset.boot = "started";
    tell(page);
    assert.equal(page.root.dataset.boot, "started");
  }
  const page = early();
  page.heard.error({ target: { closest: () => null } });
  assert.equal(page.root.dataset.boot, undefined, "a picture that doesn't load stops nothing");
});
