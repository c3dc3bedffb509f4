import { append, avatar, botMark, h, hue, icon } from "../dom.js";
import { setHtml } from "../html.js";
import { plainText } from "../plain.js";
import { SYSTEM } from "../protocol.js";
import { roomHash } from "../router.js";
import { messageContext } from "../slots.js";
import { messageButtons } from "./message-buttons.js";
import { MessageText } from "./message-text.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../protocol.js").Message} Message */
/** @typedef {import("../protocol.js").Attachment} Attachment */
/** @typedef {import("../protocol.js").DurableEvent} DurableEvent */
/** @typedef {import("../rows.js").Row} Row */

const JUMBO = /^(?:(?:\p{RI}\p{RI}|\p{Emoji}(?:\p{EMod}|\uFE0F\u20E3?)?(?:\u200D\p{Emoji}(?:\p{EMod}|\uFE0F)?)*)\s*){1,8}$/u;
const DIGITS = /^[\d#*\s]+$/;
/** What is longer is folded. */
const LONG_CHARS = 1500;
const LONG_LINES = 24;

/** Draws the rows of a conversation. Few nodes a message: a long log is many of them. */
export class MessageView {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    /** @type {Set<string>} ids of long messages that are shown whole */
    this.unfolded = new Set();
    this.text = new MessageText(app);
  }

  /** @param {Row} row @returns {HTMLElement} */
  draw(row) {
    const { t, format } = this.app;
    switch (row.kind) {
      case "message": return this.message(row.message, row.head);
      case "pending": return this.pending(row.entry, row.head);
      case "day": return h("div", { class: "divider day" }, h("span", null, format.day(row.ts)));
      case "unread": return h("div", { class: "divider unread", role: "separator" }, h("span", null, t("messages.new")));
      case "events": return this.events(row.events);
      case "note": return this.note(row.note);
      case "more": return h("div", { class: "loading" }, t("messages.loading"));
      case "gap": return h("div", { class: "divider gap" }, h("span", null, t("messages.gap", { count: row.count })),
        h("button", { type: "button", class: "link-button", "data-action": "gap" }, t("messages.gapLoad")));
      case "start": return this.beginning();
    }
  }

  /** @param {Message} message @param {boolean} head */
  message(message, head) {
    const { app } = this;
    const own = message.user.id === app.store.me?.id;
    const name = app.authorOf(message);
    const action = message.kind === "action";
    const stamp = this.stamp(message.ts);
    const node = h("div", { class: "message", role: "article", tabIndex: -1, "aria-label": `${name}, ${stamp.textContent}`,
      "data-id": message.message_id, "data-seq": message.seq, "data-own": own, "data-head": head, "data-kind": message.kind,
      "data-deleted": message.deleted, "data-mention": !own && !message.deleted && this.text.namesMe(message) });
    const blocked = app.store.blocked.has(message.user.id) && !this.unfolded.has(message.message_id);
    if (message.reply_to && !message.deleted && !blocked) node.append(this.quote(message.reply_to));
    if (head) node.append(...(action ? [avatar(app.store.user(message.user), message.display_name)] : this.head(message.user, name, message.display_name)), stamp);
    if (blocked) {
      append(node, [h("div", { class: "text hint" }, app.t("messages.blocked")), this.unfold("messages.show")]);
      return node;
    }
    const body = this.body(message, action ? name : null);
    node.append(body);
    if (!message.deleted) this.fold(node, body, message.message_id, message.content);
    if (message.files?.length) node.append(this.files(message.files));
    if (message.actions?.length && !message.deleted) node.append(messageButtons(app, message.actions));
    if (!message.deleted) append(node, [this.footer(message)]);
    return node;
  }

  /** What plugins show under a message. @param {Message} message @param {boolean} [beside] whether it stands beside its room */
  footer(message, beside = false) {
    const { plugins, store } = this.app;
    const nodes = plugins.slots.fill("message-footer", { ...messageContext(message, store.room(message.room)), beside });
    return nodes.length ? Object.assign(h("div", { class: "message-footer" }, ...nodes), { foreign: true }) : null;
  }

  /** When; of messages that stand together, the first one shows it. @param {string} ts */
  stamp(ts) {
    const { format } = this.app;
    return h("time", { dateTime: ts, title: format.exact(ts) }, format.time(ts));
  }

  /** From whom. @param {import("../protocol.js").User} user @param {string} name @param {string} [shown] by a plugin, in the place of the user's */
  head(user, name, shown) {
    const { app } = this;
    // A mark of its own would be an element more in each of a hundred messages.
    const mark = user.guest ? null : botMark(user, app.t);
    const title = shown === undefined ? null : app.t("messages.sentBy", { name: app.nameOf(user), handle: user.name });
    return [avatar(app.store.user(user), shown), h("button", { type: "button", class: mark ? "author" : "author one-line", dir: "auto", "data-user": user.id, "data-guest": user.guest ? app.t("role.guest") : null,
      "data-hue": hue(shown ?? user.id), "data-action": "profile", tabIndex: -1, title }, mark ? h("span", { class: "one-line" }, name) : name, mark)];
  }

  /** Show the beginning of a long text, and a way to the rest. @param {HTMLElement} node @param {HTMLElement} body @param {string} id @param {string} content */
  fold(node, body, id, content) {
    if (!isLong(content)) return;
    const whole = this.unfolded.has(id);
    body.classList.toggle("folded", !whole);
    node.append(this.unfold(whole ? "messages.less" : "messages.all", whole));
  }

  /** @param {string} key of its text @param {boolean} [whole] */
  unfold(key, whole = false) {
    return h("button", { type: "button", class: "link-button fold", "data-action": "fold", "aria-expanded": String(whole) }, this.app.t(key));
  }

  /** @param {string} id */
  toggle(id) {
    if (!this.unfolded.delete(id)) this.unfolded.add(id);
  }

  /** @param {Message} message @param {string|null} actor */
  body(message, actor) {
    const { app } = this;
    const body = h("div", { class: "text", dir: "auto" });
    if (message.deleted) {
      body.textContent = app.t("messages.deleted");
      return body;
    }
    const drawn = message.kind.includes(":") ? app.plugins.render(message) : null;
    if (drawn) body.append(Object.assign(drawn, { foreign: true }));
    else if (message.html) setHtml(body, message.html);
    else body.textContent = message.content;
    if (!drawn) this.text.mark(body);
    if (actor) body.prepend(h("b", { "data-hue": hue(message.display_name ?? message.user.id), class: "actor" }, actor), " ");
    if (isJumbo(message.content)) body.classList.add("jumbo");
    if (message.edited_at) {
      const when = app.t("messages.editedAt", { time: app.format.exact(message.edited_at) });
      body.append(h("span", { class: "edited", title: when }, app.t("messages.edited")));
    }
    return body;
  }

  /** @param {string} id */
  quote(id) {
    const { app } = this;
    const room = app.store.current ?? "";
    const original = app.quotes.get(room, id);
    if (!original && app.store.hasPlugin("history")) app.quotes.want(room, id);
    const link = h("button", { type: "button", class: "quote", "data-action": "jump", "data-target": id,
      disabled: !original && !app.store.hasPlugin("history") }, icon("reply"));
    if (!original) link.append(h("span", { class: "one-line" }, app.t("messages.replyUnknown")));
    else {
      const text = app.store.blocked.has(original.user.id) ? app.t("messages.blocked") : original.deleted ? app.t("messages.deleted") : plainText(original) || app.t("messages.file");
      link.append(h("b", { class: "one-line", "data-hue": hue(original.display_name ?? original.user.id), dir: "auto" }, app.authorOf(original)),
        h("span", { class: "one-line", dir: "auto" }, text.slice(0, 200)));
    }
    return link;
  }

  /** @param {Attachment[]} files */
  files(files) {
    return h("div", { class: "files" }, ...files.map((file) => this.file(file)));
  }

  /** @param {Attachment} file */
  file(file) {
    const { app } = this;
    if (file.inline && file.mime.startsWith("image/")) return this.picture(file);
    if (file.inline && /^(?:video|audio)\//.test(file.mime)) {
      const tag = file.mime.startsWith("video") ? "video" : "audio";
      return h(tag, { src: file.url, controls: true, preload: "metadata", class: "media", "aria-label": file.name });
    }
    return h("a", { class: "file-card", href: file.url, download: file.name },
      h("span", { class: "file-icon" }, icon("file")),
      h("span", { class: "file-text" }, h("span", { class: "file-name one-line", dir: "auto" }, file.name),
        h("span", { class: "file-size" }, app.format.size(file.size))),
      icon("download"));
  }

  /** @param {Attachment} file */
  picture(file) {
    const { width, height } = file;
    const image = h("img", { src: file.preview ?? file.url, alt: file.name, loading: "lazy", width, height });
    const link = h("a", { class: "picture", href: file.url, target: "_blank", rel: "noopener", title: file.name, "data-action": "picture" }, image);
    // The space is known before the picture comes, so that nothing moves when it does.
    if (width && height) link.style.setProperty("--shape", `${width} / ${height}`);
    if (width) link.style.setProperty("--width", `${Math.min(width, Math.round((320 * width) / (height || width)), 420)}px`);
    return link;
  }

  /** @param {import("../outbox.js").Entry} entry @param {boolean} head */
  pending(entry, head) {
    const { app } = this;
    const me = /** @type {import("../protocol.js").User} */ (app.store.me);
    const failed = entry.state === "failed";
    const why = entry.field === "reply_to" ? app.t("error.invalid.reply_to") : entry.error || app.t("error.unknown");
    const act = (/** @type {string} */ action, /** @type {string} */ text) =>
      h("button", { type: "button", class: "link-button", "data-action": action }, app.t(text));
    const node = h("div", { class: "message pending", role: "article", tabIndex: -1, "data-own": true, "data-head": head,
      "data-failed": failed, "data-nonce": entry.nonce, "aria-label": app.nameOf(me) });
    if (entry.reply_to) node.append(this.quote(entry.reply_to));
    if (head) node.append(...this.head(me, app.nameOf(me)));
    const body = h("div", { class: "text", dir: "auto" }, entry.content);
    node.append(body);
    this.fold(node, body, entry.nonce, entry.content);
    if (entry.files?.length) node.append(this.files(entry.files));
    const state = h("span", { class: "send-state", title: app.t("messages.sending") }, icon(failed ? "warning" : "clock"));
    if (!failed) node.append(h("span", { class: "stamp" }, state, h("span", { class: "visually-hidden" }, app.t("messages.sending"))));
    else {
      node.append(h("p", { class: "failure" }, state, h("span", null, app.t("messages.failed", { why })),
        entry.field === "reply_to" ? act("retry-alone", "messages.sendAlone") : act("retry", "messages.retry"),
        act("take-back", "messages.takeBack"),
        h("button", { type: "button", class: "link-button danger", "data-action": "discard" }, app.t("messages.discard"))));
    }
    return node;
  }

  /** @param {import("../store.js").Note} note */
  note(note) {
    const { t } = this.app;
    return h("div", { class: "note", "data-level": note.level, "data-note": note.key },
      h("p", { class: "note-title" }, t("messages.onlyYou")),
      h("p", { class: "note-text", dir: "auto" }, note.text),
      h("button", { type: "button", class: "icon-button", "data-action": "dismiss", "aria-label": t("app.dismiss"), title: t("app.dismiss") }, icon("close")));
  }

  /** Lines of what happened, folded when there are many. @param {DurableEvent[]} events */
  events(events) {
    const { t } = this.app;
    const entered = events.filter((event) => event.type === "member" && ["added", "joined"].includes(event.action));
    const lines = events.map((event) => this.eventText(event)).filter(Boolean);
    const last = /** @type {DurableEvent} */ (events.at(-1));
    const stamp = this.stamp(last.ts);
    if (lines.length <= 2) {
      return h("div", { class: "events", hidden: lines.length === 0 }, h("span", { dir: "auto" }, lines.join(" · ")), stamp);
    }
    const key = entered.length === events.length ? "events.manyJoined" : "events.many";
    return h("details", { class: "events" }, h("summary", null, h("span", null, t(key, { count: lines.length })), stamp),
      ...lines.map((line) => h("p", { dir: "auto" }, line)));
  }

  /** @param {DurableEvent} event @returns {string} */
  eventText(event) {
    const { t } = this.app;
    const by = this.app.nameOf(event.user);
    if (event.type === "member" && event.target) {
      const who = this.app.nameOf(event.target);
      const self = event.user.id === event.target.id;
      let action = event.action === "added" && self ? "joined" : event.action === "removed" && self ? "left" : event.action;
      if (action === "kicked" && event.until) action = "kickedUntil";
      const text = t(`events.${action}`, { who, by, role: event.role ? t(`role.${event.role}`) : "" });
      return event.reason ? t("events.because", { text, reason: event.reason }) : text;
    }
    if (event.action === "created" && event.room.startsWith("dm:")) return "";
    if (event.action === "created" && event.user.id === SYSTEM) return t("events.opened");
    if (event.action === "created") return t("events.created", { by });
    if (event.topic !== undefined) return t(event.topic ? "events.topic" : "events.noTopic", { by, topic: event.topic });
    if (event.title !== undefined) return t("events.title", { by, title: event.title });
    if (event.archived !== undefined) return t(event.archived ? "events.archived" : "events.unarchived", { by });
    return t("events.changed", { by });
  }

  /** Where a conversation begins, or what is known of it; says what to do next. */
  beginning() {
    const { app } = this;
    const { t } = app;
    const room = app.store.room(app.store.current);
    if (!room) return h("div");
    const direct = room.kind === "direct" && room.with;
    const title = app.roomTitle(room);
    return h("div", { class: "beginning" },
      direct ? bigAvatar(app.store.user(direct)) : h("span", { class: "beginning-mark" }, icon(room.kind === "private" ? "lock" : "hash")),
      h("h2", { dir: "auto" }, title),
      h("p", null, room.floor ? t("beginning.gone", { count: room.keep_days || app.store.limits.keep_days }) : direct ? t("beginning.direct", { name: title }) : app.store.hasPlugin("history") ? t("beginning.room") : t("beginning.noHistory")),
      !direct && room.members_here?.people.size === 1 ? h("p", { class: "beginning-hint" }, t("beginning.alone"), " ",
        h("button", { type: "button", class: "link-button", "data-action": "copy-room", "data-link": roomHash(room.name) }, t("beginning.copy"))) : null);
  }
}

/** @param {string} content */
export function isJumbo(content) {
  return content.length < 64 && !DIGITS.test(content) && JUMBO.test(content) && !/\d/.test(content);
}

/** Whether a text would fill the screen. @param {string} content */
function isLong(content) {
  return content.length > LONG_CHARS || content.split("\n", LONG_LINES + 1).length > LONG_LINES;
}

/** @param {import("../protocol.js").User} user */
function bigAvatar(user) {
  const face = avatar(user);
  face.classList.add("large");
  return face;
}
