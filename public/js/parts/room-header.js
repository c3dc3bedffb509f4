import { avatar, h, icon, iconButton, scheduled } from "../dom.js";
import { roomHash } from "../router.js";
import { Part } from "./part.js";

const NARROW = "(max-width: 56.1875em)";

/** What this room is: title, topic, who is there, what can be done with it. */
export class RoomHeader extends Part {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    super(app);
    this.back = iconButton("back", "", () => app.router.replace("#/"), "phone-only");
    this.fold = iconButton("sidebar", "", () => app.settings.set("sidebar", !app.settings.get("sidebar")), "wide-only");
    this.mark = h("span", { class: "room-mark" });
    this.name = h("h1", { class: "room-title one-line", id: "room-title", dir: "auto" });
    this.topic = h("p", { class: "room-topic one-line", dir: "auto" });
    this.extras = h("span", { class: "slot" });
    this.details = iconButton("more", "", () => app.emit("dialog", { name: "room", room: this.store.current }));
    this.people = iconButton("people", "", () => this.togglePeople());
    this.append(this.back, this.fold, this.mark, h("div", { class: "room-text" }, this.name, this.topic), this.extras, this.people, this.details);
    this.draw = scheduled(() => this.render());
    for (const topic of ["current", "room", "rooms", "people", "presence", "members"]) this.store.on(topic, this.draw);
    app.on("plugins", () => this.render(true));
    this.store.on("current", () => this.render(true));
    app.settings.on("change", this.draw);
  }

  translated() {
    this.render();
  }

  /** @param {boolean} [anew] whether plugins draw again */
  render(anew = false) {
    const { store, app, t } = this;
    const room = store.room(store.current);
    const direct = room?.kind === "direct" && room.with;
    this.name.textContent = room ? app.roomTitle(room) : "";
    this.topic.textContent = room ? (direct ? this.about(direct) : room.topic) : "";
    this.topic.title = this.topic.textContent ?? "";
    if (direct) this.mark.replaceChildren(avatar(direct));
    else this.mark.replaceChildren(...(room ? [icon(room.kind === "private" ? "lock" : "hash")] : []));
    this.mark.classList.toggle("face", Boolean(direct));
    this.people.hidden = this.details.hidden = !room || Boolean(direct);
    if (anew && room) this.extras.replaceChildren(...app.plugins.fill("header", { room: room.name }));
    this.label(this.back, t("app.back"));
    this.label(this.fold, t("app.fold"));
    this.label(this.people, t("people.title"));
    this.label(this.details, t("room.details"));
    this.fold.setAttribute("aria-pressed", String(app.settings.get("sidebar")));
    this.people.setAttribute("aria-pressed", String(app.settings.get("people")));
  }

  /** @param {import("../protocol.js").User} user */
  about(user) {
    const { status = "offline", text = "" } = this.store.presence.get(user.id) ?? {};
    const name = this.store.user(user).name;
    return [name === this.app.nameOf(user) ? "" : `@${name}`, this.t(`status.${status}`), text].filter(Boolean).join(" · ");
  }

  /** @param {HTMLElement} button @param {string} text */
  label(button, text) {
    button.setAttribute("aria-label", text);
    button.title = text;
  }

  /** Beside the conversation where there is room for it, else a page of its own in the history. */
  togglePeople() {
    const { app, store } = this;
    if (store.current === null) return;
    if (!window.matchMedia(NARROW).matches) app.settings.set("people", !app.settings.get("people"));
    else if (app.router.route.people) app.router.replace(roomHash(store.current));
    else app.router.go(store.current, "people");
  }
}
