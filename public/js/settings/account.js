import { api } from "../api.js";
import { h } from "../dom.js";

/** The password, or, for guests, the way to an account. @param {import("../app.js").App} app @returns {import("../settings-pages.js").Page} */
export function accountPage(app) {
  const { t, store } = app;
  const guest = () => store.me?.role === "guest";

  function passwordForm() {
    const field = (/** @type {string} */ id, /** @type {string} */ label, /** @type {string} */ autocomplete, /** @type {string} */ hint = "") => {
      const input = h("input", { id, type: "password", required: true, autocomplete });
      return { input, row: h("div", { class: "field" }, h("label", { htmlFor: id }, label), input, hint ? h("p", { class: "hint" }, hint) : null) };
    };
    const user = h("input", { type: "text", autocomplete: "username", hidden: true, value: store.me?.name ?? "", name: "username" });
    const old = field("password-old", t("account.oldPassword"), "current-password");
    const next = field("password-new", t("account.newPassword"), "new-password", t("account.passwordHint"));
    const error = h("p", { class: "form-error", role: "alert" });
    const button = h("button", { type: "submit", class: "button primary" }, t("account.change"));
    const form = h("form", { class: "form", noValidate: true }, h("h3", null, t("account.changePassword")), user, old.row, next.row, error, h("div", null, button),
      h("p", { class: "hint" }, t("account.othersEnd")));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      button.disabled = true;
      error.textContent = "";
      for (const { input } of [old, next]) input.removeAttribute("aria-invalid");
      try {
        await api("POST", "password", { old: old.input.value, new: next.input.value });
        form.reset();
        app.toast(t("account.changed"));
      } catch (/** @type {any} */ refusal) {
        const wrong = refusal.code === "unauthorized" ? old.input : next.input;
        error.textContent = refusal.code === "unauthorized" ? t("account.wrongPassword") : app.explain(refusal);
        wrong.setAttribute("aria-invalid", "true");
        wrong.focus();
      } finally {
        button.disabled = false;
      }
    });
    return form;
  }

  function data() {
    const end = h("button", { type: "button", class: "button danger", onClick: () => app.emit("dialog", { name: "end" }) }, t("account.end"));
    return h("div", { class: "own" }, h("h3", null, t("account.data")), h("a", { class: "button", href: "/api/v1/me/data", download: "" }, t("account.download")), end);
  }

  /** @returns {import("../settings-pages.js").Field[]} */
  const fields = () => (guest()
    ? [{ kind: "button", label: t("account.create"), hint: t("account.guestHint"), press: () => app.emit("dialog", { name: "register" }) }]
    : [{ kind: "node", node: passwordForm }, { kind: "node", node: data }]);
  const mayRegister = () => ["open", "approval"].includes(store.server.registration ?? "");
  return { id: "account", title: () => t("account.title"), when: () => !guest() || mayRegister(), fields };
}
