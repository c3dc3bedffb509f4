import { h } from "../dom.js";
import { REQUEST } from "../protocol.js";
import { doAndTell, ownList, rowText } from "./own-list.js";

/** Of whom I want to hear nothing. @param {import("../app.js").App} app @returns {import("../settings-pages.js").Page} */
export function blockedPage(app) {
  const { t, session } = app;
  /** @param {import("../protocol.js").User} user @param {() => unknown} again */
  const row = (user, again) => h("div", { class: "own-line" }, rowText([app.nameOf(user)], `@${user.name}`),
    h("button", { type: "button", class: "button", onClick: () => doAndTell(app, () => session.socket.request(REQUEST.block, { user: user.id, on: false }), again) }, t("people.unblock")));

  function list() {
    const { list: node, again } = ownList(app, async () => (await session.socket.request(REQUEST.blocked, {})).users, (user) => row(user, () => { void again(); }), t("people.noneBlocked"));
    return h("div", { class: "own" }, h("p", { class: "hint" }, t("people.blockHint")), node);
  }

  return { id: "blocked", title: () => t("people.blocked"), fields: () => [{ kind: "node", node: list }] };
}
