import { api } from "../api.js";
import { h } from "../dom.js";
import { copyText } from "../platform.js";
import { doAndTell, ownList, rowText } from "./own-list.js";

/** @typedef {{code: string, path: string, uses_left: number, expires: string, rooms: string[], by: import("../protocol.js").User|null}} Invite */

const DAYS = [1, 7, 30, 365];
const USES = [1, 5, 25, 100, 1000];

/** Links with which people register. @param {import("../app.js").App} app @returns {import("../settings-pages.js").Page} */
export function invitesPage(app) {
  const { t, store, format } = app;
  const link = (/** @type {Invite} */ invite) => location.origin + invite.path;
  const copy = async (/** @type {Invite} */ invite) => {
    const copied = await copyText(link(invite));
    app.toast(copied ? t("invites.copied") : link(invite));
  };

  /** @param {string} label @param {[string, string][]} options @param {string} chosen */
  function choice(label, options, chosen) {
    const id = `invite-${Math.random().toString(36).slice(2, 8)}`;
    const select = h("select", { id }, ...options.map(([value, text]) => h("option", { value, selected: value === chosen }, text)));
    return { select, row: h("div", { class: "field" }, h("label", { htmlFor: id }, label), select) };
  }

  function node() {
    const { list, again } = ownList(app, async () => /** @type {Invite[]} */ ((await api("GET", "invites")).invites), (invite) => {
      const rooms = invite.rooms.length ? t("invites.into", { rooms: invite.rooms.map((room) => `#${room}`).join(", ") }) : null;
      const by = invite.by && invite.by.id !== store.me?.id ? t("invites.by", { name: app.nameOf(invite.by) }) : null;
      const what = [t("invites.left", { count: invite.uses_left }), t("invites.until", { time: format.moment(invite.expires) })].join(" · ");
      return h("div", { class: "own-line" }, rowText([h("code", { class: "own-link" }, link(invite))], what, rooms, by),
        h("button", { type: "button", class: "button", onClick: () => copy(invite) }, t("invites.copy")),
        h("button", { type: "button", class: "button", "aria-label": t("invites.dropOne", { link: link(invite) }), onClick: () => doAndTell(app, () => api("DELETE", `invites/${invite.code}`), again) }, t("invites.drop")));
    }, t("invites.none"));
    const mine = [...store.rooms.values()].filter((room) => room.joined && room.kind !== "direct");
    const uses = choice(t("invites.uses"), USES.map((count) => [`${count}`, t("invites.people", { count })]), "1");
    const days = choice(t("invites.days"), DAYS.map((count) => [`${count}`, t("invites.forDays", { count })]), "7");
    const room = choice(t("invites.room"), [["", t("invites.noRoom")], ...mine.map((one) => /** @type {[string, string]} */ ([one.name, `#${one.name}`]))], "");
    const make = async () => {
      const { invite } = await api("POST", "invites", { uses: Number(uses.select.value), days: Number(days.select.value), rooms: room.select.value ? [room.select.value] : [] });
      await copy(invite);
    };
    return h("div", { class: "own" }, h("p", { class: "hint" }, t("invites.hint")), h("div", { class: "own-form" }, uses.row, days.row, room.row),
      h("button", { type: "button", class: "button primary", onClick: () => doAndTell(app, make, again) }, t("invites.make")), list);
  }

  const when = () => store.may("invite.create") && store.server.registration !== "closed";
  return { id: "invites", title: () => t("invites.title"), when, fields: () => [{ kind: "node", node }] };
}
