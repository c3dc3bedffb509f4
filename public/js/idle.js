import { read, write } from "./settings.js";

/** So long without a key, a touch or the mouse is away. */
const IDLE_MS = 10 * 60_000;
const LOOK_MS = 30_000;
/** How often it is written down that the user is here. */
const NOTE_MS = 10_000;
/** Shared by the tabs: when the user was last here, and whether they are away by itself. */
const ACTIVE = "chat.active";
const AWAY = "chat.away";

/** Away by itself after a while without input in any tab, and back with the next one; what the user has chosen stays. */
export class Idle {
  /**
   * @param {import("./store.js").Store} store @param {import("./session.js").Session} session
   * @param {() => number} [now] milliseconds
   */
  constructor(store, session, now = Date.now) {
    this.store = store;
    this.session = session;
    this.now = now;
    this.noted = 0;
  }

  /** Watch the page. */
  start() {
    for (const type of ["pointerdown", "pointermove", "keydown", "wheel", "focus"]) {
      window.addEventListener(type, () => this.active(), { passive: true, capture: true });
    }
    setInterval(() => this.look(), LOOK_MS);
    this.active();
  }

  /** The user is here. */
  active() {
    if (this.now() - this.noted < NOTE_MS) return;
    this.noted = this.now();
    write(ACTIVE, this.noted);
    if (read(AWAY, null) === null) return;
    write(AWAY, undefined);
    if (this.status === "away") this.tell("online");
  }

  /** Is the user still here? */
  look() {
    const last = Math.max(this.noted, read(ACTIVE, 0));
    if (this.now() - last < IDLE_MS || this.status !== "online" || this.store.connection.state !== "live") return;
    write(AWAY, true);
    this.tell("away");
  }

  get status() {
    return this.store.presence.get(this.store.me?.id ?? "")?.status ?? "online";
  }

  /** @param {string} status */
  tell(status) {
    // Too often, or just offline: the next look tells it.
    this.session.presence(status).catch(() => {});
  }
}
