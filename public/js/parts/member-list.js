import { avatar, botMark, h, scheduled, unlessPressed } from "../dom.js";
import { reconcile, refresh } from "../reconcile.js";
import { Part } from "./part.js";

/** @typedef {import("../protocol.js").Member} Member */

/** How many lines are drawn at first, and how many more when their end comes near. */
const STEP = 200;
const ORDER = ["online", "busy", "away"];

/** Who is in this room: those who are here first. */
export class MemberList extends Part {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    super(app);
    this.drawn = STEP;
    this.body = h("ul", { class: "member-rows", tabIndex: -1 });
    this.append(this.body);
    this.draw = scheduled(unlessPressed(this, () => this.render()));
    for (const topic of ["members", "current", "people", "room"]) this.store.on(topic, this.draw);
    this.store.on("presence", (id) => this.change(id));
    this.store.on("current", () => { this.drawn = STEP; });
    this.body.addEventListener("scroll", () => this.loadMore());
    this.body.addEventListener("click", (event) => this.pressed(event));
  }

  translated() {
    this.render();
  }

  render() {
    const room = this.store.room(this.store.current);
    const members = room?.members_here;
    if (!members) return this.body.replaceChildren();
    const people = [...members.people.values()];
    const bots = people.filter(({ user }) => user.bot);
    const here = people.filter((member) => !member.user.bot && this.isHere(member));
    const away = people.filter((member) => !member.user.bot && !this.isHere(member));
    const rows = [...this.group("people.here", here), ...this.group("people.offline", away), ...this.group("people.bots", bots)];
    reconcile(this.body, rows.slice(0, this.drawn), (row) => row.draw());
  }

  /** @param {string} key of the heading @param {Member[]} members */
  group(key, members) {
    return members.length ? [this.heading(key, members.length), ...members.sort(this.byName()).map((member) => this.row(member))] : [];
  }

  /** A user's state has changed; who is here no longer, or again, stands elsewhere. @param {string} id */
  change(id) {
    const member = this.store.room(this.store.current)?.members_here?.people.get(id);
    if (!member || member.user.bot) return;
    const node = this.body.querySelector(`[data-user="${CSS.escape(id)}"]`)?.parentElement;
    const shown = /** @type {HTMLElement|undefined} */ (node?.firstElementChild)?.dataset.status ?? "";
    if (node && ORDER.includes(shown) === this.isHere(member)) refresh(node, this.row(member), (row) => row.draw());
    else this.draw();
  }

  /** @param {Member} member */
  isHere(member) {
    return ORDER.includes(member.status);
  }

  byName() {
    const { compare } = new Intl.Collator(this.app.i18n.lang);
    return (/** @type {Member} */ one, /** @type {Member} */ other) => compare(this.app.nameOf(one.user), this.app.nameOf(other.user));
  }

  /** @param {string} key @param {number} count */
  heading(key, count) {
    const text = this.t(key, { count });
    return { key, version: text, draw: () => h("li", { class: "list-title" }, text) };
  }

  /** @param {Member} member */
  row(member) {
    const name = this.app.nameOf(member.user);
    const { id } = member.user;
    const version = [name, member.status, member.role, member.text, this.store.user(member.user).avatar, this.app.i18n.lang].join("\n");
    return { key: id, version, draw: () => this.person(member, name) };
  }

  /** @param {Member} member @param {string} name */
  person(member, name) {
    const { bot } = member.user;
    const mark = botMark(member.user, this.t);
    const role = member.role !== "member" ? h("span", { class: "member-role" }, this.t(`role.${member.role}`)) : null;
    return h("li", null, h("button", { type: "button", class: "member", "data-status": bot ? null : member.status, "data-user": member.user.id },
      h("span", { class: "member-face" }, avatar(this.store.user(member.user)), bot ? null : h("span", { class: "dot", "data-status": member.status })),
      h("span", { class: "member-text" },
        h("span", { class: "member-name one-line", dir: "auto" }, name, mark, role),
        member.text ? h("span", { class: "member-status one-line", dir: "auto" }, member.text) : null,
        bot ? null : h("span", { class: "visually-hidden" }, this.t(`status.${member.status}`)))));
  }

  /** @param {MouseEvent} event */
  pressed(event) {
    const button = /** @type {HTMLElement|null} */ (/** @type {Element} */ (event.target).closest("[data-user]"));
    const member = this.store.room(this.store.current)?.members_here?.people.get(button?.dataset.user ?? "");
    if (member) this.app.emit("profile", { user: member.user, anchor: button, role: member.role });
  }

  loadMore() {
    const room = this.store.room(this.store.current);
    const members = room?.members_here;
    const { scrollTop, clientHeight, scrollHeight } = this.body;
    if (!room || !members || scrollTop + clientHeight < scrollHeight - 400) return;
    if (this.drawn < members.people.size) {
      this.drawn += STEP;
      this.draw();
    }
    if (!members.more) return;
    const last = [...members.people.keys()].at(-1);
    void this.app.session.pages.once(`members ${room.name}`, () => this.app.session.pages.members(room.name, last));
  }
}
