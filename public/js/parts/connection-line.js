import { h } from "../dom.js";
import { Part } from "./part.js";

const PATIENCE_MS = 800;

/** One quiet line: nothing while all is well, and not at once when it isn't. */
export class ConnectionLine extends Part {
  setup() {
    this.text = h("span");
    this.button = h("button", { type: "button", class: "link-button", onClick: () => this.act() });
    this.append(this.text, this.button);
    this.hidden = true;
    this.wasLost = false;
    this.store.on("connection", () => this.changed());
  }

  translated() {
    this.draw();
  }

  changed() {
    clearTimeout(this.timer);
    const { state } = this.store.connection;
    if (state === "live" && this.wasLost) return this.back();
    if (state === "live" || !this.hidden || state === "stopped") this.draw();
    else this.timer = setTimeout(() => this.draw(), PATIENCE_MS);
  }

  /** It was gone long enough to be seen: say that it is back, and go. */
  back() {
    this.wasLost = false;
    this.dataset.state = "live";
    this.text.textContent = this.t("connection.back");
    this.button.hidden = true;
    this.timer = setTimeout(() => this.draw(), 2000);
  }

  draw() {
    const { state, reason } = this.store.connection;
    const lost = state === "offline" || state === "stopped";
    this.wasLost ||= lost;
    this.hidden = state === "live";
    this.dataset.state = state === "connecting" && this.wasLost ? "offline" : state;
    this.text.textContent = state === "stopped" ? reason || this.t("connection.stopped")
      : this.t(this.dataset.state === "offline" ? "connection.offline" : "connection.connecting");
    this.button.hidden = !lost;
    this.button.textContent = this.t(state === "stopped" ? "connection.reload" : "connection.retry");
  }

  act() {
    if (this.store.connection.state === "stopped") location.reload();
    else this.app.socket.retryNow();
  }
}
