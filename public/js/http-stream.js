import { xsrf } from "./api.js";
import { REQUEST, SUBPROTOCOL } from "./protocol.js";
import { read, write } from "./settings.js";
import { TRANSPORT } from "./socket.js";

const HOUR_MS = 3_600_000;
/** When a WebSocket is tried once more after the first way round it: the trouble may have been a short one. */
const SOON_MS = 60_000;
/** A proxy that passes an answer on at once does so within this time. */
const BUFFERED_MS = 4_000;
const POLL_SECONDS = 25;
/** How long an answer may take, beyond what it may wait for. */
const LATE_MS = 15_000;
const PROBE_MS = 8_000;
const SECOND_MS = 1_000;
/** So often in a row a request is tried, after a second more each time. */
const TRIES = 4;
const BATCH = 100;
const BATCH_CHARS = 250_000;

/** @typedef {{until: number, poll?: boolean}} Known what worked in this browser, and for how long that is believed */

/**
 * The server's HTTP stream in the place of a WebSocket, as far as socket.js needs one: events by Server-Sent Events, or by long
 * polling where a proxy holds those back; requests in batches. What worked is remembered for an hour, then a WebSocket is tried again.
 */
export class HttpStream {
  /** @param {string} url of the WebSocket */
  constructor(url) {
    this.over = "http";
    this.url = url;
    /** @type {number} */
    this.readyState = WebSocket.CONNECTING;
    /** @type {(() => void)|null} */
    this.onopen = null;
    /** @type {((event: {data: string}) => void)|null} */
    this.onmessage = null;
    /** @type {((event: {code: number, reason: string}) => void)|null} */
    this.onclose = null;
    /** @type {Known|null} */
    this.known = read(TRANSPORT, null);
    this.poll = this.known?.poll ?? false;
    this.address = "";
    this.last = 1;
    this.batch = 1;
    /** How many requests go into one batch. */
    this.most = BATCH;
    /** @type {string[]} */
    this.queue = [];
    this.sending = false;
    this.abort = new AbortController();
    this.timer = 0;
    this.leave = () => this.close(1001);
    window.addEventListener("pagehide", this.leave);
    queueMicrotask(() => {
      if (this.readyState !== WebSocket.CONNECTING) return;
      this.readyState = WebSocket.OPEN;
      this.onopen?.();
    });
  }

  /** @param {string} data a request; the first one is hello */
  send(data) {
    if (!this.open) return;
    if (!this.address && !this.sending) return void this.begin(data);
    this.queue.push(data);
    void this.flush();
  }

  /** @param {string} hello */
  async begin(hello) {
    this.sending = true;
    const answer = await this.fetch("POST", "/api/v1/stream", hello).catch(() => null);
    const said = await answer?.json().catch(() => null);
    if (!this.open) return;
    this.sending = false;
    if (said?.error) return this.hear({ type: "error", re: JSON.parse(hello).id, ...said.error });
    if (!said?.stream) {
      // What answers is not the server: don't come this way again. Without any answer, nothing is known.
      if (answer) write(TRANSPORT, undefined);
      return this.ended(1006);
    }
    this.address = `/api/v1/stream/${said.stream}`;
    const fresh = !this.known || this.known.until <= Date.now();
    this.remember(fresh ? Date.now() + HOUR_MS : /** @type {Known} */ (this.known).until);
    this.tryLater(fresh ? SOON_MS : /** @type {Known} */ (this.known).until - Date.now());
    this.hear(said.welcome);
    void this.read();
    void this.flush();
  }

  /** @param {number} until */
  remember(until) {
    this.known = { until, poll: this.poll };
    write(TRANSPORT, this.known);
  }

  /** Send what waits, in order, each batch until it is known to have arrived. */
  async flush() {
    if (this.sending) return;
    this.sending = true;
    while (this.queue.length && this.open) {
      const requests = this.take();
      const answer = await this.insist(`{"batch":${this.batch},"requests":[${requests.join(",")}]}`);
      if (!answer) break;
      if (answer.ok) this.batch += 1;
      else this.refused(requests, await answer.json().catch(() => null));
    }
    this.sending = false;
  }

  take() {
    let chars = 0;
    let count = 0;
    while (count < this.queue.length && count < this.most && (chars += this.queue[count].length) < BATCH_CHARS) count += 1;
    return this.queue.splice(0, Math.max(1, count));
  }

  /** Nothing of a batch was taken: find the request that is to blame. @param {string[]} requests @param {any} said */
  refused(requests, said) {
    this.most = 1;
    if (requests.length > 1) this.queue.unshift(...requests);
    else if (said?.error) this.hear({ type: "error", re: JSON.parse(requests[0]).id, ...said.error });
    else this.ended(1006);
  }

  /** @param {string} body @returns {Promise<Response|null>} null when the stream has ended */
  async insist(body) {
    for (let tries = 1; this.open; tries += 1) {
      const answer = await this.fetch("POST", this.address, body, LATE_MS * 4).catch(() => null);
      if (answer?.status === 404 || (tries === TRIES && !answer?.ok)) this.ended(1006);
      else if (answer && answer.status < 500) return answer;
      else await pause(tries * SECOND_MS);
    }
    return null;
  }

  async read() {
    for (let failed = 0; this.open; ) {
      const { last } = this;
      const began = Date.now();
      const whole = await (this.poll ? this.list() : this.events()).catch(() => false);
      failed = whole || this.last > last ? 0 : failed + 1;
      if (failed > TRIES) return this.ended(1006);
      // An answer that is over at once, and again, doesn't come from the server.
      if (this.open && this.last === last && Date.now() - began < SECOND_MS) await pause((failed + 1) * SECOND_MS);
    }
  }

  /** Read one answer of events to its end. */
  async events() {
    const answer = new AbortController();
    const late = setTimeout(() => {
      this.poll = true;
      answer.abort();
    }, BUFFERED_MS);
    const stop = () => answer.abort();
    this.abort.signal.addEventListener("abort", stop);
    try {
      const { ok, status, body } = await this.fetch("GET", this.address, undefined, 0, answer.signal);
      if (status === 404) this.ended(1006);
      if (!ok || !body) return false;
      const reader = body.getReader();
      const decoder = new TextDecoder();
      for (let rest = ""; this.open; ) {
        const { done, value } = await reader.read();
        clearTimeout(late);
        if (done) return true;
        const blocks = (rest + decoder.decode(value, { stream: true })).split("\n\n");
        rest = blocks.pop() ?? "";
        for (const block of blocks) for (const line of block.split("\n")) if (line.startsWith("data: ")) this.came(line.slice(6));
      }
      return true;
    } finally {
      clearTimeout(late);
      answer.abort();
      this.abort.signal.removeEventListener("abort", stop);
    }
  }

  /** Wait for one list of events. */
  async list() {
    const answer = await this.fetch("GET", `${this.address}?wait=${POLL_SECONDS}`, undefined, POLL_SECONDS * SECOND_MS + LATE_MS);
    if (answer.status === 404) this.ended(1006);
    if (!answer.ok) return false;
    const { events, last } = await answer.json();
    if (!this.known?.poll) this.remember(this.known?.until ?? 0);
    for (const event of events) this.came(JSON.stringify(event));
    this.last = last;
    return true;
  }

  /** @param {string} data an event */
  came(data) {
    if (!this.open) return;
    this.last += 1;
    if (!data.startsWith('{"type":"closed"')) return void this.onmessage?.({ data });
    const { code, reason } = JSON.parse(data);
    this.ended(code, reason);
  }

  /** @param {object} event */
  hear(event) {
    this.onmessage?.({ data: JSON.stringify(event) });
  }

  /** Try a WebSocket beside the stream after a while, and go over to it where it works. @param {number} wait milliseconds */
  tryLater(wait) {
    this.timer = window.setTimeout(() => {
      const socket = new WebSocket(this.url, SUBPROTOCOL);
      const tried = (/** @type {boolean} */ works) => {
        clearTimeout(late);
        socket.onclose = socket.onmessage = null;
        socket.close();
        if (!this.open) return;
        if (works) {
          write(TRANSPORT, undefined);
          this.close(1000);
        } else {
          this.remember(Date.now() + HOUR_MS);
          this.tryLater(HOUR_MS);
        }
      };
      const late = setTimeout(() => tried(false), PROBE_MS);
      // Any answer will do, and this one begins no session.
      socket.onopen = () => socket.send(JSON.stringify({ type: REQUEST.ping }));
      socket.onmessage = () => tried(true);
      socket.onclose = () => tried(false);
    }, wait);
  }

  get open() {
    return this.readyState === WebSocket.OPEN;
  }

  /** @param {number} code */
  close(code) {
    if (this.readyState === WebSocket.CLOSED) return;
    if (this.address) {
      void fetch(this.address, { method: "DELETE", headers: { "X-XSRFToken": xsrf() }, keepalive: true }).catch(() => {});
      // Silence: perhaps a proxy that passed on the beginning of an answer, and holds the rest.
      if (code === 4008 && !this.poll) {
        this.poll = true;
        this.remember(this.known?.until ?? 0);
      }
    }
    this.ended(code);
  }

  /** @param {number} code @param {string} [reason] */
  ended(code, reason = "") {
    if (this.readyState === WebSocket.CLOSED) return;
    this.readyState = WebSocket.CLOSED;
    clearTimeout(this.timer);
    window.removeEventListener("pagehide", this.leave);
    this.abort.abort();
    queueMicrotask(() => this.onclose?.({ code, reason }));
  }

  /**
   * @param {string} method @param {string} address @param {string} [body] @param {number} [within] milliseconds; 0 for ever
   * @param {AbortSignal} [signal]
   */
  async fetch(method, address, body, within = LATE_MS, signal) {
    /** @type {Record<string, string>} */
    const headers = { Accept: within ? "application/json" : "text/event-stream" };
    if (method === "GET") headers["Last-Event-ID"] = `${this.last}`;
    else Object.assign(headers, { "Content-Type": "application/json", "X-XSRFToken": xsrf() });
    const own = new AbortController();
    const stop = () => own.abort();
    const late = within ? setTimeout(stop, within) : undefined;
    this.abort.signal.addEventListener("abort", stop);
    try {
      return await fetch(address, { method, headers, body, cache: "no-store", signal: signal ?? own.signal });
    } finally {
      clearTimeout(late);
      this.abort.signal.removeEventListener("abort", stop);
    }
  }
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
