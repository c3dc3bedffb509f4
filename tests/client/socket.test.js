import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

class FakeWebSocket {
  static CONNECTING = 0;
  static OPEN = 1;

  constructor(url) {
    Object.assign(this, { url, readyState: 0, sent: [] });
    tries.push(this);
  }

  send(data) {
    this.sent.push(JSON.parse(data));
  }

  close() {}

  open() {
    this.readyState = 1;
    this.onopen();
  }

  say(event) {
    this.onmessage({ data: JSON.stringify(event) });
  }

  welcome() {
    this.open();
    this.say({ type: "welcome", re: this.sent[0].id });
    this.say({ type: "live" });
  }

  end(code) {
    this.onclose({ code, reason: "" });
  }
}

/** Whether the server answers over HTTP. */
let there = true;
globalThis.fetch = async () => {
  if (!there) throw new TypeError("network error");
  return { ok: true };
};

class StandIn extends FakeWebSocket {
  over = "http";
}

/** @type {FakeWebSocket[]} all that were made, of both kinds */
const tries = [];
const kept = new Map();
const none = () => {};
const browser = {
  WebSocket: FakeWebSocket,
  navigator: { onLine: true },
  document: { hidden: false, addEventListener: none, removeEventListener: none },
  localStorage: { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) },
  window: { addEventListener: none, removeEventListener: none, setTimeout: (...args) => setTimeout(...args), setInterval: (...args) => setInterval(...args) },
};
// Newer versions of Node have some of them, to be read only.
for (const [name, value] of Object.entries(browser)) Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });

const { Socket } = await import("../../public/js/socket.js");

/** The kinds of all tries so far. */
const kinds = () => tries.map((each) => (each instanceof StandIn ? "http" : "ws"));

async function pass(milliseconds) {
  for (let left = milliseconds; left > 0; left -= 500) {
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
    mock.timers.tick(Math.min(500, left));
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  }
}

/** End the newest try, and wait for the next one. */
async function ended(code) {
  const before = tries.length;
  tries.at(-1).end(code);
  while (tries.length === before) await pass(500);
}

function started() {
  const socket = new Socket("ws://chat.test/ws", () => ({}));
  socket.loadStandIn = async () => StandIn;
  const states = [];
  socket.on("state", ({ state, over }) => states.push([state, over]));
  socket.start();
  return { socket, states };
}

beforeEach(() => {
  tries.length = 0;
  there = true;
  kept.clear();
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: 1_000_000 });
});

test("after two WebSockets that came to nothing something else is tried, and says so", async () => {
  const { states } = started();
  await ended(1006);
  await ended(1006);
  assert.deepEqual(kinds(), ["ws", "ws", "http"]);
  tries[2].welcome();
  assert.deepEqual(states.at(-1), ["live", "http"]);
});

test("where that fails, it is a WebSocket's turn again", async () => {
  started();
  for (let index = 0; index < 5; index += 1) await ended(1006);
  assert.deepEqual(kinds(), ["ws", "ws", "http", "ws", "ws", "http"]);
});

test("without a server there is nothing to go round", async () => {
  there = false;
  started();
  for (let index = 0; index < 5; index += 1) await ended(1006);
  await pass(20_000);
  assert.deepEqual(new Set(kinds()), new Set(["ws"]));
});

test("what can't be loaded is a failure like others", async () => {
  const { socket } = started();
  let asked = 0;
  socket.loadStandIn = async () => {
    asked += 1;
    throw new Error("offline");
  };
  await ended(1006);
  await ended(1006);
  assert.equal(asked, 1);
  assert.deepEqual(kinds(), ["ws", "ws", "ws"]);
});

test("a connection that worked, and one that the server refuses, are no such failures", async () => {
  started();
  tries[0].welcome();
  for (const code of [1006, 4000, 4030, 4030, 1006]) await ended(code);
  assert.deepEqual(new Set(kinds()), new Set(["ws"]));
});

test("a WebSocket that is accepted and stays silent is given up", async () => {
  const { states } = started();
  tries[0].open();
  await pass(7000);
  assert.deepEqual(kinds(), ["ws"]);
  await pass(7000);
  assert.deepEqual(kinds(), ["ws", "http"]);
  tries[1].welcome();
  await pass(10_000);
  assert.deepEqual(states.at(-1), ["live", "http"]);
  assert.equal(tries.length, 2);
});

test("what is remembered holds for as long as it says", async () => {
  kept.set("chat.transport", JSON.stringify({ until: Date.now() + 60_000 }));
  started();
  await pass(500);
  assert.deepEqual(kinds(), ["http"]);
  tries[0].welcome();
  await pass(61_000);
  await ended(1006);
  assert.equal(kinds().at(-1), "ws");
});
