import { api } from "../api.js";
import { h } from "../dom.js";
import { ERROR } from "../protocol.js";
import { write } from "../settings.js";
import { forgetSnapshots } from "../snapshot.js";
import { DialogPart } from "./dialog.js";

/** @typedef {Record<string, HTMLInputElement>} Inputs by the names that the server has for the fields */

/** A new account, or a new password by a link of an admin. */
export class AccountDialog extends DialogPart {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    super(app);
    /** What comes when the dialog is closed. @type {(() => void)|undefined} */
    this.whenClosed = undefined;
    app.on("dialog", ({ name, code, login }) => {
      if (name === "register" || name === "invite") this.register(code);
      if (name === "reset") this.reset(code);
      if (name === "end") this.end();
      if (name === "code") this.secondStep(login);
      if (name === "token") void this.arrive(code);
    });
    app.on("link", (shown) => this.show(shown));
  }

  /** @param {string} [code] of an invite */
  register(code) {
    const { t, store } = this;
    if (code && store.me && store.me.role !== "guest") return this.say(t("account.hasOne"));
    const name = this.input("name", "text", { maxLength: 32, autocomplete: "username", spellcheck: false, autocapitalize: "off" });
    const password = this.input("password", "password", { autocomplete: "new-password" });
    const lead = h("p", null, t(code ? "account.invited" : "account.lead", { server: store.server.name ?? "" }));
    this.ask(t("account.create"), t("account.create"), [lead, this.field(t("enter.name"), name, t("account.nameHint")),
      this.field(t("enter.password"), password, t("account.passwordHint"))], { name, password }, async () => {
      const made = await api("POST", "register", { name: name.value.trim(), password: password.value, invite: code });
      if (made.waiting) this.whenClosed = () => this.say(t("account.waiting", { name: name.value.trim() }));
      else this.entered(made.user);
    });
  }

  /** @param {string} token */
  reset(token) {
    const { t } = this;
    const password = this.input("password", "password", { autocomplete: "new-password" });
    this.ask(t("account.newPassword"), t("app.save"), [this.field(t("account.newPassword"), password, t("account.passwordHint"))], { password }, async () => {
      const { name } = await api("POST", "reset", { token, password: password.value });
      const login = { name, password: password.value };
      const signedIn = await api("POST", "login", login).catch((error) => error);
      if (signedIn.user) this.entered(signedIn.user);
      else if (signedIn.code === ERROR.secondStep) this.whenClosed = () => this.secondStep(login);
      else this.whenClosed = () => this.say(t("account.passwordSet", { name }));
    });
  }

  /** After the password. @param {{name: string, password: string}} login */
  secondStep(login) {
    const { t } = this;
    const code = this.input("code", "text", { autocomplete: "one-time-code", spellcheck: false, autocapitalize: "off", maxLength: 64 });
    this.ask(t("account.secondStep"), t("enter.signIn"), [this.field(t("account.code"), code, t("account.codeHint"))], { code }, async () => {
      this.entered((await api("POST", "login", { ...login, code: code.value })).user);
    });
  }

  /** The account is to be deleted. */
  end() {
    const { t } = this;
    const password = this.input("password", "password", { autocomplete: "current-password" });
    this.openDialog(t("account.end"), this.form(t("account.end"), [h("p", null, t("account.endText")), this.field(t("enter.password"), password)], async () => {
      await api("POST", "me/delete", { password: password.value });
      write("chat.user", undefined);
      await forgetSnapshots();
      location.hash = "#/";
      location.reload();
    }, "danger"));
    password.focus();
  }

  /** Another site sends one of its users. @param {string} token */
  async arrive(token) {
    try {
      this.entered((await api("POST", "login/jwt", { token })).user);
    } catch (error) {
      this.app.router.replace("#/");
      this.say(this.app.explain(error));
    }
  }

  /** @param {string} name @param {string} type @param {object} props */
  input(name, type, props) {
    return h("input", { name, type, required: true, dir: "auto", ...props });
  }

  /**
   * @param {string} title @param {string} action @param {HTMLElement[]} rows @param {Inputs} inputs
   * @param {() => Promise<unknown>} send
   */
  ask(title, action, rows, inputs, send) {
    this.openDialog(title, this.form(action, rows, async () => {
      for (const input of Object.values(inputs)) input.removeAttribute("aria-invalid");
      try {
        await send();
      } catch (/** @type {any} */ refusal) {
        const wrong = inputs[refusal.field ?? ""];
        wrong?.setAttribute("aria-invalid", "true");
        wrong?.focus();
        throw refusal;
      }
    }));
    Object.values(inputs)[0].focus();
  }

  /** @param {string} text */
  say(text) {
    this.openDialog(this.store.server.name ?? "", h("p", null, text));
  }

  /** A link or a token, to be taken from here. @param {{title: string, text: string, label: string, link: string}} shown */
  show({ title, text, label, link }) {
    const field = h("input", { value: link, readOnly: true, onFocus: () => field.select() });
    this.openDialog(title, h("p", null, text), this.field(label, field));
    field.focus();
  }

  /** @param {import("../protocol.js").User} user */
  entered(user) {
    this.app.router.replace("#/");
    // Another user than before: nothing of what is on the page is theirs.
    if (this.store.me) location.reload();
    else this.app.emit("entered", user);
  }

  closed(dialog = this.dialog) {
    super.closed(dialog);
    if (this.app.router.route.link) this.app.router.replace("#/");
    const { whenClosed } = this;
    this.whenClosed = undefined;
    whenClosed?.();
  }
}
