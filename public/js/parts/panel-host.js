import { h, iconButton } from "../dom.js";
import { Part } from "./part.js";

/** The place at the right for one panel at a time; on a phone it takes the screen. */
export class PanelHost extends Part {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    super(app);
    this.caption = h("h2", { class: "bar-title", dir: "auto" });
    this.shut = iconButton("close", "", () => app.panels.close(), "panel-close");
    this.body = h("div", { class: "panel-body" });
    this.people = /** @type {HTMLElement} */ (this.querySelector("member-list"));
    this.prepend(h("div", { class: "bar" }, this.shut, this.caption));
    this.append(this.body);
    /** What is drawn. @type {{panel: import("../panels.js").Panel, arg: string, room: string}|null} */
    this.drawn = null;
    app.panels.add({ name: "people", icon: "people", title: () => this.t("people.title"), caption: () => this.count(), draw: () => this.people });
    app.panels.on("change", () => this.render());
    for (const topic of ["rooms", "members"]) this.store.on(topic, () => this.render());
    this.render();
  }

  translated() {
    this.drawn = null;
    this.render();
  }

  /** How many people are in the room. */
  count() {
    const members = this.store.room(this.store.current)?.members_here;
    return members ? this.t("people.count", { count: members.more ? members.count : members.people.size }) : this.t("people.title");
  }

  render() {
    const { app, store } = this;
    const { open, routed } = app.panels;
    const room = store.room(store.current);
    this.dataset.panel = open?.panel.name ?? "";
    this.shut.classList.toggle("phone-only", !routed);
    this.shut.setAttribute("aria-label", app.t("app.back"));
    this.shut.title = app.t("app.back");
    if (!open) return this.clear();
    const { panel, arg } = open;
    this.setAttribute("aria-label", panel.title(arg));
    this.caption.textContent = panel.caption?.(arg) ?? panel.title(arg);
    const { drawn } = this;
    if (!room || (drawn?.panel === panel && drawn.arg === arg && drawn.room === room.name)) return;
    // Where a panel is closed, the people may be there again.
    const hadFocus = !routed && this.body.contains(document.activeElement);
    this.drawn = { panel, arg, room: room.name };
    const node = panel.draw({ room, arg });
    // A part is never taken out of the page.
    this.people.hidden = node !== this.people;
    this.body.hidden = node === this.people;
    this.body.replaceChildren(...(node && node !== this.people ? [node] : []));
    if (hadFocus) app.emit("focus-composer");
    if (routed && this.shut.checkVisibility()) this.shut.focus({ preventScroll: true });
  }

  clear() {
    const hadFocus = this.contains(document.activeElement);
    this.drawn = null;
    this.body.replaceChildren();
    this.caption.textContent = "";
    if (hadFocus) this.app.emit("focus-composer");
  }
}
