import { h } from "./dom.js";
import { REQUEST } from "./protocol.js";

/** Invitations into rooms that wait for an answer: a few lines above the list of rooms, on every device. */
export class Invitations {
  /** @param {import("./app.js").App} app */
  constructor(app) {
    this.app = app;
    /** @type {any[]} */
    this.waiting = [];
    this.node = h("ul", { class: "invitations", hidden: true });
    document.querySelector("room-list")?.before(this.node);
    app.onEvent("invited", (event) => this.show([event, ...this.without(event.room.name)]));
    app.onEvent("invitation_gone", ({ room }) => this.show(this.without(room)));
    app.store.on("connection", ({ state }) => state === "live" && void this.ask());
    app.i18n.on("change", () => this.draw());
    if (app.store.connection.state === "live") void this.ask();
  }

  /** @param {any[]} waiting */
  show(waiting) {
    this.waiting = waiting;
    this.draw();
  }

  /** @param {string} room */
  without(room) {
    return this.waiting.filter((one) => one.room.name !== room);
  }

  async ask() {
    try {
      this.show((await this.app.session.socket.request(REQUEST.invitations, {})).invitations);
    } catch {
      // With the next connection.
    }
  }

  draw() {
    this.node.hidden = this.waiting.length === 0;
    this.node.replaceChildren(...this.waiting.map((one) => this.row(one)));
  }

  /** @param {any} invitation */
  row({ room, by }) {
    const { app } = this;
    const { t } = app;
    const answer = async (/** @type {boolean} */ accept) => {
      try {
        await app.session.socket.request(REQUEST.invitation, { room: room.name, accept });
        if (accept) app.router.go(room.name);
      } catch (error) {
        app.complain(error);
      }
      this.show(this.without(room.name));
    };
    return h("li", { class: "invitation" }, h("p", { dir: "auto" }, t("invitations.asked", { by: app.nameOf(by), room: room.title || `#${room.name}` })),
      h("button", { type: "button", class: "button primary", onClick: () => answer(true) }, t("invitations.accept")),
      h("button", { type: "button", class: "button", onClick: () => answer(false) }, t("invitations.refuse")));
  }
}
