import { Emitter } from "./emitter.js";
import { newId } from "./platform.js";
import { keys, read, write } from "./settings.js";
import { savedUpload } from "./uploads.js";

/** @typedef {import("./protocol.js").User} User */
/** @typedef {import("./uploads.js").Upload} Upload */
/** @typedef {{id: string, seq: number, name: string, content: string, deleted?: boolean}} Reply */
/**
 * @typedef {{text: string, reply?: Reply, files: Upload[], edits: Record<string, string>, with?: User, wanted: boolean}} Draft
 *   `edits` are texts of messages that are being edited, by message id; `with` is the other user of a conversation that has
 *   no room yet; `wanted` whether it is to be sent as soon as its files are up
 * @typedef {{at: number} & Partial<Omit<Draft, "wanted">>} Copy
 * @typedef {{read(key: string): Record<string, Copy>|null, write(key: string, copies: Record<string, Copy>|undefined): boolean,
 *   keys(): string[]}} Shelf `write` says whether it could
 */

const PAGES = "chat.pages";
const MOST_PAGES = 50;
const SOON_MS = 300;
/** A text as long as this is copied less often: it takes a while. */
const LONG_CHARS = 50_000;
const LONG_MS = 3000;
const FORGOTTEN_MS = 60 * 86_400_000;
/** The server keeps files that no message names for a day. */
const FILES_MS = 23 * 3_600_000;

/**
 * What was begun and not sent, for each room. The objects are the truth; storage has copies of them, one for each page
 * that writes, so that no tab overwrites what another one has. A page that begins takes over the copy of the last page before
 * it in its tab that has one, else the newest. Emits `change` (room) when a room gets or loses its text, `replaced` (room) when another
 * tab has changed it, `unkept` once where storage takes nothing.
 */
export class Drafts extends Emitter {
  /**
   * @param {() => string} user whose drafts
   * @param {{shelf?: Shelf, page?: string, before?: string[], now?: () => number,
   *   later?: (run: () => void, milliseconds: number) => unknown}} [options] `before` are the pages before this one in its tab
   */
  constructor(user, { shelf = browserShelf, page = newId(), before = [], now = Date.now, later = setTimeout.bind(globalThis) } = {}) {
    super();
    this.user = user;
    this.shelf = shelf;
    this.page = page;
    this.before = before;
    this.now = now;
    this.later = later;
    this.unkept = false;
    /** @type {Map<string, {draft: Draft, from: {page: string, at: number}|null, mine: boolean, dirty: boolean, had: boolean}>} by key */
    this.slots = new Map();
  }

  /** Of a room: always the same object. @param {string} room @returns {Draft} */
  of(room) {
    return this.slot(this.key(room)).draft;
  }

  /** @param {string} room */
  has(room) {
    const { text, files } = this.of(room);
    return text.trim() !== "" || files.length > 0;
  }

  /** It was changed here. @param {string} room */
  changed(room) {
    const key = this.key(room);
    const slot = this.slot(key);
    if (!slot.dirty) this.later(() => this.save(key), slot.draft.text.length > LONG_CHARS ? LONG_MS : SOON_MS);
    slot.dirty = slot.mine = true;
    this.tell(room, slot);
  }

  /** @param {string} room */
  clear(room) {
    Object.assign(this.of(room), { text: "", reply: undefined, files: [], wanted: false });
    this.changed(room);
    this.save(this.key(room));
  }

  /** Copy what has changed since. */
  saveAll() {
    for (const key of this.slots.keys()) this.save(key);
  }

  /** The other users of conversations that were begun and have no room yet. @returns {User[]} */
  conversations() {
    const prefix = this.key("");
    const rooms = this.shelf.keys().filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
    return rooms.flatMap((room) => this.of(room).with ?? []);
  }

  /**
   * A guest whose session ended has come in again under the same name, and is another user to the server: what was begun on
   * this page goes on.
   * @param {User|null} before @param {User} now
   */
  adopt(before, now) {
    if (!before || before.id === now.id || before.name !== now.name) return;
    const prefix = `chat.draft.${before.id}.`;
    for (const [key, slot] of [...this.slots]) {
      if (!key.startsWith(prefix)) continue;
      this.slots.delete(key);
      this.shelf.write(key, undefined);
      this.slots.set(`chat.draft.${now.id}.${key.slice(prefix.length)}`, { ...slot, from: null, mine: true, dirty: true });
    }
    this.saveAll();
  }

  /** Another tab has written. @param {string} key */
  heard(key) {
    const slot = this.slots.get(key);
    if (!slot || slot.dirty) return;
    // What another tab has taken over and gone on with is not here any more.
    if (slot.mine && (this.shelf.read(key)?.[this.page] || isEmpty(slot.draft))) return;
    const { draft, from } = this.load(key);
    Object.assign(slot.draft, { reply: undefined, with: undefined }, draft);
    Object.assign(slot, { from, mine: false });
    const room = key.slice(this.key("").length);
    this.emit("replaced", room);
    this.tell(room, slot);
  }

  /** @param {string} key */
  slot(key) {
    const known = this.slots.get(key);
    if (known) return known;
    const { draft, from } = this.load(key);
    const slot = { draft, from, mine: false, dirty: false, had: draft.text.trim() !== "" || draft.files.length > 0 };
    this.slots.set(key, slot);
    return slot;
  }

  /** @param {string} key */
  load(key) {
    const copies = Object.entries(this.shelf.read(key) ?? {}).filter(([, { at }]) => this.now() - at < FORGOTTEN_MS);
    const newest = copies.sort(([, one], [, other]) => other.at - one.at)[0];
    const own = this.before.map((page) => copies.find(([one]) => one === page)).find(Boolean);
    const [page, copy] = own ?? newest ?? ["", null];
    const { text = "", reply, files = [], edits = {}, with: user } = copy ?? {};
    const there = copy && this.now() - copy.at < FILES_MS ? files.map(savedUpload) : [];
    /** @type {Draft} */
    const draft = { text, reply, files: there, edits, with: user, wanted: false };
    return { draft, from: copy && { page, at: copy.at } };
  }

  /** @param {string} key */
  save(key) {
    const slot = this.slots.get(key);
    if (!slot?.dirty) return;
    slot.dirty = false;
    const { draft, from } = slot;
    const copies = Object.fromEntries(Object.entries(this.shelf.read(key) ?? {}).filter(([, { at }]) => this.now() - at < FORGOTTEN_MS));
    if (from && copies[from.page]?.at === from.at) delete copies[from.page];
    slot.from = null;
    delete copies[this.page];
    if (!isEmpty(draft)) {
      const { text, reply, edits } = draft;
      const files = draft.files.filter((file) => file.attachment).map(({ room, name, size, attachment }) => ({ room, name, size, attachment }));
      copies[this.page] = { at: this.now(), text, reply, files: /** @type {Upload[]} */ (files), edits, with: draft.with };
    }
    const kept = this.shelf.write(key, Object.keys(copies).length ? copies : undefined);
    if (!kept && !this.unkept) this.emit("unkept");
    this.unkept ||= !kept;
  }

  /** @param {string} room @param {{draft: Draft, had: boolean}} slot */
  tell(room, slot) {
    const has = this.has(room);
    if (has !== slot.had) this.emit("change", room);
    slot.had = has;
  }

  /** @param {string} room */
  key(room) {
    return `chat.draft.${this.user()}.${room}`;
  }
}

/** @param {Draft} draft */
function isEmpty({ text, reply, files, edits }) {
  return text === "" && !reply && !files.some((file) => file.attachment) && Object.keys(edits).length === 0;
}

/** @type {Shelf} */
const browserShelf = { read: (key) => read(key, null), write, keys };

/** The drafts of this page, which are copied when it goes, and follow other tabs. @param {() => string} user */
export function pageDrafts(user) {
  const page = newId();
  const before = read(PAGES, [], "session");
  const drafts = new Drafts(user, { page, before });
  write(PAGES, [page, ...before].slice(0, MOST_PAGES), "session");
  window.addEventListener("pagehide", () => drafts.saveAll());
  document.addEventListener("visibilitychange", () => document.hidden && drafts.saveAll());
  window.addEventListener("storage", ({ key }) => key !== null && drafts.heard(key));
  return drafts;
}
