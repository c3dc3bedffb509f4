import { avatar, h, icon } from "../dom.js";
import { Part } from "./part.js";

/** Who I am; opens the settings. */
export class MeBar extends Part {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    super(app);
    for (const topic of ["me", "people", "presence", "connection"]) this.store.on(topic, () => this.draw());
  }

  translated() {
    this.draw();
  }

  draw() {
    const { store, app, t } = this;
    if (!store.me) return;
    const there = ["live", "syncing"].includes(store.connection.state);
    const status = there ? store.presence.get(store.me.id)?.status ?? "online" : "offline";
    const hadFocus = this.contains(document.activeElement);
    const button = h("button", { type: "button", class: "me-button", onClick: () => app.emit("dialog", { name: "settings" }) },
      avatar(store.me),
      h("span", { class: "me-text" },
        h("span", { class: "me-name one-line", dir: "auto" }, app.nameOf(store.me)),
        h("span", { class: "me-status one-line" }, h("span", { class: "dot", "data-status": status }), t(`status.${status}`))),
      h("span", { class: "me-gear", title: t("settings.title") }, icon("settings"), h("span", { class: "visually-hidden" }, t("settings.title"))));
    this.replaceChildren(button);
    if (hadFocus) button.focus();
  }
}
