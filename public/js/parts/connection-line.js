import { h } from "../dom.js";
import { Part } from "./part.js";

const PATIENCE_MS = 800;
const BACK_MS = 2000;
const HINT_MS = 6000;
const SECOND_MS = 1000;

/**
 * One quiet line: nothing while all is well, and not at once when it isn't. It says what is wrong, when the next try
 * is, and that the server has a newer page than this.
 */
export class ConnectionLine extends Part {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    super(app);
    this.text = h("span");
    // Seconds that run are for the eye; a screen reader would read out each.
    this.countdown = h("span", { "aria-hidden": "true" });
    this.button = h("button", { type: "button", class: "link-button", onClick: () => this.act() });
    this.append(this.text, this.countdown, this.button);
    this.hidden = true;
    this.wasLost = false;
    this.outdated = false;
    /** @type {any} */
    this.timer = undefined;
    this.ticking = 0;
    this.store.on("connection", () => this.changed());
    app.on("outdated", () => {
      this.outdated = true;
      this.changed();
    });
  }

  translated() {
    this.draw();
  }

  get state() {
    return this.store.connection.state;
  }

  changed() {
    this.wasLost ||= this.state === "offline" || this.state === "stopped";
    if (this.state === "live") return this.hidden ? this.draw() : this.back();
    if (!this.hidden || this.state === "stopped") this.draw();
    else this.timer ??= setTimeout(() => this.draw(), PATIENCE_MS);
  }

  /** It was gone long enough to be seen: say that it is back, and go. */
  back() {
    if (!this.wasLost) return this.draw();
    this.wasLost = false;
    clearTimeout(this.timer);
    const { over } = this.store.connection;
    this.show("live", this.t(over ? "connection.http" : "connection.back"));
    this.timer = setTimeout(() => this.draw(), over ? HINT_MS : BACK_MS);
  }

  draw() {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { t } = this;
    const { error } = this.store.connection;
    if (this.state === "live") this.wasLost = false;
    if (this.state === "live" && !this.outdated) this.hide();
    else if (this.state === "live") this.show("outdated", t("connection.outdated"), t("connection.reload"));
    else if (this.state === "stopped") this.show("stopped", error ? this.app.explain(error) : t("connection.stopped"), t("connection.reload"));
    else if (this.wasLost) this.show("offline", this.lost(), t("connection.retry"));
    else this.show(this.state, t("connection.connecting"));
  }

  /** Why there is no connection. */
  lost() {
    const { cause } = this.store.connection;
    if (cause === "restart") return this.t("connection.restart");
    if (this.store.epoch === null) return this.t("connection.unreachable");
    return this.t(cause === "device" ? "connection.device" : "connection.offline");
  }

  hide() {
    this.hidden = true;
    clearInterval(this.ticking);
  }

  /** @param {string} state @param {string} text @param {string} [action] */
  show(state, text, action = "") {
    this.hidden = false;
    this.dataset.state = state;
    // Not by :has(), with which every change of the page would be looked at anew from its root.
    document.documentElement.toggleAttribute("data-offline", state === "offline");
    if (this.text.textContent !== text) this.text.textContent = text;
    this.button.hidden = !action;
    this.button.textContent = action;
    clearInterval(this.ticking);
    this.tick();
    if (this.store.connection.retryAt) this.ticking = window.setInterval(() => this.tick(), SECOND_MS);
  }

  tick() {
    const { retryAt } = this.store.connection;
    const seconds = retryAt && !this.hidden ? Math.ceil((retryAt - Date.now()) / SECOND_MS) : 0;
    this.countdown.textContent = seconds > 0 ? this.t("connection.again", { count: seconds }) : "";
  }

  act() {
    if (this.state === "stopped" || this.state === "live") location.reload();
    else this.app.socket.retryNow();
  }
}
