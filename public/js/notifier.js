import { findMentions, nameKey } from "./mentions.js";
import { plainText } from "./plain.js";
import { hold, newId, notificationPermission, notify } from "./platform.js";
import { roomHash } from "./router.js";
import { read, write } from "./settings.js";
import { beep } from "./sound.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./protocol.js").Message} Message */

const LOOKING = "chat.looking";
const TELLER = "chat.teller";
/** What comes in late, because a connection was lost, is no news. */
const LATE_MS = 120_000;
const TEXT_CHARS = 200;

/** Tells of messages while the user looks elsewhere: a desktop notification and a sound, by one tab of all. */
export class Notifier {
  /** @param {App} app @param {string} icon the address of the page's */
  constructor(app, icon) {
    this.app = app;
    this.icon = icon;
    this.tab = newId();
    /** Whether it is for this tab to tell: it is for the one that came first and is still there. */
    this.holds = false;
    app.store.on("live-message", (message) => this.heard(message));
    for (const topic of ["attention", "current", "connection"]) app.store.on(topic, () => this.look());
    window.addEventListener("pagehide", () => this.forget());
    // Where tabs can't agree on that, it is for the one that was looked at last.
    this.agree = hold(TELLER, () => { this.holds = true; });
    this.look();
  }

  get looking() {
    return !document.hidden && document.hasFocus();
  }

  get tells() {
    return this.agree ? this.holds : read(TELLER, this.tab) === this.tab;
  }

  /** Let the other tabs know which room is looked at. */
  look() {
    if (!this.looking) return this.forget();
    write(LOOKING, { tab: this.tab, room: this.app.store.current });
    if (!this.agree) write(TELLER, this.tab);
    this.suggest();
  }

  forget() {
    if (read(LOOKING, null)?.tab === this.tab) write(LOOKING, undefined);
  }

  /** @param {Message} message */
  heard(message) {
    const { app } = this;
    const { store, attention } = app;
    const room = store.room(message.room);
    if (!room || !store.me || !store.counts(message) || store.connection.state !== "live" || store.blocked.has(message.user.id) || message.seq <= room.read) return;
    if (Date.now() - Date.parse(message.ts) > LATE_MS || read(LOOKING, null)?.room === room.name) return;
    const { id, name, display_name } = store.me;
    const own = [nameKey(name), nameKey(display_name)];
    const named = findMentions(message.content, (key) => (own.includes(key) ? id : undefined)).length > 0 || attention.isForMe(message);
    if (!attention.wants(message, room, named) || attention.isQuiet(new Date()) || store.status(store.me.id) === "busy" || !this.tells) return;
    if (app.settings.get("sound")) beep();
    if (read(LOOKING, null) === null) this.show(message, room);
  }

  /** @param {Message} message @param {import("./store.js").Room} room */
  show(message, room) {
    const { app } = this;
    const { settings, t } = app;
    if (notificationPermission() === "default" && !settings.get("notifyAsked")) this.missed = true;
    if (!settings.get("notify")) return;
    const who = app.authorOf(message);
    const title = room.kind === "direct" ? who : t("notify.from", { who, room: app.roomTitle(room) });
    const body = settings.get("preview") ? plainText(message).slice(0, TEXT_CHARS) || t("messages.file") : t("notify.hidden");
    const takeAway = notify(title, { body, tag: `chat-${room.name}`, icon: this.icon, silent: true, data: roomHash(room.name, message.seq) }, () => app.router.go(room.name, message.seq));
    // What has been seen needs no telling.
    const stop = app.store.on("counts", (name) => {
      if (name !== room.name || room.unread > 0) return;
      takeAway();
      stop();
    });
  }

  /** Once, when something has been missed: a word that there is a way to be told. */
  suggest() {
    if (!this.missed) return;
    this.missed = false;
    this.app.settings.set("notifyAsked", true);
    this.app.toast(this.app.t("notify.suggest"));
  }
}
