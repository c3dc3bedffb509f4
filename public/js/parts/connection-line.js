import { h } from "../dom.js";
import { Part } from "./part.js";

const PATIENCE_MS = 800;

/** One quiet line: nothing while all is well, and not at once when it isn't. */
export class ConnectionLine extends Part {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    super(app);
    this.text = h("span");
    this.button = h("button", { type: "button", class: "link-button", onClick: () => this.act() });
    this.append(this.text, this.button);
    this.hidden = true;
    this.wasLost = false;
    /** @type {any} */
    this.timer = undefined;
    this.store.on("connection", () => this.changed());
  }

  translated() {
    this.draw();
  }

  changed() {
    const { state } = this.store.connection;
    this.wasLost ||= state === "offline" || state === "stopped";
    if (state === "live") return this.hidden ? this.draw() : this.back();
    if (!this.hidden || state === "stopped") this.draw();
    else this.timer ??= setTimeout(() => this.draw(), PATIENCE_MS);
  }

  /** It was gone long enough to be seen: say that it is back, and go. */
  back() {
    if (!this.wasLost) return this.draw();
    this.wasLost = false;
    clearTimeout(this.timer);
    this.dataset.state = "live";
    this.text.textContent = this.t("connection.back");
    this.button.hidden = true;
    this.timer = setTimeout(() => this.draw(), 2000);
  }

  draw() {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { state, reason } = this.store.connection;
    this.hidden = state === "live";
    if (this.hidden) this.wasLost = false;
    this.dataset.state = state !== "stopped" && this.wasLost ? "offline" : state;
    this.text.textContent = state === "stopped" ? reason || this.t("connection.stopped")
      : this.t(this.dataset.state === "offline" ? "connection.offline" : "connection.connecting");
    this.button.hidden = !this.wasLost;
    this.button.textContent = this.t(state === "stopped" ? "connection.reload" : "connection.retry");
  }

  act() {
    if (this.store.connection.state === "stopped") location.reload();
    else this.app.socket.retryNow();
  }
}
