import { api } from "../api.js";
import { h } from "../dom.js";
import { browserName } from "./browser-name.js";
import { doAndTell, ownList, rowText } from "./own-list.js";

/** @typedef {{id: string, current: boolean, created?: string, used?: string, address?: string, client?: string}} OwnSession */

/** Where one is signed in. @param {import("../app.js").App} app @returns {import("../settings-pages.js").Page} */
export function sessionsPage(app) {
  const { t, format } = app;
  const end = (/** @type {string} */ path, /** @type {() => unknown} */ after) => doAndTell(app, () => api("DELETE", path), after);

  function node() {
    const { list, again } = ownList(app, async () => /** @type {OwnSession[]} */ ((await api("GET", "sessions")).sessions), (one) => {
      const name = browserName(one.client ?? "") || t("sessions.unknown");
      const mark = one.current ? h("span", { class: "own-mark" }, t("sessions.current")) : null;
      const when = one.used ? t("sessions.used", { time: format.moment(one.used) }) : null;
      const from = one.created ? t("sessions.created", { time: format.moment(one.created), address: one.address ?? "?" }) : null;
      const button = one.current ? null : h("button", { type: "button", class: "button", "aria-label": t("sessions.endOne", { name }), onClick: () => end(`sessions/${one.id}`, again) }, t("sessions.end"));
      return h("div", { class: "own-line" }, rowText([name, mark], when, from), button);
    }, t("sessions.unknown"));
    const others = h("button", { type: "button", class: "button", onClick: () => end("sessions", again) }, t("sessions.endOthers"));
    return h("div", { class: "own" }, h("p", { class: "hint" }, t("sessions.hint")), list, others);
  }

  return { id: "sessions", title: () => t("sessions.title"), fields: () => [{ kind: "node", node }] };
}
