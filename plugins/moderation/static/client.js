/** Moderation in the browser: reports from a message's menu and a person's card, and a panel with the queue, the log, and one's own record. */

import { moderate } from "./acts.js";
import { ask, field, make } from "./make.js";
import { Panel } from "./panel.js";
import { TEXTS } from "./texts.js";

/** @param {any} chat */
export function activate(chat) {
  for (const [language, texts] of Object.entries(TEXTS)) chat.addMessages(language, texts);
  const mine = (/** @type {any} */ user) => user.id === chat.user()?.id;
  chat.addAction({ id: "report", of: "message", icon: "warning", label: () => chat.t("moderation.report"),
    when: ({ message }) => !mine(message.user) && !message.deleted, run: ({ message }) => report(chat, message.user, { message_id: message.message_id }) });
  chat.addSlot("member", ({ user, room }) => (mine(user) ? null : make("button", { type: "button", className: "button wide",
    onClick: () => report(chat, user, { user: user.id, ...(room?.joined ? { room: room.name } : {}) }) }, chat.t("moderation.report"))));
  chat.addSlot("member", ({ user, room }) => (mine(user) ? null : moderate(chat, user, room)));
  chat.addSlot("panel", ({ room, arg }) => new Panel(chat, room, arg).element, { title: () => chat.t("moderation.title"), icon: "warning" });
  chat.addSlot("header", badge(chat));
}

/** @param {any} chat @param {any} user @param {Record<string, string>} what */
function report(chat, user, what) {
  const reason = /** @type {HTMLTextAreaElement} */ (make("textarea", { rows: 3, maxLength: 500, required: true, dir: "auto" }));
  const name = user.display_name || user.name;
  ask(chat, chat.t("moderation.reportOf", { name }), [make("p", { className: "hint" }, chat.t("moderation.reportHint")), field(chat.t("moderation.reason"), reason)],
    chat.t("moderation.reportDo"), async () => {
      await chat.request("report", { ...what, reason: reason.value.trim() });
      chat.toast(chat.t("moderation.reported"));
    });
}

/** How many reports are open, for those who work on them. @param {any} chat */
function badge(chat) {
  const number = make("span");
  const button = make("button", { type: "button", className: "icon-button moderation-open", hidden: true, onClick: () => chat.panel() }, "⚑", number);
  /** Asks are answered in their order, but one is enough for many events. */
  let waiting = false;
  const count = async () => {
    if (waiting) return;
    waiting = true;
    // Who may not see any is told so, and has no badge.
    const { reports = [], more = false } = await chat.request("reports", { limit: 100 }).catch(() => ({}));
    waiting = false;
    button.hidden = reports.length === 0;
    number.textContent = `${reports.length}${more ? "+" : ""}`;
    button.title = chat.t("moderation.open", { count: reports.length });
    button.setAttribute("aria-label", button.title);
  };
  const works = () => chat.store.rooms().some((/** @type {any} */ room) => chat.may("moderation.reports", room.name));
  chat.on("live", () => works() && void count());
  chat.on("moderation:reports", () => works() && void count());
  if (works()) void count();
  return () => button;
}
