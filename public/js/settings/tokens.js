import { api } from "../api.js";
import { h } from "../dom.js";
import { doAndTell, ownList, rowText } from "./own-list.js";

/** @typedef {{id: string, name: string, scopes: string[], used: string, expires?: string}} Token */

const READ = "messages.read";
const DAYS = [30, 90, 365, 0];
const DAY_MS = 86_400_000;

/** Tokens for programs. @param {import("../app.js").App} app @returns {import("../settings-pages.js").Page} */
export function tokensPage(app) {
  const { t, store, format } = app;

  function node() {
    const { list, again } = ownList(app, async () => /** @type {Token[]} */ ((await api("GET", "tokens")).tokens), (one) => {
      const until = one.expires ? t("invites.until", { time: format.moment(one.expires) }) : t("tokens.endless");
      return h("div", { class: "own-line" }, rowText([one.name], one.scopes.join(", "), [until, t("sessions.used", { time: format.moment(one.used) })].join(" · ")),
        h("button", { type: "button", class: "button", "aria-label": t("sessions.endOne", { name: one.name }), onClick: () => doAndTell(app, () => api("DELETE", `tokens/${one.id}`), again) }, t("sessions.end")));
    }, t("tokens.none"));
    const name = h("input", { id: "token-name", maxLength: 64, dir: "auto" });
    const days = h("select", { id: "token-days" }, ...DAYS.map((count) => h("option", { value: `${count}` }, count ? t("invites.forDays", { count }) : t("tokens.endless"))));
    const boxes = [READ, ...[...store.permissions].sort()].map((scope) => ({ scope, box: h("input", { type: "checkbox", checked: scope === READ || scope === "message.post" }) }));
    const make = async () => {
      const expires = Number(days.value) ? new Date(store.serverNow() + Number(days.value) * DAY_MS).toISOString() : null;
      const scopes = boxes.filter(({ box }) => box.checked).map(({ scope }) => scope);
      const { token } = await api("POST", "tokens", { name: name.value.trim(), scopes, expires });
      name.value = "";
      app.emit("link", { title: t("tokens.title"), text: t("tokens.once"), label: t("tokens.token"), link: token });
    };
    const field = (/** @type {string} */ label, /** @type {HTMLElement} */ control) => h("div", { class: "field" }, h("label", { htmlFor: control.id }, label), control);
    return h("div", { class: "own" }, h("p", { class: "hint" }, t("tokens.hint")), list, h("h3", null, t("tokens.new")),
      h("div", { class: "own-form" }, field(t("tokens.name"), name), field(t("invites.days"), days)),
      h("fieldset", { class: "own-scopes" }, h("legend", null, t("tokens.scopes")), ...boxes.map(({ scope, box }) => h("label", { class: "check" }, box, h("code", null, scope)))),
      h("button", { type: "button", class: "button primary", onClick: () => doAndTell(app, make, again) }, t("tokens.make")));
  }

  return { id: "tokens", title: () => t("tokens.title"), when: () => store.me?.role !== "guest", fields: () => [{ kind: "node", node }] };
}
