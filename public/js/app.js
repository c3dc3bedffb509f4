import { Actions } from "./actions.js";
import { appActions } from "./app-actions.js";
import { Attention } from "./attention.js";
import { upload } from "./api.js";
import { boot, version } from "./boot.js";
import { IndexedShelf } from "./db.js";
import { pageDrafts } from "./drafts.js";
import { Emitter } from "./emitter.js";
import { Format } from "./format.js";
import { I18n } from "./i18n.js";
import { Keymap } from "./keymap.js";
import { Outbox } from "./outbox.js";
import { Panels } from "./panels.js";
import { Plugins } from "./plugins.js";
import { Quotes } from "./quotes.js";
import { roomActions } from "./room-actions.js";
import { Router } from "./router.js";
import { Session } from "./session.js";
import { Settings } from "./settings.js";
import { SettingsPages } from "./settings-pages.js";
import { Shortcuts } from "./shortcuts.js";
import { Socket } from "./socket.js";
import { Store } from "./store.js";
import { Uploads } from "./uploads.js";

/** From so many bytes on a file goes up in parts. */
const LARGE_BYTES = 8 * 1024 * 1024;

/**
 * Everything the parts need, built once and handed to each. Emits `toast` (text), `reply` (message), `profile`,
 * `dialog`, `focus-lost`, `focus-composer`, `page` (-1 or 1: the conversation, up or down), `plugins` (what they show has
 * changed), `insert` (text for the composer), `outdated` (the server has another version of this page).
 */
export class App extends Emitter {
  constructor() {
    super();
    this.settings = new Settings();
    this.i18n = new I18n();
    this.format = new Format("en");
    this.router = new Router();
    this.store = new Store();
    this.socket = new Socket(address(), () => this.hello(), boot().early);
    /** @type {Outbox} */
    this.outbox = new Outbox(new IndexedShelf(), (entry) => this.session.dispatch(entry), undefined,
      (error) => this.explain(error));
    this.session = new Session(this.store, this.socket, this.outbox);
    this.quotes = new Quotes(this.store, (room, id) => this.session.message(room, id));
    this.drafts = pageDrafts(() => this.store.me?.id ?? "");
    this.uploads = new Uploads(this.drafts, (one, onProgress) => (one.size < LARGE_BYTES ? upload : this.inParts)(one, /** @type {File} */ (one.file), onProgress),
      () => this.uploadWords(), { online: () => this.store.connection.state === "live" });
    this.t = this.i18n.t;
    this.attention = new Attention(() => this.settings.values);
    this.actions = new Actions();
    this.keymap = new Keymap(this.actions, this.settings.get("keys"), (keys) => this.settings.set("keys", keys));
    this.panels = new Panels(this.router, this.settings, this.store);
    this.pages = new SettingsPages();
    this.plugins = new Plugins(this);
    appActions(this);
    roomActions(this);
    this.shortcuts = new Shortcuts(this);
    this.withLater = false;
    /** What the start didn't wait for. @type {() => Promise<typeof import("./later.js")>} */
    this.later = () => Promise.reject(new Error("not started"));
    /** The same, once it is there. @type {typeof import("./later.js")|null} */
    this.loaded = null;
    /** @type {import("./parts/menu.js").Menu|undefined} */
    this.menu = undefined;
    /** @type {import("./parts/message-sheet.js").MessageSheet|undefined} */
    this.sheet = undefined;
    this.store.on("restored", (user) => void this.outbox.load(user));
    this.i18n.on("change", () => {
      this.format = new Format(this.i18n.lang, navigator.languages);
    });
    this.store.on("notice", (text) => this.toast(text));
    this.store.on("refused", (error) => this.complain(error));
    for (const kept of [this.outbox, this.drafts]) kept.on("unkept", () => this.toast(this.t("error.unkept")));
    this.drafts.on("change", () => this.emit("draft"));
    this.router.on("intent", (name) => this.session.left.delete(name));
    this.store.on("me", () => this.session.revive(this.drafts.conversations()));
    this.store.on("connection", ({ state }) => state === "live" && this.uploads.resume());
    this.socket.on("welcome", (frame) => this.compare(frame.server?.client));
  }

  /** The opening request; early.js says the same, without what there is to resume. */
  hello() {
    const status = this.settings.get("invisible") ? "invisible" : undefined;
    return { resume: this.store.resume(), status, language: this.settings.language, forms: true };
  }

  /** Texts in the chosen language. Stays with those of before where the server has none. */
  async loadLanguage() {
    const { language } = this.settings;
    const { base, texts } = boot();
    const first = texts.language === language && !this.i18n.loaded;
    if (this.withLater) await this.laterTexts(language);
    await this.i18n.load(language, first ? texts.answer : fetch(`${base}i18n/${language}.json`));
  }

  /** The texts of what the start didn't wait for. */
  async laterTexts(language = this.i18n.lang) {
    const answer = await fetch(`${boot().base}i18n/later/${language}.json`);
    this.i18n.add(language, await answer.json());
    this.withLater = true;
  }

  /** The server's version of this page, which may be newer than this one. @param {string|undefined} newest */
  compare(newest) {
    if (newest !== undefined && newest !== version()) this.emit("outdated");
  }

  /**
   * @param {string} label what it is a menu of @param {import("./parts/menu.js").Item[]|(() => import("./parts/menu.js").Item[])} items
   * @param {HTMLElement} opener gets the focus back @param {{x: number, y: number}} [point] where the mouse was
   */
  openMenu(label, items, opener, point) {
    this.later().then(() => this.menu?.open(label, items, opener, point), (error) => this.complain(error));
  }

  /** What can be done with a message, on a phone. @param {import("./protocol.js").Message} message */
  openSheet(message) {
    this.later().then(() => this.sheet?.open(message), (error) => this.complain(error));
  }

  /** A short word at the edge of the page. @param {string} text */
  toast(text) {
    if (text) this.emit("toast", text);
  }

  /** Say what went wrong, in the user's language where the server's own words don't say it. @param {any} error */
  complain(error) {
    this.toast(this.explain(error));
  }

  /**
   * The server's words are English, and say it best there. In another language it is said by the error's code, and its
   * field where that says more.
   * @param {any} error @returns {string}
   */
  explain(error) {
    const { code, field, message, retryAfter } = error ?? {};
    if (code === "offline" || code === "timeout") return this.t("error.offline");
    if (this.i18n.lang === "en" && message) return message;
    const key = [`error.${code}.${field}`, `error.${code}`].find((one) => this.i18n.has(one));
    return key ? this.t(key, { message, count: Math.ceil(retryAfter ?? 0) }) : message || this.t("error.unknown");
  }

  /** @type {(one: import("./resumable.js").Place, file: File, onProgress: (share: number) => void) => ReturnType<typeof upload>} */
  inParts = (one, file, onProgress) => {
    const gone = new AbortController();
    return { done: this.later().then(({ resumable }) => resumable(one, file, onProgress, gone.signal)), cancel: () => gone.abort() };
  };

  /** What is said of files that can't be uploaded. @returns {import("./uploads.js").Words} */
  uploadWords() {
    const limit = this.store.plugins.files?.settings?.max_bytes;
    return {
      empty: this.t("upload.empty"),
      tooLarge: (size) => (limit && size > limit ? this.t("upload.tooLarge", { size: this.format.size(limit) }) : null),
      why: (error) => (error.code === "offline" ? this.t("upload.cut") : this.explain(error)),
    };
  }

  /** All commands: the server's, with their help in the user's language where there is one, and those of this page. */
  commandList() {
    const known = this.store.commands.map((command) => {
      const key = `command.${command.plugin}.${command.name}`;
      return this.i18n.lang !== "en" && this.i18n.has(key) ? { ...command, help: this.t(key) } : command;
    });
    return [...known, ...this.plugins.commandList()];
  }

  /** Events of the wire, after the store has them. @param {string} type @param {(event: any) => void} listener */
  onEvent(type, listener) {
    return this.socket.on("event", (event) => event.type === type && listener(event));
  }

  /** The name that is shown of a user. @param {import("./protocol.js").User} user */
  nameOf(user) {
    const known = this.store.user(user);
    return known.display_name || known.name;
  }

  /** Who a message is from, as it is shown: plugins may give another name. @param {import("./protocol.js").Message} message */
  authorOf({ display_name, user }) {
    return display_name ?? this.nameOf(user);
  }

  /** How people call a room. @param {import("./store.js").Room} room */
  roomTitle(room) {
    if (room.kind === "direct" && room.with) return this.nameOf(room.with);
    return room.title || room.name;
  }
}

function address() {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`;
}
