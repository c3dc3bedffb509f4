import { api } from "../api.js";
import { h, icon } from "../dom.js";
import { LANGUAGES } from "../i18n.js";
import { write } from "../settings.js";
import { DialogPart } from "./dialog.js";

const STATUSES = ["online", "away", "busy", "invisible"];

/** How this browser looks and behaves, how others see me, and the way out. */
export class SettingsDialog extends DialogPart {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    super(app);
    app.on("dialog", ({ name }) => name === "settings" && this.open());
  }

  translated() {
    if (this.dialog?.open) this.open();
  }

  open() {
    const { t } = this;
    this.openDialog(t("settings.title"), this.presence(), this.look(), this.about());
  }

  presence() {
    const { t, store, app } = this;
    const { status = "online", text = "" } = store.presence.get(store.me?.id ?? "") ?? {};
    const input = h("input", { value: text, maxLength: 100, placeholder: t("settings.statusHint"), dir: "auto" });
    // Lists of members show me as others see me.
    const own = status === "offline" ? "invisible" : status;
    const select = h("select", null, ...STATUSES.map((one) => h("option", { value: one, selected: one === own }, t(`status.${one}`))));
    const save = async () => {
      try {
        await app.session.presence(select.value, input.value.trim());
        app.settings.set("invisible", select.value === "invisible");
        if (store.me) store.setPresence(store.me, select.value, input.value.trim());
      } catch (error) {
        app.complain(error);
      }
    };
    select.addEventListener("change", save);
    input.addEventListener("change", save);
    return h("section", { class: "settings-group" }, h("h3", null, t("settings.you")),
      h("div", { class: "settings-pair" }, this.field(t("settings.status"), select), this.field(t("settings.statusText"), input)));
  }

  look() {
    const { t } = this;
    const { settings } = this.app;
    const themes = ["system", "light", "dark", "contrast"].map((key) => /** @type {[string, string]} */ ([key, t(`theme.${key}`)]));
    const languages = /** @type {[string, string][]} */ ([["auto", t("settings.auto")], ...Object.entries(LANGUAGES)]);
    const densities = ["comfortable", "compact"].map((key) => /** @type {[string, string]} */ ([key, t(`density.${key}`)]));
    const enter = h("input", { type: "checkbox", checked: settings.get("enterSends"),
      onChange: () => settings.set("enterSends", enter.checked) });
    return h("section", { class: "settings-group" }, h("h3", null, t("settings.look")),
      h("div", { class: "settings-pair" },
        this.choice(t("settings.language"), settings.get("lang"), languages, (lang) => settings.set("lang", lang)),
        this.choice(t("settings.theme"), settings.get("theme"), themes, (theme) => settings.set("theme", /** @type {any} */ (theme))),
        this.choice(t("settings.density"), settings.get("density"), densities, (density) => settings.set("density", /** @type {any} */ (density)))),
      h("label", { class: "check" }, enter, h("span", null, t("settings.enterSends"))));
  }

  about() {
    const { t, store } = this;
    const guest = store.me?.role === "guest";
    return h("section", { class: "settings-group settings-foot" },
      h("p", { class: "hint" }, t(guest ? "settings.guest" : "settings.signedIn", { name: store.me?.name ?? "" }), " ",
        `${store.server.name} ${store.server.version ?? ""}`),
      h("button", { type: "button", class: "button", onClick: () => void this.signOut() }, icon("exit"), t("settings.signOut")));
  }

  async signOut() {
    try {
      await api("POST", "logout");
    } catch (error) {
      return this.app.complain(error);
    }
    write("chat.user", undefined);
    location.hash = "#/";
    location.reload();
  }
}
