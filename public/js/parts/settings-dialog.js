import { api } from "../api.js";
import { append, h, icon } from "../dom.js";
import { accountPage } from "../settings/account.js";
import { accountsPage } from "../settings/accounts.js";
import { appearancePage } from "../settings/appearance.js";
import { blockedPage } from "../settings/blocked.js";
import { invitesPage } from "../settings/invites.js";
import { keysPage } from "../settings/keys.js";
import { languagePage } from "../settings/language.js";
import { notificationsPage } from "../settings/notifications.js";
import { profilePage } from "../settings/profile.js";
import { sessionsPage } from "../settings/sessions.js";
import { tokensPage } from "../settings/tokens.js";
import { write } from "../settings.js";
import { forgetSnapshots } from "../snapshot.js";
import { DialogPart } from "./dialog.js";

/** @typedef {import("../settings-pages.js").Field} Field */

/** How this browser looks and behaves, how others see me, and the way out: one page at a time. */
export class SettingsDialog extends DialogPart {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    super(app);
    this.page = "profile";
    app.pages.begin([profilePage(app), accountPage(app), sessionsPage(app), blockedPage(app), appearancePage(app), notificationsPage(app), languagePage(app), keysPage(app),
      tokensPage(app), invitesPage(app), accountsPage(app)]);
    app.on("dialog", ({ name, page }) => name === "settings" && this.open(page));
    app.pages.on("change", () => this.repaged());
  }

  translated() {
    this.redraw();
  }

  redraw() {
    if (this.dialog?.open) this.show(this.page);
  }

  /** A page came or went: what is being written in another one stays. */
  repaged() {
    if (!this.dialog?.open) return;
    const page = this.app.pages.shown.find((one) => one.id === this.page);
    if (page) this.drawTabs(page);
    else this.redraw();
  }

  /** @param {string} [page] */
  open(page = this.page) {
    const { t } = this;
    this.tabs = h("div", { class: "settings-tabs", role: "tablist", "aria-orientation": "vertical" });
    this.body = h("div", { class: "settings-page", role: "tabpanel", id: "settings-page", tabIndex: -1 });
    this.foot = h("div", { class: "settings-foot" });
    this.openDialog(t("settings.title"), h("div", { class: "settings" }, this.tabs, this.body), this.foot);
    this.dialog?.classList.add("wide");
    this.tabs.addEventListener("keydown", (event) => this.key(event));
    this.show(page);
    /** @type {HTMLElement|null} */ (this.tabs.querySelector("[aria-selected=true]"))?.focus();
  }

  /** @param {string} id */
  show(id) {
    const { shown } = this.app.pages;
    const page = shown.find((one) => one.id === id) ?? shown[0];
    this.page = page.id;
    this.drawTabs(page);
    this.body?.setAttribute("aria-labelledby", `settings-tab-${page.id}`);
    this.body?.replaceChildren();
    append(/** @type {HTMLElement} */ (this.body), page.fields().map((field) => this.draw(field)));
    this.foot?.replaceChildren(...this.about());
    const title = this.dialog?.querySelector(".dialog-head h2");
    if (title) title.textContent = this.t("settings.title");
  }

  /** @param {import("../settings-pages.js").Page} page the one that is shown */
  drawTabs(page) {
    const hadFocus = this.tabs?.contains(document.activeElement);
    this.tabs?.replaceChildren(...this.app.pages.shown.map((one) => h("button", { type: "button", class: "settings-tab", role: "tab", id: `settings-tab-${one.id}`,
      "aria-controls": "settings-page", "aria-selected": String(one === page), tabIndex: one === page ? 0 : -1,
      onClick: () => this.show(one.id) }, one.title())));
    if (hadFocus) /** @type {HTMLElement|null} */ (this.tabs?.querySelector("[aria-selected=true]"))?.focus();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const { shown } = this.app.pages;
    const at = shown.findIndex((page) => page.id === this.page);
    this.show(shown[(at + step + shown.length) % shown.length].id);
  }

  /** @param {Field} field @returns {Node|null} */
  draw(field) {
    switch (field.kind) {
      case "node": return field.node();
      case "choice": return this.choice(field.label, field.value(), field.options, (value) => void field.change(value), field.hint);
      case "check": {
        const box = h("input", { type: "checkbox", checked: field.value(), onChange: () => void field.change(box.checked) });
        return h("label", { class: "check" }, box, h("span", null, field.label, field.hint ? h("small", { class: "hint" }, field.hint) : null));
      }
      case "button": return h("div", { class: "field" }, h("button", { type: "button", class: `button ${field.danger ? "danger" : ""}`, onClick: () => void field.press() },
        field.icon ? icon(field.icon) : null, field.label), field.hint ? h("p", { class: "hint" }, field.hint) : null);
      default: {
        const input = h("input", { type: field.kind, value: field.value(), maxLength: field.most ?? 100, dir: "auto", onChange: () => void field.change(input.value) });
        return this.field(field.label, input, field.hint);
      }
    }
  }

  about() {
    const { t, store } = this;
    const guest = store.me?.role === "guest";
    return [
      h("p", { class: "hint" }, t(guest ? "settings.guest" : "settings.signedIn", { name: store.me?.name ?? "" }), " ",
        `${store.server.name} ${store.server.version ?? ""}`),
      h("button", { type: "button", class: "button", onClick: () => void this.signOut() }, icon("exit"), t("settings.signOut")),
    ];
  }

  async signOut() {
    try {
      await api("POST", "logout");
    } catch (error) {
      return this.app.complain(error);
    }
    write("chat.user", undefined);
    await forgetSnapshots();
    location.hash = "#/";
    location.reload();
  }
}
