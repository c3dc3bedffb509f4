import { Emitter } from "./emitter.js";
import { applyDurable } from "./durable.js";
import { applyEphemeral } from "./ephemeral.js";
import { directName } from "./protocol.js";
import { Timeline } from "./timeline.js";
import { countedAmong, keepRead, markRead } from "./unread.js";

/** @typedef {import("./protocol.js").User} User */
/** @typedef {import("./protocol.js").WireRoom} WireRoom */
/** @typedef {import("./protocol.js").Member} Member */
/** @typedef {import("./protocol.js").DurableEvent} DurableEvent */
/** @typedef {import("./protocol.js").Message} Message */

/**
 * @typedef {{people: Map<string, Member>, more: boolean, count: number}} Members
 * @typedef {{key: string, after: number, text: string, level: string, ts: string}} Note a line for this user alone
 * @typedef {{by?: User, reason?: string, until?: string}} Mute
 * @typedef {Mute & {action: "kicked"|"banned"}} Out how this user came out of a room
 * @typedef {WireRoom & {cursor: number, counted: number, timeline: Timeline, members_here: Members|null,
 *   typing: Map<string, number>, line: number|null, notes: Note[], virtual?: boolean, mute?: Mute|null, out?: Out,
 *   opening?: boolean}} Room `line` is the seq that the new messages come after; `opening` while their page is loading;
 *   `mute` is this user's, null for none, undefined while it isn't known
 * @typedef {"connecting"|"syncing"|"live"|"offline"|"stopped"} ConnectionState
 */

/**
 * What this client knows. Pure: no DOM, no network, no clock but the one given. It changes by `apply(event)` and a few
 * named methods, and emits what changed: `me`, `rooms` (which there are), `room` and `counts` (of one: its name),
 * `timeline`, `amended` (the event of an edit or a deletion), `members`, `typing`, `people` (names), `presence` (a user's id), `current`, `connection`, `live-message`,
 * `removed`, `plugins` (by name), `form` (one that a plugin asks for), `restored` (a user's id: what is shown is what was
 * last known).
 */
export class Store extends Emitter {
  /** @param {() => number} [now] milliseconds */
  constructor(now = Date.now) {
    super();
    this.now = now;
    /** @type {User|null} */
    this.me = null;
    /** @type {Set<string>} */
    this.permissions = new Set();
    /** @type {{name: string, version: string, guests?: boolean, registration?: "open"|"approval"|"invite"|"closed"}} */
    this.server = { name: "", version: "" };
    this.limits = { frame_bytes: 65536, content_chars: 8000, keep_days: 0 };
    this.heartbeat = 25;
    /** @type {string|null} */
    this.epoch = null;
    /** @type {import("./protocol.js").Command[]} */
    this.commands = [];
    /** @type {Record<string, import("./plugins.js").Known>} */
    this.plugins = {};
    /** @type {Map<string, Room>} */
    this.rooms = new Map();
    /** @type {Map<string, User>} */
    /** The ids of those of whom the user wants to hear nothing. @type {Set<string>} */
    this.blocked = new Set();
    this.users = new Map();
    /** @type {Map<string, {status: string, text: string}>} */
    this.presence = new Map();
    /** @type {string|null} the room on the screen */
    this.current = null;
    /** @type {import("./socket.js").Change} */
    this.connection = { state: "connecting" };
    this.noteCount = 0;
    /** What the server's clock is ahead of this device's, in milliseconds. */
    this.skew = 0;
  }

  /** The time by the server's clock, in milliseconds. */
  serverNow() {
    return this.now() + this.skew;
  }

  /** @param {string|null} name */
  room(name) {
    return name === null ? undefined : this.rooms.get(name);
  }

  /** A user as known now; messages keep the name of their time. @param {User} user */
  user(user) {
    return this.users.get(user.id) ?? user;
  }

  /** @param {string} permission */
  may(permission) {
    return this.permissions.has(permission);
  }

  /** @param {string} name */
  hasPlugin(name) {
    return name in this.plugins;
  }

  /** Cursors for `hello`: where to go on from. */
  resume() {
    if (this.epoch === null) return undefined;
    const joined = [...this.rooms.values()].filter((room) => room.joined && !room.virtual);
    return { epoch: this.epoch, rooms: Object.fromEntries(joined.map((room) => [room.name, room.cursor])) };
  }

  /** @param {any} welcome */
  welcome(welcome) {
    const sameLog = this.epoch === welcome.epoch && this.me?.id === welcome.user.id;
    this.epoch = welcome.epoch;
    this.me = welcome.user;
    this.remember(welcome.user);
    this.server = welcome.server ?? this.server;
    if (welcome.server?.time) this.skew = Date.parse(welcome.server.time) - this.now();
    this.limits = { ...this.limits, ...welcome.limits };
    this.heartbeat = welcome.heartbeat ?? this.heartbeat;
    this.blocked = new Set(welcome.blocked);
    this.setPlugins(welcome);
    const before = this.rooms;
    this.rooms = new Map();
    for (const wire of welcome.rooms) {
      const room = this.addRoom(wire, sameLog ? before.get(wire.name) : undefined, true);
      room.typing.clear();
      // Who came and went meanwhile is not told again; the room on the screen is asked for at once.
      if (room.name !== this.current) room.members_here = null;
    }
    for (const room of before.values()) if (room.virtual && !this.rooms.has(room.name)) this.rooms.set(room.name, room);
    this.emit("me");
    this.emit("rooms");
    this.emit("people");
    if (this.current !== null && !this.rooms.has(this.current)) this.open(null);
    else if (this.current !== null) this.open(this.current);
  }

  /** What the plugins mean to this user. @param {any} facts of `welcome`, or of the event `plugins` */
  setPlugins(facts) {
    this.permissions = new Set(facts.permissions ?? []);
    this.commands = facts.commands ?? [];
    this.plugins = facts.plugins ?? {};
    this.emit("plugins", this.plugins);
  }

  /**
   * @param {WireRoom} wire
   * @param {Room} [known]
   * @param {boolean} [counts] whether its unread counts are the truth
   * @returns {Room}
   */
  addRoom(wire, known, counts = false) {
    // Only `welcome` knows of another log: between events, a head may be older than what has come.
    const usable = known !== undefined && !known.virtual && known.joined && (!counts || known.cursor <= wire.head);
    const old = usable ? known : undefined;
    const fresh = { cursor: wire.head, counted: wire.head, timeline: new Timeline(), members_here: null,
      typing: new Map(), line: null, notes: [] };
    /** @type {Room} */
    const room = { ...fresh, ...old, ...wire };
    if (old && !counts) Object.assign(room, { unread: old.unread, mentions: old.mentions, read: old.read, head: old.head });
    if (old && counts) keepRead(this, room, old.read, wire);
    room.timeline.forget(wire.floor ?? 0);
    if (!wire.joined) delete room.role;
    else delete room.out;
    // Without the plugin there is no first page to wait for: what comes in is all there will be.
    if (!this.hasPlugin("history")) room.timeline.loaded = true;
    if (wire.with) this.remember(wire.with);
    this.rooms.set(wire.name, room);
    return room;
  }

  /** Rooms that were added or changed, and those that are gone. @param {WireRoom[]} changed @param {string[]} removed */
  changeRooms(changed, removed = []) {
    for (const wire of changed) this.addRoom(wire, this.rooms.get(wire.name));
    for (const name of removed) this.leaveRoom(name);
    this.emit("rooms");
    for (const wire of changed) this.emit("room", wire.name);
  }

  /** The user is in a room no longer; if it is on the screen, it stays there. @param {string} name @param {Out} [out] */
  leaveRoom(name, out) {
    const room = this.rooms.get(name);
    if (!room) return;
    if (out && this.current === name) return this.putOut(room, out);
    if (room.kind === "public") {
      room.timeline.clear();
      Object.assign(room, { joined: false, unread: 0, mentions: 0, members_here: null, line: null, notes: [] });
    } else this.rooms.delete(name);
    if (this.current === name) this.open(null);
    this.emit("removed", name);
    this.emit("rooms");
  }

  /** What is on the screen may be read on, and a text be copied, until another room is opened. @param {Room} room @param {Out} out */
  putOut(room, out) {
    const known = room.out?.action === "banned" && out.action === "kicked" ? room.out : {};
    Object.assign(room, { joined: false, unread: 0, mentions: 0, line: null, out: { ...out, ...known } });
    delete room.role;
    room.typing.clear();
    this.emit("rooms");
    this.emit("room", room.name);
  }

  /** A conversation that has no room yet: the first message makes it. @param {User} user @returns {string} */
  direct(user) {
    const name = directName(this.me?.id ?? "", user.id);
    if (!this.rooms.has(name)) {
      const room = this.addRoom({ name, title: "", topic: "", kind: "direct", history: "all", archived: false, head: 0,
        joined: true, unread: 0, mentions: 0, read: 0, members: 2, with: user });
      room.virtual = room.timeline.loaded = true;
      this.emit("rooms");
    }
    return name;
  }

  /** @param {string|null} name */
  open(name) {
    const left = this.room(this.current);
    if (left && left.name !== name) left.line = null;
    this.current = name;
    if (left && left.name !== name && left.out) this.leaveRoom(left.name);
    const room = this.room(name);
    if (room && room.unread > 0 && room.line === null) room.line = room.read;
    this.emit("current", name);
  }

  /** Everything up to `seq` has been read. @param {string} name @param {number} seq */
  markRead(name, seq) {
    const room = this.rooms.get(name);
    if (!room || (seq <= room.read && room.unread === 0)) return;
    markRead(this, room, Math.max(seq, room.read));
    this.emit("counts", name);
  }

  /** What comes after `seq` is unread again, as far as it is known. @param {string} name @param {number} seq */
  unread(name, seq) {
    const room = this.rooms.get(name);
    if (!room) return;
    room.unread = Math.max(room.unread, 1, countedAmong(this, room.timeline, seq, Infinity));
    this.emit("counts", name);
  }

  /** @param {string} name */
  clearUnread(name) {
    const room = this.rooms.get(name);
    if (!room || (room.unread === 0 && room.mentions === 0)) return;
    Object.assign(room, { unread: 0, mentions: 0 });
    this.emit("counts", name);
  }

  /** Show from where on it is new. @param {string} name @param {number|null} after */
  setLine(name, after) {
    const room = this.rooms.get(name);
    if (!room || room.line === after) return;
    room.line = after;
    this.emit("timeline", name);
  }

  /** @param {DurableEvent} event */
  counts(event) {
    return event.type === "message" && event.user.id !== this.me?.id && !event.deleted;
  }

  /**
   * Any event. Returns what the live rule says of it: "gap" means that something before it is missing, and that it
   * has not been applied.
   * @param {any} event
   * @returns {"applied"|"ignored"|"gap"}
   */
  apply(event) {
    if (event.user) this.remember(event.user);
    if (typeof event.seq === "number" && typeof event.ts === "string") return applyDurable(this, event);
    return applyEphemeral(this, event) ? "applied" : "ignored";
  }

  /** The server says that this user is muted here. @param {string} name @param {Mute|null} mute */
  setMute(name, mute) {
    const room = this.rooms.get(name);
    if (!room) return;
    room.mute = mute;
    this.emit("room", name);
  }

  /** @param {string} userId */
  status(userId) {
    return this.presence.get(userId)?.status ?? "offline";
  }

  /** @param {User} user */
  remember(user) {
    const known = this.users.get(user.id);
    if (known?.name === user.name && known.display_name === user.display_name && known.bot === user.bot && known.avatar === user.avatar) return;
    this.users.set(user.id, { ...known, avatar: undefined, ...user });
    if (known) this.emit("people");
  }

  /** Who is writing in a room, oldest first. @param {string} name @returns {User[]} */
  writing(name) {
    const typing = this.rooms.get(name)?.typing ?? new Map();
    const now = this.now();
    for (const [id, until] of typing) if (until <= now) typing.delete(id);
    return [...typing.keys()].flatMap((id) => this.users.get(id) ?? []);
  }

  /** @param {ConnectionState} state @param {Partial<import("./socket.js").Change>} [more] */
  setConnection(state, more = {}) {
    this.connection = { state, ...more };
    // Who stops meanwhile is not heard of.
    if (state !== "live") for (const room of this.rooms.values()) room.typing.clear();
    this.emit("connection", this.connection);
  }
}
