import { h } from "../dom.js";
import { keyGroups, keyNodes, nameOf } from "../settings/keys.js";
import { DialogPart } from "./dialog.js";

/** Keys that are as they are everywhere, beside those of actions. */
const FIXED = /** @type {const} */ ([["Enter", "keys.send"], ["Shift+Enter", "keys.newLine"], ["Tab", "keys.complete"], ["ArrowUp", "keys.walk"]]);

/** All shortcuts. */
export class KeysDialog extends DialogPart {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    super(app);
    app.on("dialog", ({ name }) => name === "keys" && this.open());
  }

  open() {
    const { app, t } = this;
    const { keymap } = app;
    const groups = keyGroups(app).map(({ title, actions }) => ({ title, lines: actions.filter((action) => keymap.keysOf(action).length)
      .map((action) => this.line(nameOf(app, action), keyNodes(keymap.keysOf(action)))) }));
    const enter = app.settings.get("enterSends") ? FIXED : /** @type {const} */ ([["Mod+Enter", "keys.send"], ["Enter", "keys.newLine"], ...FIXED.slice(2)]);
    groups[1].lines.push(...enter.slice(0, 3).map(([key, label]) => this.line(t(label), keyNodes([key]))));
    groups[2].lines.push(this.line(t(FIXED[3][1]), keyNodes(["ArrowUp", "ArrowDown"])));
    this.openDialog(t("keys.title"), h("div", { class: "key-groups" }, ...groups.filter(({ lines }) => lines.length).map(({ title, lines }) =>
      h("section", null, h("h3", { class: "key-title" }, title), ...lines))),
    h("div", { class: "dialog-actions" }, h("button", { type: "button", class: "button", onClick: () => this.change() }, t("keys.change"))));
    this.dialog?.classList.add("wide");
  }

  /** @param {string} name @param {Node[]} keys */
  line(name, keys) {
    return h("div", { class: "key-row" }, h("span", { class: "key-name" }, name), h("span", { class: "key-keys" }, ...keys));
  }

  change() {
    this.dialog?.close();
    this.app.emit("dialog", { name: "settings", page: "keys" });
  }
}
