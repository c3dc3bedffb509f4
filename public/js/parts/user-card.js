import { avatar, botMark, h, icon } from "../dom.js";
import { REQUEST } from "../protocol.js";
import { publicRoom } from "../slots.js";
import { Part } from "./part.js";

const GAP_PX = 8;

/** Who is this? A small card beside the name that was pressed, with the way to talk to them. */
export class UserCard extends Part {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    super(app);
    this.card = h("div", { class: "card", popover: "auto", tabIndex: -1 });
    this.append(this.card);
    this.extra = h("div", { class: "card-slot" });
    /** @type {import("../protocol.js").User|null} */
    this.user = null;
    app.on("profile", ({ user, anchor, role }) => this.open(user, anchor, role));
    // What a plugin shows comes in when its part has loaded, also while the card is open.
    app.on("plugins", () => this.fill());
  }

  /** @param {import("../protocol.js").User} user @param {HTMLElement} anchor @param {string} [role] in the room */
  open(user, anchor, role) {
    const { app, store, t } = this;
    const known = store.user(user);
    const { status = "offline", text = "" } = store.presence.get(user.id) ?? {};
    const face = avatar(known);
    face.classList.add("large");
    const name = app.nameOf(known);
    const message = known.bot || user.id === store.me?.id ? null
      : h("button", { type: "button", class: "button primary wide", onClick: () => this.talk(known) }, icon("chat"), t("people.message"));
    const mention = user.id === store.me?.id ? null
      : h("button", { type: "button", class: "button wide", onClick: () => this.mention(known) }, t("people.mention"));
    const state = h("span", null, h("span", { class: "dot", "data-status": status }), t(`status.${status}`));
    this.card.setAttribute("aria-label", name);
    this.card.setAttribute("role", "dialog");
    this.card.replaceChildren(face,
      h("p", { class: "card-name", dir: "auto" }, name), h("p", { class: "card-handle", dir: "auto" }, `@${known.name}`),
      h("p", { class: "card-status" }, botMark(known, t), known.bot ? null : state, text ? ` · ${text}` : "",
        role && role !== "member" ? ` · ${t(`role.${role}`)}` : ""),
      ...[message, mention, this.block(known)].filter((node) => node !== null), ...this.roles(known, role), this.extra);
    this.user = known;
    this.fill();
    void this.more(known, anchor);
    this.card.showPopover();
    this.place(anchor);
    (message ?? this.card).focus();
  }

  /** What the owners of the room make a member there. @param {import("../protocol.js").User} user @param {string} [role] */
  roles(user, role) {
    const { app, store, t } = this;
    const room = store.room(store.current);
    if (!role || !room || room.kind === "direct" || (room.role !== "owner" && !store.may("room.roles"))) return [];
    const select = h("select", { "aria-label": t("room.role"), onChange: async () => {
      try {
        await app.session.setRole(room.name, user.id, select.value);
      } catch (refusal) {
        select.value = role;
        app.complain(refusal);
      }
    } }, ...["member", "moderator", "owner"].map((each) => h("option", { value: each, selected: each === role }, t(`role.${each}`))));
    return [h("div", { class: "field card-slot" }, h("span", { class: "label", "aria-hidden": "true" }, t("room.role")), select)];
  }

  /** What the user says of themselves: it comes a moment later. @param {import("../protocol.js").User} user @param {HTMLElement} anchor */
  async more(user, anchor) {
    const { app, t } = this;
    const { user: full } = await app.session.socket.request(REQUEST.profile, { user: user.id }).catch(() => ({}));
    if (!full || this.user?.id !== user.id) return;
    const lines = [full.status_until ? t("profile.until", { time: app.format.exact(full.status_until) }) : "",
      full.time_zone ? t("profile.clock", { time: clock(full.time_zone, app.i18n.lang), zone: full.time_zone }) : ""];
    const about = lines.filter(Boolean).map((line) => h("p", { class: "card-handle" }, line));
    if (!about.length) return;
    this.card.querySelector(".card-status")?.after(h("div", { class: "card-about" }, ...about));
    this.place(anchor);
  }

  /** Hear nothing of them any more, or again. @param {import("../protocol.js").User} user */
  block(user) {
    const { app, store, t } = this;
    if (user.id === store.me?.id) return null;
    const on = !store.blocked.has(user.id);
    return h("button", { type: "button", class: "button wide", title: t("people.blockHint"), onClick: async () => {
      this.card.hidePopover();
      try {
        await app.session.socket.request(REQUEST.block, { user: user.id, on });
        app.toast(t(on ? "people.isBlocked" : "people.isUnblocked", { name: app.nameOf(user) }));
      } catch (refusal) {
        app.complain(refusal);
      }
    } }, t(on ? "people.block" : "people.unblock"));
  }

  /** What plugins show of the user. */
  fill() {
    if (!this.user) return;
    const room = this.store.room(this.store.current);
    this.extra.replaceChildren(...this.app.plugins.slots.fill("member", { user: { ...this.user }, room: room ? publicRoom(room) : null }));
    this.extra.hidden = !this.extra.childElementCount;
  }

  /** Beside the anchor, inside the window. @param {HTMLElement} anchor */
  place(anchor) {
    const from = anchor.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.card;
    const right = from.right + GAP_PX + width < window.innerWidth;
    const left = right ? from.right + GAP_PX : Math.max(GAP_PX, from.left - width - GAP_PX);
    const top = Math.min(Math.max(GAP_PX, from.top), window.innerHeight - height - GAP_PX);
    this.card.style.setProperty("left", `${Math.min(left, window.innerWidth - width - GAP_PX)}px`);
    this.card.style.setProperty("top", `${Math.max(GAP_PX, top)}px`);
  }

  /** @param {import("../protocol.js").User} user */
  talk(user) {
    this.card.hidePopover();
    this.app.router.go(this.store.direct(user));
  }

  /** @param {import("../protocol.js").User} user */
  mention(user) {
    const { app } = this;
    this.card.hidePopover();
    if (app.panels.routed && app.panels.narrow.matches) app.panels.close();
    app.emit("insert", `@${user.name} `);
  }
}

/** @param {string} timeZone @param {string} language */
function clock(timeZone, language) {
  return new Intl.DateTimeFormat(language, { hour: "numeric", minute: "2-digit", weekday: "short", timeZone }).format(new Date());
}
