import { setMembers } from "./members.js";
import { ChatError, DURABLE, HISTORY, REQUEST } from "./protocol.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./socket.js").Socket} Socket */

const PAGE = 60;
/** Half above, half below: enough for a large window to show without asking again. */
const AROUND = 160;
const SYNC_PAGE = 500;

/** Brings what a room shows into the store: pages of its log, and its members. */
export class Pages {
  /** @param {Store} store @param {Socket} socket */
  constructor(store, socket) {
    this.store = store;
    this.socket = socket;
    /** @type {Set<string>} what is under way */
    this.loading = new Set();
  }

  /** @param {string} name */
  async join(name) {
    const reply = await this.socket.request(REQUEST.join, { room: name });
    this.joined(reply);
  }

  /** @param {any} reply */
  joined(reply) {
    const { store } = this;
    if (!store.rooms.get(reply.room.name)?.joined) store.changeRooms([reply.room]);
    const room = store.rooms.get(reply.room.name);
    if (!room) return;
    room.members = reply.room.members ?? room.members;
    const members = reply.members ?? [];
    setMembers(store, room.name, members, { more: Boolean(reply.more_members), count: reply.count, first: true });
    if (!room.timeline.newer) room.timeline.page(reply.events ?? [], "newest", Boolean(reply.more));
    store.emit("timeline", room.name);
    store.emit("rooms");
  }

  /** The first page and the members, unless they are here. @param {string} name */
  async load(name) {
    const room = this.store.rooms.get(name);
    if (!room?.joined || room.virtual || room.opening || (room.timeline.loaded && room.members_here)) return;
    const early = this.socket.takeFirstPage(name);
    await this.once(`load ${name}`, () => early ? this.showFirst(name, early) : this.join(name));
  }

  /** The page that was asked for before this program was there. @param {string} name @param {Promise<any>} early */
  async showFirst(name, early) {
    const page = await early.catch(() => null);
    const room = this.store.rooms.get(name);
    // It may have waited long: a page that ends before what is known by now would leave a hole.
    if (!page || !room || room.timeline.newer || (page.events.at(-1)?.seq ?? 0) < room.cursor) return this.join(name);
    room.timeline.page(page.events, "newest", page.more);
    this.store.emit("timeline", name);
    await this.members(name);
  }

  /** What a room shows when it is opened: where the new messages begin, else the end. @param {string} name */
  async arrive(name) {
    const room = this.store.rooms.get(name);
    if (!room?.joined || room.virtual || room.opening) return;
    const { line, timeline } = room;
    if (line === null && timeline.newer) return this.latest(name);
    if (line !== null && !timeline.covers(line) && this.store.hasPlugin("history")) {
      room.opening = true;
      await this.around(name, { around: line });
      room.opening = false;
      this.store.emit("timeline", name);
      if (timeline.loaded) return;
    }
    await this.load(name);
  }

  /** The window around a place, with the members if they are not here. @param {string} name @param {object} place */
  async around(name, place) {
    const room = this.store.rooms.get(name);
    if (!room) return;
    if (!room.members_here) void this.once(`members ${name}`, () => this.members(name));
    await this.once(`around ${name}`, async () => {
      const { events, more, more_newer } = await this.socket.request(HISTORY, { room: name, ...place, limit: AROUND });
      room.timeline.pageAround(events, { older: more, newer: more_newer }, room.cursor);
      this.store.emit("timeline", name);
    });
  }

  /** A page beyond one end of the window. @param {string} name @param {"older"|"newer"} side */
  async more(name, side) {
    const timeline = this.store.rooms.get(name)?.timeline;
    if (!timeline?.loaded || !timeline[side] || !this.store.hasPlugin("history")) return;
    await this.once(`${side} ${name}`, async () => {
      const from = side === "older" ? { before: timeline.first } : { after: timeline.last };
      const page = await this.socket.request(HISTORY, { room: name, ...from, limit: PAGE });
      timeline.page(page.events, side, page.more && page.events.length > 0);
      timeline.trim(side === "older" ? "newer" : "older");
      this.store.emit("timeline", name);
    });
  }

  /**
   * Make sure that a message is in the window, and ask for it to be shown.
   * @param {string} name @param {{seq: number}|{id: string}} message
   */
  async show(name, message) {
    const timeline = this.store.rooms.get(name)?.timeline;
    if (!timeline) return;
    const place = () => ("seq" in message ? message.seq : timeline.byId.get(message.id)?.seq ?? 0);
    const inside = timeline.loaded && timeline.events.length > 0 && place() >= timeline.first && place() <= timeline.last;
    if (!inside && this.store.hasPlugin("history")) {
      await this.around(name, "seq" in message ? { around: message.seq } : { around_message: message.id });
    }
    if (place()) this.store.emit("show", { room: name, seq: place() });
  }

  /** Back to the end of the log. @param {string} name */
  async latest(name) {
    const room = this.store.rooms.get(name);
    if (!room?.timeline.newer) return;
    room.timeline.clear();
    this.store.emit("timeline", name);
    await this.once(`load ${name}`, () => this.join(name));
  }

  /** Load what was missed and not sent; only rooms without history need it. @param {string} name */
  async fillGap(name) {
    const timeline = this.store.rooms.get(name)?.timeline;
    const gap = timeline?.gap;
    if (!timeline || !gap) return;
    await this.once(`gap ${name}`, async () => {
      const page = await this.socket.request(REQUEST.sync, { room: name, after: gap.from - 1, limit: SYNC_PAGE });
      for (const event of page.events) timeline.insert(event);
      for (const event of page.events) if (event.type !== DURABLE.message) timeline.amend(event);
      const reached = page.events.at(-1)?.seq ?? gap.to;
      timeline.gap = reached >= gap.to || !page.more ? null : { from: reached + 1, to: gap.to };
      this.store.emit("timeline", name);
    });
  }

  /** @param {string} name @param {string} [after] */
  async members(name, after) {
    const reply = await this.socket.request(REQUEST.members, { room: name, after });
    setMembers(this.store, name, reply.members, { more: Boolean(reply.more), count: reply.count, first: after === undefined });
  }

  /** Not twice at a time. @param {string} key @param {() => Promise<void>} work */
  async once(key, work) {
    if (this.loading.has(key)) return;
    this.loading.add(key);
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      if (error.code !== "offline") this.store.emit("refused", error);
    } finally {
      this.loading.delete(key);
    }
  }
}
