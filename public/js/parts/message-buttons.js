import { h } from "../dom.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../protocol.js").Action} Action */

/** The buttons that plugins put below a message. @param {App} app @param {Action[]} actions */
export function messageButtons(app, actions) {
  return h("div", { class: "message-buttons", role: "group", "aria-label": app.t("buttons.label") }, ...actions.map((action) => {
    const allowed = mayPress(app, action);
    return h("button", { type: "button", class: `button ${action.style === "primary" || action.style === "danger" ? action.style : ""}`, dir: "auto",
      "data-action": "press", "data-plugin": action.plugin, "data-press": action.id, disabled: !allowed,
      title: allowed ? undefined : app.t("error.forbidden") }, action.label);
  }));
}

/** Whether the user's role may be enough; the server decides. @param {App} app @param {Action} action */
function mayPress({ store }, { permission }) {
  const { role } = store.room(store.current) ?? {};
  return !permission || store.may(permission) || role === "moderator" || role === "owner";
}

/** Press a button once, and say what is refused. @param {App} app @param {string|undefined} messageId @param {HTMLElement} target */
export async function pressButton(app, messageId, target) {
  const { plugin, press } = target.dataset;
  const button = /** @type {HTMLButtonElement} */ (target);
  if (!messageId || !plugin || !press || button.getAttribute("aria-busy")) return;
  const message = /** @type {HTMLElement|null} */ (button.closest(".message"));
  // Not disabled, which would take the focus away.
  button.setAttribute("aria-busy", "true");
  try {
    await app.session.press(messageId, plugin, press);
  } catch (error) {
    app.complain(error);
  } finally {
    button.removeAttribute("aria-busy");
    if (!button.isConnected && document.activeElement === document.body) message?.focus({ preventScroll: true });
  }
}
