import { h, icon } from "../dom.js";
import { copyText } from "../platform.js";

/** @typedef {import("../closed.js").Closed} Closed */

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Stands in place of the message field while nothing can be written: why, until when, and what can be done. */
export class ClosedLine {
  /** @param {import("../app.js").App} app @param {() => void} over it may be over: look again */
  constructor(app, over) {
    this.app = app;
    this.over = over;
    this.node = h("div", { class: "closed-line", role: "status", hidden: true });
    this.shown = "";
    this.timer = 0;
  }

  /** @param {Closed|null} closed @param {import("../store.js").Room|undefined} room @param {string} text what was begun here */
  draw(closed, room, text) {
    const shown = closed && room ? JSON.stringify([closed, room.name, text !== "", this.app.i18n.lang]) : "";
    if (shown === this.shown) return;
    this.shown = shown;
    this.node.hidden = !closed;
    this.node.replaceChildren();
    clearTimeout(this.timer);
    if (!closed || !room) return;
    this.node.append(icon("warning"), h("span", { class: "closed-text", dir: "auto" }, this.sentence(closed, room)), this.actions(closed, room, text));
    const { store } = this.app;
    const left = closed.until === undefined ? Infinity : Date.parse(closed.until) - store.serverNow();
    if (left < LONGEST_TIMER_MS) this.timer = window.setTimeout(this.over, Math.max(0, left) + 1000);
  }

  /** @param {Closed} closed @param {import("../store.js").Room} room */
  sentence({ why, by, reason, until }, room) {
    const { app } = this;
    const names = { room: app.roomTitle(room), by: by ? app.nameOf(by) : "" };
    const text = app.t(`closed.${why}${by || ["archived", "outside", "readOnly"].includes(why) ? "" : "Unknown"}`, names);
    const because = reason ? app.t("events.because", { text, reason }) : text;
    return until ? app.t("closed.until", { text: because, time: app.format.moment(until) }) : because;
  }

  /** @param {Closed} closed @param {import("../store.js").Room} room @param {string} text */
  actions({ why }, room, text) {
    const { app } = this;
    const copy = async () => app.toast(app.t(await copyText(text) ? "closed.copied" : "error.unknown"));
    const outside = !room.joined && !room.virtual && room.kind === "public" && why !== "banned";
    return h("span", { class: "closed-actions" },
      outside ? h("button", { type: "button", class: "link-button", onClick: () => void app.session.comeBack(room.name) }, app.t("closed.join")) : null,
      text ? h("button", { type: "button", class: "link-button", onClick: () => void copy() }, app.t("closed.copy")) : null);
  }
}
