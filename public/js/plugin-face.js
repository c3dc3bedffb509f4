import { api } from "./api.js";
import { h } from "./dom.js";
import { setHtml } from "./html.js";
import { MessageView } from "./parts/message-view.js";
import { plainText } from "./plain.js";
import { complain, guarded } from "./plugin-guard.js";
import { ChatError } from "./protocol.js";
import { onSend } from "./send-key.js";
import { messageContext, nodeFrom, publicRoom, textOf } from "./slots.js";

/** @typedef {import("./plugins.js").Plugins} Plugins */
/** @typedef {import("./protocol.js").Message} Message */
/** @typedef {import("./slots.js").Slot} Slot */
/** @typedef {import("./attention.js").Wishes} Wishes */
/** @typedef {{id: string, of?: "app"|"room"|"message", label: string|(() => string), icon?: string, when?: (context: any) => boolean,
 *   run: (context: any) => void, keys?: string[], danger?: boolean}} PluginAction */

/** The version of what is below: it grows by one when something a plugin may rely on changes. */
export const VERSION = 1;
/** What a user wants to be told of. */
/** @type {(keyof Wishes)[]} */
const WISHES = ["levels", "level", "keywords", "quiet"];
const COMMAND = /^[\p{L}\p{N}_-]{1,32}$/u;

/**
 * What a plugin gets: its own `chat`. Whatever it registers is an undo function as well, and is undone when the plugin is
 * switched off.
 * @param {Plugins} plugins
 * @param {{name: string, known: import("./plugins.js").Known, owns: <U extends () => void>(undo: U) => U}} part
 */
export function face(plugins, part) {
  const { app, slots } = plugins;
  const { store, socket, i18n } = app;
  const { name } = part;
  /** @type {<A extends any[], R>(fn: (...args: A) => R) => (...args: A) => R|undefined} */
  const wrap = (fn) => (...args) => guarded(name, () => fn(...args));
  const wrong = (/** @type {string} */ what) => complain(name, what);
  return Object.freeze({
    name,
    version: VERSION,
    settings: Object.freeze({ ...part.known.settings }),
    store: readOnly(store),
    user: () => (store.me ? { ...store.me } : null),
    room: () => roomNow(store, store.current),
    on: (/** @type {string} */ type, /** @type {(event: any) => void} */ fn) => part.owns(type === "live" ? whenLive(store, wrap(fn)) : type === "wishes" ? app.settings.on("change", (key) => WISHES.includes(key) && wrap(fn)({ type })) : app.onEvent(type, wrap(fn))),
    request: (/** @type {string} */ type, /** @type {object} */ fields) => socket.request(type, fields).catch((error) => {
      error.message = app.explain(error);
      throw error;
    }),
    fetch: (/** @type {"GET"|"POST"|"PUT"|"PATCH"|"DELETE"} */ method, /** @type {string} */ path, /** @type {object|undefined} */ body) => api(method, `/plugins/${name}/${path}`, body).catch((error) => {
      error.message = app.explain(error);
      throw error;
    }),
    toast: (/** @type {unknown} */ text) => app.toast(String(text)),
    html: (/** @type {string} */ html) => drawn(html),
    content: (/** @type {Message} */ message) => content(new MessageView(app), message),
    plainText: (/** @type {Message} */ message) => plainText(message),
    onSend: (/** @type {HTMLTextAreaElement} */ area, /** @type {() => void} */ fn) => onSend(app, area, wrap(fn)),
    may: (/** @type {string} */ permission, /** @type {string|undefined} */ room) => mayHere(store, permission, room),
    show: (/** @type {string} */ room, /** @type {number} */ seq) => {
      if (typeof room !== "string" || !Number.isInteger(seq)) return void wrong("chat.show takes a room's name and the seq of a message");
      app.router.go(room, seq);
    },
    panel: (/** @type {string} */ title, /** @type {unknown} */ node) => {
      if (title === undefined && app.panels.byName.has(name)) return void app.panels.toggle(name);
      const body = nodeFrom(name, node, "chat.panel's second argument");
      return body ? part.owns(openPanel(app, name, title, () => body)) : () => {};
    },
    addRenderer: (/** @type {string} */ kind, /** @type {(message: Message) => Node} */ fn) => {
      if (!kind.startsWith(`${name}:`)) return wrong(`it can't draw messages of the kind "${kind}"; its own are called "${name}:…"`);
      if (plugins.renderers.has(kind)) return wrong(`there is a renderer of "${kind}" already; undo it first`);
      plugins.renderers.set(kind, { plugin: name, fn });
      return part.owns(() => void plugins.renderers.delete(kind));
    },
    addSlot: (/** @type {Slot} */ slot, /** @type {(context: any) => Node|null} */ fn, /** @type {import("./slots.js").SlotOptions} */ options) => {
      const undo = part.owns(slots.add(name, slot, fn, options));
      if (typeof fn !== "function") return undo;
      if (slot === "panel") return part.owns(ownPanel(plugins, name, fn, options ?? {}));
      return slot === "settings" ? part.owns(ownPage(plugins, name, fn, options ?? {})) : undo;
    },
    addAction: (/** @type {PluginAction} */ action) => part.owns(addAction(plugins, name, action)),
    addCommand: (/** @type {string} */ command, /** @type {{help?: string, usage?: string}} */ spec, /** @type {(args: string) => unknown} */ fn) => {
      const { help = "", usage = `/${command}` } = spec ?? {};
      const taken = plugins.commands.get(command)?.plugin ?? store.commands.find((one) => one.name === command || one.aliases?.includes(command))?.plugin;
      if (!COMMAND.test(command)) return wrong(`"${command}" can't be the name of a command; take letters, digits, - and _, without the slash`);
      if (taken) return wrong(`the command /${command} is taken by the plugin "${taken}"; choose another name`);
      if (typeof fn !== "function") return wrong(`the command /${command} has no function; give one as the third argument`);
      plugins.commands.set(command, { plugin: name, name: command, help, usage, run: wrap(fn) });
      return part.owns(() => void plugins.commands.delete(command));
    },
    t: i18n.t,
    wishes: (/** @type {Partial<Wishes>|undefined} */ changes) => {
      for (const key of WISHES) if (changes?.[key] !== undefined) app.settings.set(key, changes[key]);
      return structuredClone(Object.fromEntries(WISHES.map((key) => [key, app.settings.get(key)])));
    },
    addCalled: (/** @type {import("./attention.js").Called} */ { names, isForMe }) => part.owns(app.attention.add({ names: wrap(names), isForMe: wrap(isForMe) })),
    addMessages: (/** @type {string} */ lang, /** @type {Record<string, any>} */ texts) => part.owns(i18n.add(lang, texts)),
  });
}

/** @param {Plugins} plugins @param {string} name @param {PluginAction} action @returns {() => void} */
function addAction(plugins, name, action) {
  const { app } = plugins;
  const { id, of = "message", label, when, run, icon, keys, danger } = action ?? {};
  if (!id || typeof run !== "function" || !label) return complain(name, "an action has an id, a label and a function run");
  if (!["app", "room", "message"].includes(of)) return complain(name, `an action is of "app", "room" or "message", not of "${of}"`);
  const full = `${name}:${id}`;
  if (app.actions.byId.has(full)) return complain(name, `there is an action "${id}" already; undo it first`);
  const here = (/** @type {any} */ subject) => of === "app" || plugins.worksIn(name, of === "room" ? subject.name : subject.room);
  const context = (/** @type {any} */ subject) => of === "message" ? messageContext(subject, app.store.room(subject.room)) : of === "room" ? { room: publicRoom(subject) } : {};
  return app.actions.add({ id: full, of, icon, danger, rank: () => plugins.rank(name), keys: free(app, name, keys ?? []), within: of === "message" ? "message" : "app",
    label: () => String(typeof label === "function" ? guarded(name, label) : label),
    when: (subject) => here(subject) && (!when || guarded(name, () => when(context(subject))) === true),
    run: (subject) => void guarded(name, () => said(app, run(context(subject)))) });
}

/** What a message says, for where it stands beside its room. @param {MessageView} view @param {Message} message */
function content(view, message) {
  const files = message.files?.length ? [view.files(message.files)] : [];
  const footer = message.deleted ? null : view.footer(message, true);
  return h("div", { class: "content" }, view.body(message, message.kind === "action" ? view.app.authorOf(message) : null), ...files, footer);
}

/** What the server has rendered, as a message's text is drawn. @param {string} html */
function drawn(html) {
  const node = h("div", { class: "text", dir: "auto" });
  setHtml(node, String(html));
  return node;
}

/** Tell the user what the server refuses to an action; what else fails is for the console. @param {import("./app.js").App} app @param {unknown} result */
function said(app, result) {
  return result instanceof Promise ? result.catch((error) => {
    if (!(error instanceof ChatError)) throw error;
    app.complain(error);
  }) : result;
}

/** Whether the user may do something in a room as far as the client knows; the server decides. @param {import("./store.js").Store} store @param {string} permission @param {string} [name] */
function mayHere(store, permission, name) {
  if (name === undefined) return store.may(permission);
  const room = store.room(name);
  return room?.joined === true && !room.archived && (store.may(permission) || room.role === "moderator" || room.role === "owner");
}

/** Call back each time the connection is there again. @param {import("./store.js").Store} store @param {(event: any) => void} fn */
function whenLive(store, fn) {
  return store.on("connection", ({ state }) => state === "live" && fn({ type: "live" }));
}

/** Those keys that nothing else has. @param {import("./app.js").App} app @param {string} name @param {string[]} keys */
function free({ actions, keymap }, name, keys) {
  const others = [...actions.byId.values()];
  return keys.filter((key) => {
    const other = others.find((one) => keymap.keysOf(one).includes(key));
    if (other) complain(name, `the key ${key} is taken by "${other.id}"; choose another one`);
    return !other;
  });
}

/** The panel of a plugin's slot: at an address of its own, with an action that opens it. @param {Plugins} plugins @param {string} name @param {(context: any) => unknown} fn @param {import("./slots.js").SlotOptions} options */
function ownPanel(plugins, name, fn, { title = name, icon }) {
  const { app } = plugins;
  const called = () => textOf(title);
  if (app.panels.byName.has(name)) return complain(name, 'it has a panel already; fill the slot "panel" once');
  const undos = [
    app.panels.add({ name, icon, title: called, draw: ({ room, arg }) => (plugins.worksIn(name, room.name)
      ? nodeFrom(name, guarded(name, () => fn({ room: publicRoom(room), arg })), 'what fills the slot "panel"') : null) }),
    app.actions.add({ id: `${name}:panel`, of: "room", icon, label: called, rank: () => plugins.rank(name), when: (room) => plugins.worksIn(name, room.name),
      run: () => app.panels.show(name) }),
  ];
  return () => undos.forEach((undo) => undo());
}

/** The page of a plugin's slot among the settings. @param {Plugins} plugins @param {string} name @param {(context: any) => unknown} fn @param {import("./slots.js").SlotOptions} options */
function ownPage({ app }, name, fn, { title = name }) {
  if (app.pages.all.some((page) => page.id === name)) return complain(name, 'it has a page in the settings already; fill the slot "settings" once');
  const node = () => nodeFrom(name, guarded(name, () => fn({})), 'what fills the slot "settings"');
  return app.pages.add({ id: name, title: () => textOf(title), fields: () => [{ kind: "node", node }] });
}

/** @param {import("./app.js").App} app @param {string} name @param {string} title @param {() => Node} draw @returns {() => void} closes it */
function openPanel(app, name, title, draw) {
  const address = `${name}-now`;
  app.panels.remove(address);
  const undo = app.panels.add({ name: address, title: () => title, draw });
  app.panels.show(address);
  return () => {
    if (app.panels.routed?.panel.draw === draw) app.panels.close();
    undo();
  };
}

/** @param {import("./store.js").Store} store @param {string|null} name */
function roomNow(store, name) {
  const room = store.room(name);
  return room ? publicRoom(room) : null;
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
    room: (/** @type {string} */ name) => roomNow(store, name),
    rooms: () => [...store.rooms.values()].map(publicRoom),
    user: (/** @type {string} */ id) => store.users.get(id) ?? null,
    status: (/** @type {string} */ id) => store.status(id),
    hasPlugin: (/** @type {string} */ name) => store.hasPlugin(name),
    message: (/** @type {string} */ name, /** @type {string} */ id) => {
      const found = store.room(name)?.timeline.byId.get(id);
      return found ? { ...found } : null;
    },
    messages: (/** @type {string} */ name) =>
      (store.room(name)?.timeline.events ?? []).filter((event) => event.type === "message").map((event) => ({ ...event })),
  });
}
