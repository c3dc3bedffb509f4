import { avatar, h, icon, iconButton, scheduled } from "../dom.js";
import { publicRoom } from "../slots.js";
import { Part } from "./part.js";
import { openRoomMenu } from "./room-menu.js";

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
    this.more = iconButton("more", "", () => this.openMenu());
    this.more.setAttribute("aria-haspopup", "menu");
    this.people = iconButton("people", "", () => app.panels.toggle("people"));
    /** What plugins have drawn for. */
    this.drawnFor = "";
    this.append(this.back, this.fold, this.mark, h("div", { class: "room-text" }, this.name, this.topic), this.extras, this.people, this.more);
    this.draw = scheduled(() => this.render());
    for (const topic of ["current", "room", "rooms", "people", "presence", "members"]) this.store.on(topic, this.draw);
    app.on("plugins", () => {
      this.drawnFor = "";
      this.render();
    });
    app.panels.on("change", this.draw);
    app.settings.on("change", this.draw);
  }

  translated() {
    this.render();
  }

  render() {
    const { store, app, t } = this;
    const room = store.room(store.current);
    const direct = room?.kind === "direct" && room.with;
    this.name.textContent = room ? app.roomTitle(room) : "";
    this.topic.textContent = room ? (direct ? this.about(direct) : room.topic) : "";
    this.topic.title = this.topic.textContent ?? "";
    if (direct) this.mark.replaceChildren(avatar(store.user(direct)));
    else this.mark.replaceChildren(...(room ? [icon(room.kind === "private" ? "lock" : "hash")] : []));
    this.mark.classList.toggle("face", Boolean(direct));
    this.people.hidden = !room || Boolean(direct);
    this.more.hidden = !room;
    this.fill(room);
    this.label(this.back, t("app.back"));
    this.label(this.fold, t("app.fold"));
    this.label(this.people, t("people.title"));
    this.label(this.more, t("room.menu"));
    this.fold.setAttribute("aria-pressed", String(app.settings.get("sidebar")));
    this.people.setAttribute("aria-pressed", String(app.panels.open?.panel.name === "people"));
  }

  /** Plugins draw again when something of the room has changed. @param {import("../store.js").Room|undefined} room */
  fill(room) {
    const now = room ? publicRoom(room) : null;
    const { unread, mentions, head, ...rest } = now ?? {};
    const drawnFor = JSON.stringify(rest);
    if (drawnFor === this.drawnFor) return;
    this.drawnFor = drawnFor;
    this.extras.replaceChildren(...(now ? this.app.plugins.slots.fill("header", { room: now }) : []));
  }

  openMenu() {
    const room = this.store.room(this.store.current);
    if (room) openRoomMenu(this.app, room, this.more);
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
}
