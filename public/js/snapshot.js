import { read } from "./settings.js";

/** @typedef {import("./store.js").Store} Store */

const NAME = "chat-snapshot";
const STORE = "users";
/** The newest of so many rooms are kept, with so many events each. */
const MOST_ROOMS = 40;
const MOST_EVENTS = 60;
const SAVE_MS = 4000;

/**
 * What was last known, kept by this browser: what the page shows where there is no connection at the start. With the next
 * connection it goes on from there.
 */
export class Snapshot {
  /** @param {Store} store */
  constructor(store) {
    this.store = store;
    this.timer = 0;
    for (const topic of ["timeline", "rooms", "counts"]) store.on(topic, () => this.later());
    window.addEventListener("pagehide", () => this.timer && this.save());
    store.on("connection", () => this.look());
    this.look();
    this.later();
  }

  look() {
    if (this.store.connection.state === "offline") void this.restore();
  }

  later() {
    if (this.timer === 0 && this.store.connection.state === "live") this.timer = window.setTimeout(() => this.save(), SAVE_MS);
  }

  save() {
    clearTimeout(this.timer);
    this.timer = 0;
    const user = this.store.me?.id;
    if (user) void run("readwrite", (store) => store.put(this.taken(), user)).catch(() => {});
  }

  /** A `welcome`, with the events of rooms beside it. */
  taken() {
    const { store } = this;
    const rooms = [...store.rooms.values()].filter((room) => !room.virtual && room.joined).sort((one, other) => newest(other) - newest(one)).slice(0, MOST_ROOMS);
    return {
      welcome: { user: store.me, epoch: store.epoch, server: { ...store.server, client: undefined, time: undefined }, limits: store.limits, heartbeat: store.heartbeat,
        permissions: [...store.permissions], plugins: Object.fromEntries(Object.entries(store.plugins).map(([name, { settings, client, css, rooms }]) => [name, { settings, client, css, rooms }])),
        rooms: rooms.map(wire) },
      pages: rooms.filter(({ timeline }) => timeline.loaded && !timeline.newer && !timeline.gap)
        .map(({ name, timeline }) => ({ room: name, events: timeline.events.slice(-MOST_EVENTS), more: timeline.older || timeline.events.length > MOST_EVENTS })),
    };
  }

  /** Show what was kept, unless something newer is there. */
  async restore() {
    const { store } = this;
    const user = store.me?.id ?? read("chat.user", null);
    if (store.epoch !== null || !user) return;
    const kept = await run("readonly", (table) => table.get(user)).catch(() => undefined);
    if (!kept || store.epoch !== null) return;
    store.welcome(kept.welcome);
    for (const { room, events, more } of kept.pages) store.room(room)?.timeline.page(events, "newest", more);
    store.emit("restored", user);
    for (const { room } of kept.pages) store.emit("timeline", room);
  }
}

/** Forget it: signing out leaves nothing. */
export async function forgetSnapshots() {
  await run("readwrite", (table) => table.clear()).catch(() => {});
}

/** @param {import("./store.js").Room} room */
function newest({ timeline }) {
  return Date.parse(timeline.events.at(-1)?.ts ?? "") || 0;
}

/** @param {import("./store.js").Room} room */
function wire(room) {
  const { name, title, topic, kind, history, archived, read_only, slow_mode, guests, unlisted, notify, keep_days, permissions, floor, cursor, joined, role, unread, mentions, read, members } = room;
  return { name, title, topic, kind, history, archived, read_only, slow_mode, guests, unlisted, notify, keep_days, permissions, floor, head: cursor, joined, role, unread, mentions, read, members, with: room.with };
}

/**
 * @template T
 * @param {IDBTransactionMode} mode @param {(table: IDBObjectStore) => IDBRequest<T>} work
 * @returns {Promise<T>}
 */
async function run(mode, work) {
  const db = await new Promise((/** @type {(db: IDBDatabase) => void} */ resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  try {
    return await new Promise((resolve, reject) => {
      const request = work(db.transaction(STORE, mode).objectStore(STORE));
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  } finally {
    db.close();
  }
}
