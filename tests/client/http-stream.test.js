import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

/** What the stream needs of a browser. */
class FakeWebSocket {
  static CONNECTING = 0;
  static OPEN = 1;
  static CLOSED = 3;
  static made = [];
  sent = [];

  constructor(url, protocol) {
    Object.assign(this, { url, protocol });
    FakeWebSocket.made.push(this);
  }

  send(data) {
    this.sent.push(JSON.parse(data));
  }

  close() {}
}

const kept = new Map();
const listeners = new Map();
const browser = {
  WebSocket: FakeWebSocket,
  document: { cookie: "theme=dark; _xsrf=a%2Bb" },
  localStorage: {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value),
    removeItem: (key) => kept.delete(key),
  },
  window: {
    setTimeout: (...args) => setTimeout(...args),
    addEventListener: (type, run) => listeners.set(type, run),
    removeEventListener: (type) => listeners.delete(type),
  },
};
// Newer versions of Node have some of them, to be read only.
for (const [name, value] of Object.entries(browser)) Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });

const { HttpStream } = await import("../../public/js/http-stream.js");

const HOUR = 3_600_000;
const known = () => JSON.parse(kept.get("chat.transport") ?? "null");
const remember = (value) => kept.set("chat.transport", JSON.stringify(value));
/** Let everything that is due happen. */
const settled = async () => {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
};

/** A server, or what is in its place: `on` answers requests, `calls` are those that came. */
class FakeServer {
  calls = [];

  constructor(on) {
    this.on = on;
    globalThis.fetch = (address, options = {}) => {
      const call = { address, ...options, said: options.body && JSON.parse(options.body) };
      this.calls.push(call);
      return new Promise((resolve, reject) => {
        options.signal?.addEventListener("abort", () => reject(new Error("aborted")));
        Promise.resolve(this.on(call)).then((answer) => answer && resolve(answer), reject);
      });
    };
  }

  of(method, part = "") {
    return this.calls.filter((call) => call.method === method && call.address.includes(part));
  }
}

const json = (body, status = 200) => new Response(JSON.stringify(body), { status });
const WELCOME = { stream: "s1", welcome: { type: "welcome", re: "1", epoch: "e1" } };

/** An answer of events that stays open. */
function events() {
  let write;
  const body = new ReadableStream({ start: (controller) => { write = controller; } });
  return {
    answer: new Response(body, { headers: { "Content-Type": "text/event-stream" } }),
    say: (text) => write.enqueue(new TextEncoder().encode(text)),
    end: () => write.close(),
    cut: () => write.error(new TypeError("network error")),
  };
}

function opened() {
  const stream = new HttpStream("ws://chat.test/ws");
  const heard = [];
  const closed = [];
  stream.onopen = () => stream.send(JSON.stringify({ type: "hello", id: "1" }));
  stream.onmessage = ({ data }) => heard.push(JSON.parse(data));
  stream.onclose = ({ code, reason }) => closed.push([code, reason]);
  return { stream, heard, closed };
}

beforeEach((t) => {
  kept.clear();
  FakeWebSocket.made.length = 0;
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_000_000 });
});

/** Time passes, a second at a time, with all that happens in between. */
async function pass(milliseconds) {
  for (let left = milliseconds; left > 0; left -= 1000) {
    mock.timers.tick(Math.min(1000, left));
    await settled();
  }
}

test("hello opens the stream, events come one by one, and a cut answer goes on after the last one", async () => {
  const answers = [];
  const server = new FakeServer(({ method }) => {
    if (method === "POST") return json(WELCOME, 201);
    answers.push(events());
    return answers.at(-1).answer;
  });
  const { heard, closed } = opened();
  await settled();
  assert.deepEqual(server.calls[0].said, { type: "hello", id: "1" });
  assert.equal(server.calls[0].headers["X-XSRFToken"], "a+b");
  assert.equal(heard[0].epoch, "e1");
  answers[0].say('retry: 100\nid: 1\n\ndata: {"type":"live"}\n\nid: 2\n\n:\ndata: {"type":"not');
  await settled();
  assert.deepEqual(heard.slice(1), [{ type: "live" }]);
  answers[0].cut();
  await settled();
  await pass(1000);
  assert.deepEqual(server.of("GET").map(({ headers }) => headers["Last-Event-ID"]), ["1", "2"]);
  answers[1].say('id: 2\n\ndata: {"type":"notice","text":"é你"}\n\n'.slice(0, 40));
  answers[1].say('id: 2\n\ndata: {"type":"notice","text":"é你"}\n\n'.slice(40));
  await settled();
  assert.deepEqual(heard[2], { type: "notice", text: "é你" });
  answers[1].say('data: {"type":"closed","code":4003,"reason":"signed out"}\n\n');
  await settled();
  assert.deepEqual(closed, [[4003, "signed out"]]);
  assert.equal(server.of("DELETE").length, 0);
});

test("requests go in batches, in order, and a batch whose answer is lost goes once more", async () => {
  let lost = 0;
  const server = new FakeServer(({ method, said }) => {
    if (method === "GET") return events().answer;
    if (!said.batch) return json(WELCOME, 201);
    if (said.batch === 2 && lost++ < 2) throw new TypeError("network error");
    return json({});
  });
  const { stream, closed } = opened();
  await settled();
  for (let n = 0; n < 205; n += 1) stream.send(JSON.stringify({ type: "ping", id: `${n}` }));
  await settled();
  await pass(4000);
  const batches = server.of("POST", "/s1").map(({ said }) => [said.batch, said.requests.length]);
  assert.deepEqual(batches, [[1, 1], [2, 100], [2, 100], [2, 100], [3, 100], [4, 4]]);
  const ids = server.of("POST", "/s1").filter((_, index) => index < 2 || index > 3).flatMap(({ said }) => said.requests.map(({ id }) => Number(id)));
  assert.deepEqual(ids, [...Array(205).keys()]);
  assert.deepEqual(closed, []);
});

test("a request that is refused is answered alone, and those beside it are sent", async () => {
  const server = new FakeServer(({ method, said }) => {
    if (method === "GET") return events().answer;
    if (!said.batch) return json(WELCOME, 201);
    const large = said.requests.some(({ content }) => content?.length > 10);
    return large ? json({ error: { code: "too_large", message: "no" } }, 413) : json({});
  });
  const { stream, heard } = opened();
  await settled();
  for (const [id, content] of [["a", "x"], ["b", "x"], ["c", "x".repeat(20)], ["d", "x"]]) stream.send(JSON.stringify({ type: "message", id, content }));
  await settled();
  const taken = server.of("POST", "/s1").filter(({ said }) => said.requests.every(({ content }) => content.length < 11));
  assert.deepEqual(taken.map(({ said }) => [said.batch, said.requests[0].id]), [[1, "a"], [2, "b"], [3, "d"]]);
  assert.deepEqual(heard.filter(({ type }) => type === "error").map(({ re, code }) => [re, code]), [["c", "too_large"]]);
});

test("where nothing comes at once, lists are asked for, and that is remembered", async () => {
  let lists = 0;
  const server = new FakeServer(({ method, address }) => {
    if (method === "POST") return json(WELCOME, 201);
    if (!address.includes("wait=")) return null;
    lists += 1;
    return lists === 1 ? json({ last: 3, events: [{ type: "live" }, { type: "notice" }] }) : null;
  });
  const { heard } = opened();
  await settled();
  await pass(5000);
  assert.deepEqual(heard.map(({ type }) => type), ["welcome", "live", "notice"]);
  assert.equal(server.of("GET", "wait=").at(-1).headers["Last-Event-ID"], "3");
  assert.equal(known().poll, true);
  opened();
  await settled();
  assert.equal(server.of("GET").at(-1).address, "/api/v1/stream/s1?wait=25");
});

test("a refused hello is an error of the server; what a proxy says is a lost connection", async () => {
  new FakeServer(() => json({ error: { code: "unauthorized", message: "no" } }, 401));
  const refused = opened();
  await settled();
  assert.deepEqual(refused.heard, [{ type: "error", re: "1", code: "unauthorized", message: "no" }]);
  assert.deepEqual(refused.closed, []);
  for (const answer of [() => new Response("<h1>Forbidden</h1>", { status: 403 }), () => { throw new TypeError("network error"); }]) {
    new FakeServer(answer);
    const lost = opened();
    await settled();
    assert.deepEqual([lost.heard, lost.closed], [[], [[1006, ""]]]);
  }
});

test("what worked before is forgotten only where another than the server answers", async () => {
  const until = Date.now() + HOUR;
  remember({ until });
  new FakeServer(() => { throw new TypeError("network error"); });
  opened();
  await settled();
  assert.deepEqual(known(), { until });
  new FakeServer(() => new Response("", { status: 405 }));
  opened();
  await settled();
  assert.equal(known(), null);
});

test("a stream that is gone, and one that can't be read any more, are lost connections", async () => {
  for (const answer of [() => json({ error: { code: "not_found" } }, 404), () => { throw new TypeError("network error"); }]) {
    new FakeServer(({ method }) => (method === "POST" ? json(WELCOME, 201) : answer()));
    const { closed } = opened();
    await settled();
    await pass(20_000);
    assert.deepEqual(closed, [[1006, ""]]);
  }
});

test("a WebSocket is tried again after a minute, then after an hour, and taken where it works", async () => {
  const server = new FakeServer(({ method }) => (method === "POST" ? json(WELCOME, 201) : events().answer));
  const { closed } = opened();
  await settled();
  assert.equal(known().until, Date.now() + HOUR);
  await pass(59_000);
  assert.equal(FakeWebSocket.made.length, 0);
  await pass(1000);
  assert.equal(FakeWebSocket.made.length, 1);
  // It is accepted, and nothing comes.
  FakeWebSocket.made[0].onopen();
  assert.deepEqual(FakeWebSocket.made[0].sent, [{ type: "ping" }]);
  await pass(8000);
  assert.equal(known().until, Date.now() + HOUR);
  assert.deepEqual(closed, []);
  await pass(HOUR);
  assert.equal(FakeWebSocket.made.length, 2);
  FakeWebSocket.made[1].onopen();
  FakeWebSocket.made[1].onmessage({ data: "{}" });
  await settled();
  assert.equal(known(), null);
  assert.deepEqual(closed, [[1000, ""]]);
  assert.equal(server.of("DELETE", "/s1").length, 1);
});

test("who goes away ends the stream", async () => {
  const server = new FakeServer(({ method }) => (method === "POST" ? json(WELCOME, 201) : events().answer));
  opened();
  await settled();
  listeners.get("pagehide")();
  assert.deepEqual(server.of("DELETE").map(({ address, keepalive }) => [address, keepalive]), [["/api/v1/stream/s1", true]]);
});
