/**
 * Plugins in the browser.
 *
 * A plugin whose package has `static/client.js` is loaded from `/plugins/<name>/static/client.js` after `welcome`, once
 * per page; `static/client.css`, if there is one, is linked and belongs in `@layer plugins`. The module exports
 *
 *     export function activate(chat) { … }            // may be async
 *
 * and gets its own `chat`:
 *
 *   chat.name                          the plugin's name
 *   chat.settings                      what the server's `client_settings` gave for this user
 *   chat.on(type, fn)                  → function that stops it. `fn(event)` for each event of the wire with this type,
 *                                      after the store has applied it: `message`, `edited`, `party:started`, …
 *   chat.request(type, fields)         → Promise of the `ok` reply. Rejects with an Error that has `code`, `field` and
 *                                      `retryAfter` (seconds)
 *   chat.store                         read only: `me`, `current`, `room(name)`, `rooms()`, `user(id)`, `status(id)`,
 *                                      `messages(room)` (those that are loaded, ascending)
 *   chat.user()                        {id, name, display_name, role} of whoever is signed in
 *   chat.room()                        the room on the screen, or null: {name, title, topic, kind, joined, …}
 *   chat.addRenderer(kind, fn)         `fn(message)` → Node draws the body of messages of this kind (`party:poll`).
 *                                      Without a renderer, or if it fails, the message's own html is shown.
 *   chat.addSlot(slot, fn)             `fn(context)` → Node or null. Slots, and what their context holds:
 *                                      "composer" {room, insert(text)} — beside the send button;
 *                                      "message-actions" {message, room} — in a message's toolbar or sheet;
 *                                      "header" {room} — at the right of a room's header;
 *                                      "sidebar" {} — below the rooms
 *   chat.addCommand(name, spec, fn)    a command in this browser only: `spec` is {help, usage}; `fn(args)` gets the rest
 *                                      of the line, and may return a text that is shown to this user alone
 *   chat.t(key, params)                a text in the user's language, from
 *   chat.addMessages(lang, texts)      {key: text}; `{name}` in a text takes a parameter, {one: …, other: …} is chosen
 *                                      by `params.count`; English stands in for a language that has none
 *
 * Text goes into the page with `textContent`; the page's Trusted Types policy lets no plugin set HTML. Every call into a
 * plugin is wrapped: what it throws is logged with its name, and the program goes on.
 */

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./protocol.js").Message} Message */
/** @typedef {"composer"|"message-actions"|"header"|"sidebar"} Slot */
/** @typedef {{plugin: string, name: string, help: string, usage: string, run: (args: string) => unknown}} LocalCommand */

export class Plugins {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    /** @type {Map<string, Promise<void>>} by name */
    this.loaded = new Map();
    /** @type {Map<string, (message: Message) => Node|undefined>} */
    this.renderers = new Map();
    /** @type {Map<string, ((context: object) => Node|null|undefined)[]>} */
    this.slots = new Map();
    /** @type {Map<string, LocalCommand>} */
    this.commands = new Map();
  }

  /** Load what `welcome` names, once. @param {Record<string, {client?: string, css?: string, settings?: any}>} known */
  loadAll(known) {
    for (const [name, { client, css, settings }] of Object.entries(known)) {
      if (this.loaded.has(name) || !client) continue;
      if (css) link(css);
      this.loaded.set(name, this.load(name, client, settings));
    }
  }

  /** @param {string} name @param {string} url @param {any} settings */
  async load(name, url, settings) {
    try {
      const module = await import(url);
      await module.activate(this.face(name, settings));
      this.app.emit("plugins");
    } catch (error) {
      report(name, error);
    }
  }

  /** What a plugin gets. @param {string} name @param {any} settings */
  face(name, settings) {
    const { store, socket, i18n } = this.app;
    /** @type {<A extends any[], R>(fn: (...args: A) => R) => (...args: A) => R|undefined} */
    const wrap = (fn) => (...args) => guarded(name, () => fn(...args));
    return Object.freeze({
      name,
      settings: Object.freeze({ ...settings }),
      store: readOnly(store),
      user: () => (store.me ? { ...store.me } : null),
      room: () => publicRoom(store.room(store.current)),
      on: (/** @type {string} */ type, /** @type {(event: any) => void} */ fn) => this.app.onEvent(type, wrap(fn)),
      request: (/** @type {string} */ type, /** @type {object} */ fields) => socket.request(type, fields),
      addRenderer: (/** @type {string} */ kind, /** @type {(message: Message) => Node} */ fn) => {
        this.renderers.set(kind, wrap(fn));
      },
      addSlot: (/** @type {Slot} */ slot, /** @type {(context: object) => Node|null} */ fn) => {
        this.slots.set(slot, [...(this.slots.get(slot) ?? []), wrap(fn)]);
      },
      addCommand: (/** @type {string} */ command, /** @type {{help?: string, usage?: string}} */ spec,
        /** @type {(args: string) => unknown} */ fn) => {
        const { help = "", usage = `/${command}` } = spec;
        this.commands.set(command, { plugin: name, name: command, help, usage, run: wrap(fn) });
      },
      t: i18n.t,
      addMessages: (/** @type {string} */ lang, /** @type {Record<string, any>} */ texts) => i18n.add(lang, texts),
    });
  }

  /** The nodes that plugins put into a slot. @param {Slot} slot @param {object} context @returns {Node[]} */
  fill(slot, context) {
    return (this.slots.get(slot) ?? []).map((fn) => fn(context)).filter((node) => node instanceof Node);
  }

  /** A plugin's own drawing of a message. @param {Message} message @returns {Node|null} */
  render(message) {
    const node = this.renderers.get(message.kind)?.(message);
    return node instanceof Node ? node : null;
  }

  /** Their commands as completion knows commands. */
  commandList() {
    return [...this.commands.values()].map(({ name, usage, help, plugin }) => ({ name, usage, help, plugin, args: [] }));
  }
}

/**
 * @template R
 * @param {string} name @param {() => R} run
 * @returns {R|undefined}
 */
function guarded(name, run) {
  try {
    const result = run();
    if (result instanceof Promise) result.catch((error) => report(name, error));
    return result;
  } catch (error) {
    report(name, error);
    return undefined;
  }
}

/** @param {string} name @param {unknown} error */
function report(name, error) {
  console.error(`Plugin "${name}":`, error);
}

/** @param {string} href */
function link(href) {
  const element = document.createElement("link");
  element.rel = "stylesheet";
  element.href = href;
  document.head.append(element);
}

/** @param {import("./store.js").Room|undefined} room */
function publicRoom(room) {
  if (!room) return null;
  const { name, title, topic, kind, history, archived, joined, role, unread, mentions, members, head } = room;
  return { name, title, topic, kind, history, archived, joined, role, unread, mentions, members, head, with: room.with };
}

/** @param {import("./store.js").Store} store */
function readOnly(store) {
  return Object.freeze({
    get me() {
      return store.me ? { ...store.me } : null;
    },
    get current() {
      return store.current;
    },
    room: (/** @type {string} */ name) => publicRoom(store.room(name)),
    rooms: () => [...store.rooms.values()].map(publicRoom),
    user: (/** @type {string} */ id) => store.users.get(id) ?? null,
    status: (/** @type {string} */ id) => store.status(id),
    messages: (/** @type {string} */ name) =>
      (store.room(name)?.timeline.events ?? []).filter((event) => event.type === "message").map((event) => ({ ...event })),
  });
}
