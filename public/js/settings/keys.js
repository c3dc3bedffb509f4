import { h, iconButton } from "../dom.js";
import { keyLabel, keyOf } from "../keymap.js";
import { MAC } from "../platform.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../actions.js").Action} Action */

/** The table of keys, where each can be changed. @param {App} app @returns {import("../settings-pages.js").Page} */
export function keysPage(app) {
  const { t, settings } = app;
  return {
    id: "keys",
    title: () => t("keys.page"),
    fields: () => [
      { kind: "check", label: t("settings.enterSends"), value: () => settings.get("enterSends"), change: (on) => settings.set("enterSends", on) },
      { kind: "node", node: () => new KeyTable(app).element },
    ],
  };
}

/** All keys by the place where they count. @param {App} app @returns {{title: string, actions: Action[]}[]} */
export function keyGroups({ actions, t }) {
  const all = [...actions.byId.values()];
  const group = (/** @type {string} */ title, /** @type {(action: Action) => boolean} */ of) => ({ title, actions: all.filter(of) });
  return [
    group(t("keys.everywhere"), ({ of, within = "app" }) => of === "app" && within === "app"),
    group(t("keys.composer"), ({ within }) => within === "composer"),
    group(t("keys.message"), ({ within }) => within === "message"),
    group(t("keys.room"), ({ of }) => of === "room"),
  ];
}

/** What an action is called where nothing is chosen. @param {App} app @param {Action} action */
export function nameOf({ store }, action) {
  return action.label(action.of === "room" ? store.room(store.current) ?? {} : {});
}

/** Keys as they are printed. @param {readonly string[]} keys @returns {Node[]} */
export function keyNodes(keys) {
  return keys.map((key) => h("kbd", null, keyLabel(key, MAC)));
}

class KeyTable {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    this.element = h("div", { class: "key-table" });
    this.said = h("p", { class: "form-error", role: "alert" });
    this.draw();
  }

  draw() {
    const { app } = this;
    this.element.replaceChildren(h("p", { class: "hint" }, app.t("keys.hint")), this.said, ...keyGroups(app).filter(({ actions }) => actions.length).map(({ title, actions }) =>
      h("section", null, h("h3", { class: "key-title" }, title), ...actions.map((action) => this.row(action)))));
  }

  /** @param {Action} action */
  row(action) {
    const { app } = this;
    const name = nameOf(app, action);
    const keys = app.keymap.keysOf(action);
    const changed = action.id in app.keymap.chosen;
    const button = h("button", { type: "button", class: "key-button", "aria-label": `${name}: ${keys.map((key) => keyLabel(key, MAC)).join(", ") || app.t("keys.none")}`,
      onClick: () => this.listen(action, button) }, ...(keys.length ? keyNodes(keys) : [app.t("keys.none")]));
    return h("div", { class: "key-row" }, h("span", { class: "key-name" }, name), this.clash(action, keys), button,
      changed ? iconButton("retry", app.t("keys.reset", { name }), () => this.choose(action, null)) : null);
  }

  /** Which other actions have the same key. @param {Action} action @param {readonly string[]} keys */
  clash(action, keys) {
    const others = [...new Set(keys.flatMap((key) => this.app.keymap.conflicts(action, key)))];
    return others.length ? h("span", { class: "key-clash" }, this.app.t("keys.clash", { names: this.app.format.list(others.map((one) => nameOf(this.app, one))) })) : null;
  }

  /** The next key is the one. Escape leaves it as it is, Backspace takes it away. @param {Action} action @param {HTMLButtonElement} button */
  listen(action, button) {
    button.textContent = this.app.t("keys.press");
    this.said.textContent = "";
    const stop = () => {
      button.removeEventListener("keydown", take);
      button.removeEventListener("blur", stop);
      this.draw();
    };
    const take = (/** @type {KeyboardEvent} */ event) => {
      const key = keyOf(event, MAC);
      if (!key || key === "Tab" || key === "Shift+Tab") return;
      event.preventDefault();
      event.stopPropagation();
      button.removeEventListener("blur", stop);
      if (key !== "Escape" || action.id === "escape") this.choose(action, key === "Backspace" ? [] : [key]);
      else stop();
    };
    button.addEventListener("keydown", take);
    button.addEventListener("blur", stop);
    button.focus();
  }

  /** @param {Action} action @param {string[]|null} keys */
  choose(action, keys) {
    this.app.keymap.choose(action, keys);
    this.draw();
    const label = nameOf(this.app, action);
    const row = [...this.element.querySelectorAll(".key-row")].find((one) => one.querySelector(".key-name")?.textContent === label);
    /** @type {HTMLElement|null|undefined} */ (row?.querySelector(".key-button"))?.focus();
    this.said.textContent = row?.querySelector(".key-clash")?.textContent ?? "";
  }
}
