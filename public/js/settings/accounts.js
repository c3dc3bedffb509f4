import { api } from "../api.js";
import { h } from "../dom.js";
import { doAndTell, ownList, rowText } from "./own-list.js";

/** @typedef {{id: string, name: string, display_name: string, role: string, state: "active"|"waiting"|"disabled", created: string}} Account */

const ROLES = ["member", "moderator", "admin"];
const SHOWN = 100;
/** Between two looks how far an erasure is. */
const LOOK_MS = 500;

/** All accounts, for admins; those that wait stand first. @param {import("../app.js").App} app @returns {import("../settings-pages.js").Page} */
export function accountsPage(app) {
  const { t, store, format } = app;

  function node() {
    const search = h("input", { type: "search", "aria-label": t("accounts.search"), placeholder: t("accounts.search"), onInput: () => void draws() });
    const wanted = () => search.value.trim().toLowerCase();
    /** @type {Account[]|null} */
    let all = null;
    const ask = async () => {
      all ??= /** @type {Account[]} */ ((await api("GET", "accounts")).accounts);
      const found = all.filter((one) => [one.name, one.display_name].some((name) => name.toLowerCase().includes(wanted())));
      return [...found].sort((a, b) => Number(b.state === "waiting") - Number(a.state === "waiting")).slice(0, SHOWN);
    };
    const { list, again: draws } = ownList(app, ask, draw, t("accounts.none"));
    const again = () => {
      all = null;
      return draws();
    };

    /** @param {Account} one */
    function draw(one) {
      const change = (/** @type {object} */ fields) => doAndTell(app, () => api("PATCH", `accounts/${one.id}`, fields), again);
      const button = (/** @type {string} */ label, /** @type {() => unknown} */ onClick, kind = "") =>
        h("button", { type: "button", class: `button ${kind}`, "aria-label": `${label}: ${one.name}`, onClick }, label);
      const mark = one.state === "active" ? null : h("span", { class: "own-mark" }, t(`accounts.${one.state}`));
      const text = rowText([app.nameOf(one), mark], one.name === app.nameOf(one) ? null : `@${one.name}`, t("accounts.since", { time: format.moment(one.created) }));
      if (one.id === store.me?.id) return h("div", { class: "own-line" }, text, h("span", { class: "hint" }, t(`accounts.${one.role}`)));
      if (one.state === "waiting") return h("div", { class: "own-line" }, text, button(t("accounts.approve"), () => change({ state: "active" }), "primary"),
        button(t("accounts.refuse"), () => doAndTell(app, () => api("DELETE", `accounts/${one.id}`), again)));
      const role = h("select", { class: "own-select", "aria-label": t("accounts.roleOf", { name: one.name }), onChange: () => void change({ role: role.value }) },
        ...ROLES.map((value) => h("option", { value, selected: value === one.role }, t(`accounts.${value}`))));
      return h("div", { class: "own-line" }, text, role, button(t("accounts.reset"), () => void resetLink(one)),
        button(t("accounts.erase"), () => void askErase(one, again), "danger"),
        one.state === "disabled" ? button(t("accounts.enable"), () => change({ state: "active" })) : button(t("accounts.disable"), () => change({ state: "disabled" })));
    }

    return h("div", { class: "own" }, h("div", { class: "field" }, search), list);
  }

  /** @param {Account} one */
  async function resetLink(one) {
    await doAndTell(app, async () => {
      const { path } = await api("POST", `accounts/${one.id}/reset`);
      app.emit("link", { title: t("accounts.reset"), label: t("accounts.link"), text: t("accounts.resetHint", { name: one.name }), link: location.origin + path });
    });
  }

  /** Tell how much there is, and erase it if that is wanted. @param {Account} one @param {() => unknown} again */
  async function askErase(one, again) {
    await doAndTell(app, async () => {
      const { messages, mentions } = await api("GET", `accounts/${one.id}/erasure`);
      app.emit("confirm", {
        title: t("accounts.eraseTitle", { name: one.name }), text: t("accounts.eraseAsk", { messages, mentions }), action: t("accounts.erase"),
        run: async () => {
          await api("POST", `accounts/${one.id}/erasure`);
          void doAndTell(app, () => erased(one), again);
        },
      });
    });
  }

  /** Wait until it is done, and tell. @param {Account} one */
  async function erased(one) {
    app.toast(t("accounts.erasing", { name: one.name }));
    for (;;) {
      // Where another server does it, this one knows only when it is done.
      const { state, error } = await api("GET", `accounts/${one.id}/erasure/progress`)
        .catch((refusal) => (refusal.code === "not_found" ? { state: "elsewhere" } : Promise.reject(refusal)));
      if (state === "failed") throw new Error(error);
      if (state === "done") return app.toast(t("accounts.erased", { name: one.name }));
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  return { id: "accounts", title: () => t("accounts.title"), when: () => store.may("server.accounts"), fields: () => [{ kind: "node", node }] };
}
