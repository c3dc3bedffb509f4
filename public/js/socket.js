import { EARLY } from "./boot.js";
import { Emitter } from "./emitter.js";
import { read } from "./settings.js";
import { ChatError, EPHEMERAL, ERROR, REPLY, REQUEST, SUBPROTOCOL, afterClose, toError } from "./protocol.js";

const SLOWEST_MS = 30_000;
const FIRST_MS = 500;
/** After a close code that means "wait": not sooner than this. */
const WAIT_MS = 5_000;
const REPLY_MS = 30_000;
const PROBE_MS = 5_000;
/** So long after it said goodbye a server is taken to be restarting. */
const RESTART_MS = 30_000;
/** A request that is not answered for so long, while nothing else comes either, makes the connection doubtful. */
const DOUBT_MS = 8_000;
/** Without a word for so long a new connection is taken for one that a proxy swallows. */
const SILENT_MS = 8_000;
/** Where it stands that HTTP is what works in this browser, and until when; early.js reads it, too. */
export const TRANSPORT = "chat.transport";

/** Full jitter: anywhere up to a limit that doubles with each try. @param {number} attempt from 0 @param {() => number} random */
export function backoff(attempt, random = Math.random) {
  return Math.max(FIRST_MS, random() * Math.min(SLOWEST_MS, FIRST_MS * 2 ** (attempt + 1)));
}

/**
 * @typedef {{state: import("./store.js").ConnectionState, error?: ChatError, cause?: "device"|"restart", retryAt?: number, over?: "http"}} Change
 *   `cause` is why it is offline, where that is known: this device has no network, the server restarts; `over` says where it goes
 *   over something else than a WebSocket
 */

/**
 * One connection that comes back by itself. Emits `state` (a Change), `welcome`, `event`, `signin` (the session is
 * gone). `hello()` gives the fields of the opening request; `early` is a connection on which it has been said.
 */
export class Socket extends Emitter {
  /** @param {string} url @param {() => object} hello @param {import("./boot.js").EarlyConnection|null} [early] */
  constructor(url, hello, early = null) {
    super();
    this.url = url;
    this.hello = hello;
    this.early = early;
    /** Brings what stands in for a WebSocket, given its address. @type {() => Promise<new (url: string) => any>} */
    this.loadStandIn = () => Promise.reject(new Error("not started"));
    /** WebSockets in a row that came to nothing, while the server was there. */
    this.failures = 0;
    /** @type {{room: string, answer: Promise<any>}|null} */
    this.firstPage = null;
    /** @type {WebSocket|null} */
    this.socket = null;
    /** @type {Map<string, {resolve: (reply: any) => void, reject: (error: ChatError) => void, timer: number, since: number}>} */
    this.waiting = new Map();
    this.nextId = 1;
    this.attempt = 0;
    this.welcomed = false;
    this.live = false;
    this.heartbeat = 25;
    this.lastHeard = 0;
    /** @type {number|undefined} */
    this.timer = undefined;
    /** @type {number|null} what the server asked for before a planned restart, in milliseconds */
    this.byeAfter = null;
    this.byeAt = -Infinity;
    this.stopped = true;
    /** Whether the browser says that there is no network; the connection may know better. */
    this.doubted = false;
    this.watch = 0;
    this.wake = (/** @type {Event} */ event) => {
      if (event.type === "offline") this.doubt();
      else if (event.type === "online" || !document.hidden) this.retryNow();
    };
  }

  start() {
    this.stopped = false;
    this.watch = window.setInterval(() => this.checkSilence(), 5_000);
    for (const type of ["online", "offline"]) window.addEventListener(type, this.wake);
    document.addEventListener("visibilitychange", this.wake);
    this.connect();
  }

  stop() {
    this.stopped = true;
    clearInterval(this.watch);
    clearTimeout(this.timer);
    for (const type of ["online", "offline"]) window.removeEventListener(type, this.wake);
    document.removeEventListener("visibilitychange", this.wake);
    this.socket?.close(1000);
    this.lost();
  }

  connect() {
    clearTimeout(this.timer);
    this.emit("state", { state: "connecting" });
    this.lastHeard = Date.now();
    const early = this.takeEarly();
    if (early || (this.failures < 2 && !(read(TRANSPORT, {}).until > Date.now()))) this.use(early?.socket ?? new WebSocket(this.url, SUBPROTOCOL), early);
    else void this.standIn();
  }

  /** Connect without a WebSocket: what does that comes first. */
  async standIn() {
    const coming = this.socket = /** @type {any} */ ({ close() {} });
    const StandIn = await this.loadStandIn().catch(() => null);
    if (this.socket !== coming) return;
    if (StandIn) this.use(new StandIn(this.url), null);
    else this.closed(1006, "");
  }

  /** @param {WebSocket} socket @param {import("./boot.js").EarlyConnection|null} early */
  use(socket, early) {
    this.socket = socket;
    if (!early) socket.onopen = () => this.request(REQUEST.hello, this.hello()).catch((error) => this.refused(error));
    socket.onmessage = ({ data }) => {
      if (socket === this.socket) this.receive(data);
    };
    socket.onclose = ({ code, reason }) => {
      if (socket === this.socket) this.closed(code, reason);
    };
    if (!early) return;
    this.answer(EARLY.hello).catch((error) => this.refused(error));
    if (early.room) this.firstPage = { room: early.room, answer: this.answer(EARLY.page) };
    this.firstPage?.answer.catch(() => {});
    for (const data of early.frames) if (socket === this.socket) this.receive(data);
  }

  /** The connection that was begun before this program was there, once, unless it is lost already. */
  takeEarly() {
    const { early } = this;
    this.early = null;
    return early && early.socket.readyState <= WebSocket.OPEN ? early : null;
  }

  /** The newest page of a room, if it was asked for early; once. @param {string} room @returns {Promise<any>|null} */
  takeFirstPage(room) {
    const { firstPage } = this;
    this.firstPage = null;
    return firstPage?.room === room ? firstPage.answer : null;
  }

  /** @param {string} data */
  receive(data) {
    this.lastHeard = Date.now();
    if (this.doubted) this.trust();
    const frame = JSON.parse(data);
    if (frame.type === REPLY.ok || frame.type === REPLY.error) return this.settle(frame);
    if (frame.type === REPLY.welcome) {
      this.welcomed = true;
      this.heartbeat = frame.heartbeat ?? this.heartbeat;
      this.settle(frame);
      this.emit("welcome", frame);
      this.emit("state", { state: "syncing" });
    } else if (frame.type === EPHEMERAL.live) {
      this.attempt = 0;
      this.live = true;
      this.byeAt = -Infinity;
      this.emit("state", { state: "live", over: /** @type {any} */ (this.socket).over });
    } else if (frame.type === EPHEMERAL.bye) this.bye(frame.after_ms ?? 0);
    else this.emit("event", frame);
  }

  /** @param {any} frame */
  settle(frame) {
    const waiting = this.waiting.get(frame.re);
    if (!waiting) return;
    this.waiting.delete(frame.re);
    clearTimeout(waiting.timer);
    if (frame.type === REPLY.error) waiting.reject(toError(frame));
    else waiting.resolve(frame);
  }

  /**
   * @param {string} type
   * @param {object} [fields]
   * @returns {Promise<any>} the reply; rejects with ChatError, `offline` when there is no connection
   */
  request(type, fields = {}) {
    if (this.socket?.readyState !== WebSocket.OPEN || (type !== REQUEST.hello && !this.welcomed)) {
      return Promise.reject(new ChatError("offline", ""));
    }
    const id = String(this.nextId++);
    const answer = this.answer(id);
    this.socket.send(JSON.stringify({ type, id, ...fields }));
    return answer;
  }

  /** The reply to the request with this id. @param {string} id @returns {Promise<any>} */
  answer(id) {
    return new Promise((resolve, reject) => {
      const timer = window.setTimeout(() => {
        this.waiting.delete(id);
        reject(new ChatError("timeout", ""));
      }, REPLY_MS);
      this.waiting.set(id, { resolve, reject, timer, since: Date.now() });
    });
  }

  /** Say something that wants no answer; lost without a connection. @param {string} type @param {object} fields */
  tell(type, fields) {
    if (this.welcomed && this.socket?.readyState === WebSocket.OPEN) {
      this.socket.send(JSON.stringify({ type, ...fields }));
    }
  }

  /** `hello` was refused. @param {ChatError} error */
  refused(error) {
    if (error.code === "offline" || error.code === "timeout") return;
    if (error.temporary) return this.socket?.close(1000);
    this.stop();
    if (error.code === ERROR.unauthorized || error.field === "name") this.emit("signin", error);
    else this.emit("state", { state: "stopped", error });
  }

  /** A WebSocket came to nothing: that says something only where the server answers otherwise. @param {number} count as how many */
  failed(count) {
    fetch("/healthz").then(({ ok }) => { this.failures += ok ? count : 0; }, () => {});
  }

  /** @param {number} code @param {string} reason */
  closed(code, reason) {
    // After a try without a WebSocket it is a WebSocket's turn again.
    if (this.welcomed || this.failures > 1) this.failures = 0;
    else if (code === 1006) this.failed(1);
    this.lost();
    if (this.stopped) return;
    const next = afterClose(code);
    if (next === "signin" || next === "stop") {
      this.stop();
      if (next === "signin") this.emit("signin", new ChatError(ERROR.unauthorized, reason));
      else this.emit("state", { state: "stopped", error: new ChatError(String(code), reason) });
      return;
    }
    const wait = this.byeAfter ?? backoff(this.attempt++) + (next === "wait" ? WAIT_MS : 0);
    this.byeAfter = null;
    this.emit("state", { state: "offline", cause: this.cause, retryAt: Date.now() + wait });
    this.timer = window.setTimeout(() => this.connect(), wait);
  }

  /** The server is about to go, and says when to come back. @param {number} after milliseconds */
  bye(after) {
    this.byeAfter = after;
    this.byeAt = Date.now();
    this.emit("state", { state: "offline", cause: this.cause });
  }

  get cause() {
    if (Date.now() - this.byeAt < RESTART_MS) return "restart";
    return navigator.onLine === false ? "device" : undefined;
  }

  /** The browser says that the network is gone. What has a connection anyhow goes on when something comes. */
  doubt() {
    if (this.stopped || this.doubted || this.socket === null) return;
    this.doubted = true;
    if (this.live) this.emit("state", { state: "offline", cause: "device" });
    this.probe();
  }

  trust() {
    this.doubted = false;
    if (this.live) this.emit("state", { state: "live" });
  }

  lost() {
    this.socket = null;
    this.doubted = this.welcomed = this.live = false;
    const waiting = [...this.waiting.values()];
    this.waiting.clear();
    for (const { reject, timer } of waiting) {
      clearTimeout(timer);
      reject(new ChatError("offline", ""));
    }
  }

  /** Don't wait for the timer: the network is back, or the user looks, or asks. */
  retryNow() {
    if (this.stopped) return;
    if (this.socket === null) {
      this.attempt = 0;
      this.connect();
    } else if (this.doubted || Date.now() - this.lastHeard > this.heartbeat * 1000) this.probe();
  }

  /** A laptop that slept holds a dead socket for minutes: ask, and don't wait long. */
  probe() {
    const socket = this.socket;
    const asked = Date.now();
    this.tell(REQUEST.ping, { id: `probe-${this.nextId++}` });
    window.setTimeout(() => {
      if (socket === this.socket && this.lastHeard < asked) this.abandon();
    }, PROBE_MS);
  }

  checkSilence() {
    const now = Date.now();
    const limit = (this.heartbeat * 2 + 10) * 1000;
    if (this.socket === null) return;
    if (now - this.lastHeard > limit) return this.abandon();
    if (!this.welcomed && now - this.lastHeard > SILENT_MS) {
      if (this.failures < 2) this.failed(2);
      return this.abandon();
    }
    const asked = Math.min(...[...this.waiting.values()].map(({ since }) => since));
    if (now - Math.max(asked, this.lastHeard) > DOUBT_MS && asked < Infinity) this.probe();
  }

  /** Give up a socket that says nothing; its own close event may take minutes. */
  abandon() {
    const socket = this.socket;
    if (!socket) return;
    this.closed(4008, "");
    socket.close(4008);
  }
}
