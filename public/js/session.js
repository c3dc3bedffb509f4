import { api, roomPath } from "./api.js";
import { setPresence } from "./members.js";
import { newNonce } from "./outbox.js";
import { Pages } from "./pages.js";
import { EMOJI, ERROR, HISTORY, REQUEST } from "./protocol.js";
import { Reads } from "./reads.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./store.js").Room} Room */
/** @typedef {import("./socket.js").Socket} Socket */
/** @typedef {import("./outbox.js").Outbox} Outbox */
/** @typedef {import("./protocol.js").Attachment} Attachment */
/** @typedef {import("./protocol.js").DurableEvent} DurableEvent */

const SYNC_PAGE = 500;

/**
 * What a user can do, and how events reach the store: the one place that knows socket, store and outbox.
 * Parts call its methods; refusals come back as ChatError.
 */
export class Session {
  /** @param {Store} store @param {Socket} socket @param {Outbox} outbox */
  constructor(store, socket, outbox) {
    this.store = store;
    this.socket = socket;
    this.outbox = outbox;
    /** @type {Map<string, DurableEvent[]>} rooms that are catching up, with what came in meanwhile */
    this.catching = new Map();
    this.pages = new Pages(store, socket);
    this.reads = new Reads(store, socket);
    /** @type {Set<string>} rooms that were left from this page: a step back in the history doesn't join them again */
    this.left = new Set();
    socket.on("welcome", (frame) => this.welcomed(frame));
    socket.on("event", (event) => this.receive(event));
    socket.on("state", (change) => this.changeState(change));
    store.on("live-message", (event) => this.heard(event));
    store.on("room", (name) => name === store.current && this.pages.load(name));
    store.on("timeline", (name) => this.settle(name));
    outbox.on("sent", (entry) => this.settle(entry.room));
    outbox.on("refused", ({ room, error }) => error.code === ERROR.muted && this.muted(room, error.retryAfter));
    outbox.on("loaded", (entries) => this.revive(entries.flatMap((/** @type {import("./outbox.js").Entry} */ entry) => entry.with ?? [])));
    store.on("removed", (name) => this.left.add(name));
  }

  /** @param {any} frame */
  welcomed(frame) {
    this.catching.clear();
    this.pages.loading.clear();
    // Begun first: a conversation without a room may be what is shown.
    void this.outbox.load(frame.user.id);
    this.store.welcome(frame);
    this.reads.welcomed(frame);
    const room = this.store.room(this.store.current);
    if (!room?.joined || room.virtual) return;
    if (room.timeline.loaded && room.members_here) void this.pages.once("members", () => this.pages.members(room.name));
    else void this.pages.arrive(room.name);
  }

  /** @param {import("./socket.js").Change} change */
  changeState(change) {
    this.store.setConnection(change.state, change);
    this.outbox.setOnline(change.state === "live");
  }

  /** @param {any} event */
  receive(event) {
    if (event.type === "heartbeat") return this.compareHeads(event.heads ?? {});
    const held = this.catching.get(event.room);
    if (held && typeof event.seq === "number") held.push(event);
    else if (this.store.apply(event) === "gap") void this.catchUp(event.room, [event]);
  }

  /** @param {Record<string, number>} heads */
  compareHeads(heads) {
    for (const [name, head] of Object.entries(heads)) {
      const room = this.store.rooms.get(name);
      if (room?.joined && head > room.cursor && !this.catching.has(name)) void this.catchUp(name, []);
    }
  }

  /** Read the log from the cursor on, then what came in meanwhile. @param {string} name @param {DurableEvent[]} held */
  async catchUp(name, held) {
    this.catching.set(name, held);
    try {
      for (let more = true; more; ) {
        const room = this.store.rooms.get(name);
        if (!room) break;
        const page = await this.socket.request(REQUEST.sync, { room: name, after: room.cursor, limit: SYNC_PAGE });
        for (const event of page.events) this.store.apply(event);
        more = page.more && page.events.length > 0;
      }
    } catch {
      // A lost connection resumes from the same cursor; a room that may not be read any more is told by `rooms`.
    }
    if (this.catching.get(name) !== held) return;
    this.catching.delete(name);
    for (const event of held) if (this.store.apply(event) === "gap") break;
  }

  /** @param {DurableEvent & {nonce?: string}} event */
  heard(event) {
    const own = event.user.id === this.store.me?.id;
    if (own && event.nonce) this.outbox.drop(event.nonce);
    if (event.room !== this.store.current || this.reads.reading || own) return;
    if (this.store.room(event.room)?.line === null) this.store.setLine(event.room, event.seq - 1);
  }

  /** What was sent and has come back as an event is not pending any more. @param {string} name */
  settle(name) {
    const room = this.store.rooms.get(name);
    if (!room) return;
    for (const entry of this.outbox.of(name)) {
      if (entry.state === "sent" && (entry.seq ?? 0) <= room.cursor) this.outbox.drop(entry.nonce);
    }
  }

  /** What could stand for an argument of a command; nothing if the server can't say. @param {import("./completion.js").Asked} asked @returns {Promise<{value: string, hint?: string}[]>} */
  async suggestions(asked) {
    const { current } = this.store;
    const room = current && !this.store.room(current)?.virtual ? current : undefined;
    return this.socket.request(REQUEST.complete, { ...asked, room }).then((reply) => reply.choices, () => []);
  }

  /** Press a button of a plugin's. @param {string} messageId @param {string} plugin @param {string} action */
  press(messageId, plugin, action) {
    return this.socket.request(REQUEST.action, { message_id: messageId, plugin, action });
  }

  /** Answer a plugin's form, or cancel it with null. @param {string} form @param {Record<string, any>|null} values */
  answer(form, values) {
    return this.socket.request(REQUEST.answer, { form, values });
  }

  /** Emoji by a part of their name. @param {string} typed @returns {Promise<{name: string, char: string}[]>} */
  async emoji(typed) {
    return this.socket.request(EMOJI, { typed }).then((reply) => reply.emoji, () => []);
  }

  /** One message, without the window around it. @param {string} room @param {string} id @returns {Promise<import("./protocol.js").Message|undefined>} */
  async message(room, id) {
    const { events } = await this.socket.request(HISTORY, { room, around_message: id, limit: 1 });
    return events.find((/** @type {DurableEvent} */ event) => event.message_id === id);
  }

  /** Conversations that were begun, and whose first message is not sent yet. @param {import("./protocol.js").User[]} users */
  revive(users) {
    for (const user of users) this.store.direct(user);
  }

  /** Show a room; join it first if need be. @param {string} name @param {number|null} [seq] a message to show */
  async open(name, seq = null) {
    const { store, pages } = this;
    if (!store.rooms.has(name)) await this.outbox.loaded;
    const room = store.rooms.get(name);
    const joined = room?.joined;
    if (room && !joined && this.left.has(name)) return store.open(name);
    if (!joined) await pages.join(name);
    if (store.current !== name) store.open(name);
    if (seq !== null) await pages.show(name, { seq });
    else if (joined) await pages.arrive(name);
  }

  /** A message was refused because of a mute from before this page. @param {string} name @param {number} [seconds] */
  muted(name, seconds) {
    const until = seconds === undefined ? undefined : new Date(this.store.serverNow() + seconds * 1000).toISOString();
    if (!this.store.room(name)?.mute) this.store.setMute(name, { until });
  }

  /** Join a room again that is on the screen. @param {string} name */
  async comeBack(name) {
    this.left.delete(name);
    await this.pages.once(`back ${name}`, () => this.pages.join(name));
  }

  /** After a command: `/join` shows its room. @param {string} line @returns {string|null} the room's name */
  joinedBy(line) {
    const [command, name = ""] = line.slice(1).trim().split(/\s+/);
    if (command.toLowerCase() !== "join") return null;
    const wanted = name.replace(/^#/, "").normalize("NFC").toLowerCase();
    return [...this.store.rooms.values()].find((room) => room.joined && room.name === wanted)?.name ?? null;
  }

  /**
   * A message, kept until the server has it.
   * @param {string} name @param {string} content @param {{reply_to?: string, files?: Attachment[]}} [more]
   */
  post(name, content, more = {}) {
    const room = this.store.rooms.get(name);
    const me = this.store.me;
    if (!room || !me) return;
    const to = room.kind === "direct" ? room.with?.id : undefined;
    const begun = room.virtual ? { with: room.with } : {};
    this.outbox.add({ nonce: newNonce(), user: me.id, room: name, to, content, at: this.store.serverNow(), ...begun, ...more });
    this.store.setLine(name, null);
    if (name === this.store.current) this.store.emit("to-end", name);
    if (room.timeline.newer) void this.pages.latest(name);
  }

  /** @param {import("./outbox.js").Entry} entry */
  dispatch({ nonce, room, to, content, reply_to, files }) {
    const where = to ? { to } : { room };
    return this.socket.request(REQUEST.message, { ...where, content, nonce, reply_to, files: files?.map(({ id }) => id) });
  }

  /** A command, after what was written before it: never kept, never sent again. @param {string} name @param {string} content */
  async command(name, content) {
    await this.outbox.flushed(name);
    return this.socket.request(REQUEST.message, { room: name, content });
  }

  /** @param {import("./protocol.js").Message} message @param {string} content */
  edit(message, content) {
    return this.socket.request(REQUEST.edit, { message_id: message.message_id, content, rev: message.rev + 1 });
  }

  /** @param {string} id */
  remove(id) {
    return this.socket.request(REQUEST.delete, { message_id: id });
  }

  /** @param {string} room @param {boolean} on */
  typing(room, on) {
    if (!this.store.rooms.get(room)?.virtual) this.socket.tell(REQUEST.typing, { room, on });
  }

  /** How others see me. @param {string} status */
  async presence(status) {
    await this.socket.request(REQUEST.presence, { status });
    if (this.store.me) setPresence(this.store, this.store.me, status, this.store.presence.get(this.store.me.id)?.text);
  }

  /** @param {string} name */
  leave(name) {
    return this.socket.request(REQUEST.leave, { room: name }).then(() => this.store.leaveRoom(name));
  }

  /** @param {{name: string, title: string, topic: string, kind: string, history: string}} fields */
  async createRoom(fields) {
    const { room } = await api("POST", "rooms", fields);
    if (!this.store.rooms.get(room.name)?.joined) this.store.changeRooms([{ ...room, joined: true }]);
    return room.name;
  }

  /** @param {string} name @param {object} changes */
  changeRoom(name, changes) {
    return api("PATCH", roomPath(name), changes);
  }

  /** @param {string} room @param {string} user @param {string} role in the room */
  setRole(room, user, role) {
    return this.socket.request(REQUEST.setRole, { room, user, role });
  }

  /** @param {string} name @param {string} user a name */
  invite(name, user) {
    return api("POST", `${roomPath(name)}/members`, { user });
  }
}
