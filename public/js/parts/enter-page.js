import { api } from "../api.js";
import { boot } from "../boot.js";
import { h } from "../dom.js";
import { LANGUAGES } from "../i18n.js";
import { ERROR } from "../protocol.js";
import { Part } from "./part.js";

/** @typedef {"guest"|"login"|"setup"} Mode */

const NAME_CHARS = 32;

/** Who are you? A name is enough; an account has a password; the first admin comes with a one-time link. */
export class EnterPage extends Part {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    super(app);
    this.token = app.router.route.setup;
    /** @type {Mode} */
    this.mode = "guest";
    /** @type {Mode|null} what the user chose, which no later answer takes back */
    this.chosen = null;
    this.chooseMode();
    this.piece("form").addEventListener("submit", (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      void this.submit();
    });
    this.piece("other").addEventListener("click", () => {
      boot().other = false;
      this.chosen = this.mode === "guest" ? "login" : "guest";
      this.setMode(this.chosen);
    });
    this.piece("register").addEventListener("click", () => app.emit("dialog", { name: "register" }));
    this.setupLanguage();
    app.on("enter", (why) => this.shown(why));
    window.addEventListener("hashchange", () => {
      const { setup, link } = app.router.route;
      if (setup || link) location.reload();
    });
  }

  chooseMode() {
    const { name, guests, registration } = this.store.server;
    this.piece("register").hidden = !["open", "approval"].includes(registration ?? "") || this.token;
    this.guests = guests !== false;
    this.mode = this.token ? "setup" : this.guests ? this.chosen ?? "guest" : "login";
    this.piece("server-name").textContent = name || "Chat";
  }

  /** The page is what is on the screen now. @param {string} [why] */
  shown(why) {
    this.piece("error").textContent = why ?? "";
    if (boot().other && this.guests && !this.token) {
      this.mode = this.chosen = "login";
      boot().other = false;
    }
    // A user who is writing already goes on.
    if (this.contains(document.activeElement)) this.draw();
    else this.setMode(this.mode);
    this.piece("form").removeAttribute("aria-busy");
    if (boot().submitted) void this.submit();
    boot().submitted = false;
    if (this.store.server.guests === undefined) void this.learn();
  }

  /** After a session that has ended it isn't known yet whether guests are welcome. */
  async learn() {
    try {
      this.store.server = await api("GET", "server");
      this.chooseMode();
      this.draw();
    } catch {
      // Without the server there is nothing to choose; the form says so when it is sent.
    }
  }

  setupLanguage() {
    const select = this.piece("language");
    select.append(...Object.entries(LANGUAGES).map(([lang, name]) => h("option", { value: lang, lang }, name)));
    select.value = this.app.settings.language;
    select.addEventListener("change", () => this.app.settings.set("lang", select.value));
  }

  translated() {
    this.piece("language").value = this.app.i18n.lang;
    this.draw();
  }

  /** @param {Mode} mode */
  setMode(mode) {
    this.mode = mode;
    this.draw();
    this.piece("form").elements.name.focus();
  }

  draw() {
    const { t, mode } = this;
    const password = this.piece("form").elements.password;
    this.piece("password-field").hidden = mode === "guest";
    password.autocomplete = mode === "setup" ? "new-password" : "current-password";
    this.querySelector(".enter-lead")?.replaceChildren(t({
      guest: "enter.lead", login: "enter.leadSignIn", setup: "enter.leadSetup" }[mode]));
    this.piece("submit").textContent = t({ guest: "enter.submit", login: "enter.signIn", setup: "enter.setup" }[mode]);
    this.piece("other-lead").textContent = t(mode === "guest" ? "enter.haveAccount" : "enter.noAccount");
    this.piece("other").textContent = t(mode === "guest" ? "enter.signIn" : "enter.asGuest");
    this.piece("other").parentElement.hidden = mode === "setup" || (mode === "login" && !this.guests);
  }

  async submit() {
    const { name, password } = this.piece("form").elements;
    const missing = name.value.trim() === "" ? name : this.mode !== "guest" && password.value === "" ? password : null;
    if (missing) return this.fail(this.t(missing === name ? "enter.needName" : "enter.needPassword"), missing);
    this.piece("submit").disabled = true;
    try {
      const { user } = await this.call(name.value.trim(), password.value);
      password.value = "";
      this.fail("", null);
      if (this.mode === "setup") {
        this.token = null;
        this.mode = this.guests ? "guest" : "login";
        this.app.router.replace("#/");
      }
      this.app.emit("entered", user);
    } catch (/** @type {any} */ error) {
      const login = { name: name.value.trim(), password: password.value };
      if (error.code === ERROR.secondStep) return this.app.emit("dialog", { name: "code", login });
      this.fail(this.app.explain(error), error.field === "password" ? password : name);
      if (error.code === "invalid" && error.field === "name" && this.mode !== "login") this.offer(name);
    } finally {
      this.piece("submit").disabled = false;
    }
  }

  /** @param {string} name @param {string} password */
  call(name, password) {
    if (this.mode === "guest") return api("POST", "guest", { name });
    if (this.mode === "login") return api("POST", "login", { name, password });
    return api("POST", "setup", { token: this.token, name, password });
  }

  /** A name that is near what can't be one. @param {HTMLInputElement} field */
  offer(field) {
    const name = possibleName(field.value);
    if (!name || name === field.value) return;
    const take = () => {
      field.value = name;
      void this.submit();
    };
    this.piece("error").append(" ", h("button", { type: "button", class: "link-button", onClick: take }, this.t("enter.offer", { name })));
  }

  /** @param {string} text @param {HTMLInputElement|null} field */
  fail(text, field) {
    const { name, password } = this.piece("form").elements;
    for (const input of [name, password]) input.toggleAttribute("aria-invalid", false);
    field?.setAttribute("aria-invalid", "true");
    this.piece("error").textContent = text;
    field?.focus();
  }
}

/** The name that may be meant by what can't be one: "Ann Smith" is Ann_Smith. @param {string} text */
export function possibleName(text) {
  const joined = text.normalize("NFKC").trim().replace(/[\s@:/#+,]+/gu, "_").replace(/^_+|_+$/g, "");
  return [...joined].slice(0, NAME_CHARS).join("").replace(/_+$/, "");
}
