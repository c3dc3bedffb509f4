import { h } from "../dom.js";
import { DialogPart } from "./dialog.js";

/** @typedef {import("../protocol.js").Form} Form */
/** @typedef {import("../protocol.js").FormField} FormField */
/** @typedef {HTMLInputElement|HTMLTextAreaElement|HTMLSelectElement} Control */

/** The forms that plugins ask for, one after the other. */
export class FormDialog extends DialogPart {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    super(app);
    /** @type {Form[]} the first one is on the screen */
    this.waiting = [];
    this.lists = this.appendChild(h("div", { hidden: true }));
    this.store.on("form", (form) => {
      this.waiting.push(form);
      if (this.waiting.length === 1) this.show(form);
    });
    this.store.on("form-closed", (id) => this.drop(id));
  }

  /** @param {Form} form */
  show(form) {
    this.lists.replaceChildren();
    const controls = new Map(form.fields.map((field) => [field.name, this.control(field)]));
    const rows = form.fields.map((field) => this.row(field, /** @type {Control} */ (controls.get(field.name))));
    this.answered = false;
    this.openDialog(form.title, this.form(form.submit || this.t("form.send"), rows, async () => {
      await this.send(form, controls);
      this.answered = true;
    }));
    controls.values().next().value?.focus();
  }

  /** @param {Form} form @param {Map<string, Control>} controls */
  async send(form, controls) {
    for (const control of controls.values()) control.removeAttribute("aria-invalid");
    const values = Object.fromEntries(form.fields.map((field) => [field.name, valueOf(field, /** @type {Control} */ (controls.get(field.name)))]));
    try {
      await this.app.session.answer(form.form, values);
    } catch (/** @type {any} */ refusal) {
      const wrong = controls.get(refusal.field ?? "");
      wrong?.setAttribute("aria-invalid", "true");
      wrong?.focus();
      throw refusal;
    }
  }

  /** The server has closed a form. @param {string} id */
  drop(id) {
    const at = this.waiting.findIndex((form) => form.form === id);
    if (at < 0) return;
    this.app.toast(this.t("form.closed", { title: this.waiting[at].title }));
    if (at > 0) {
      this.waiting.splice(at, 1);
    } else {
      this.answered = true;
      this.dialog?.close();
    }
  }

  closed() {
    super.closed();
    const form = this.waiting.shift();
    // The server may have closed it by itself meanwhile.
    if (form && !this.answered) this.app.session.answer(form.form, null).catch(() => {});
    if (this.waiting.length) this.show(this.waiting[0]);
  }

  /** @param {FormField} field @param {Control} control */
  row(field, control) {
    if (field.type !== "checkbox") return this.field(field.required ? field.label : this.t("form.optional", { label: field.label }), control, field.help);
    return h("div", { class: "field" }, h("label", { class: "check" }, control, h("span", { dir: "auto" }, field.label)),
      field.help ? h("p", { class: "hint" }, field.help) : null);
  }

  /** @param {FormField} field @returns {Control} */
  control({ type, required, choices, whole, min, max, default: value = "" }) {
    const text = { value: String(value), required, dir: "auto", maxLength: max };
    switch (type) {
      case "multiline": return h("textarea", { ...text, rows: 4 });
      case "checkbox": return h("input", { type: "checkbox", checked: value === true });
      case "choice": return h("select", { required }, required && value ? null : h("option", { value: "" }, "–"),
        ...(choices ?? []).map((one) => h("option", { value: one, selected: one === value }, one)));
      case "number": return h("input", { type: "number", value: String(value), required, step: whole ? "1" : "any", min, max });
      case "user": return this.listed(text, [...this.store.users.values()].map((user) => user.name));
      case "room": return this.listed(text, [...this.store.rooms.values()].filter((room) => room.kind !== "direct").map((room) => room.name));
      default: return h("input", text);
    }
  }

  /** A field for a name, with those that are known to choose from. @param {object} props @param {string[]} names */
  listed(props, names) {
    const id = `names-${Math.random().toString(36).slice(2, 8)}`;
    const input = h("input", { ...props, autocomplete: "off" });
    input.setAttribute("list", id);
    this.lists.append(h("datalist", { id }, ...names.map((name) => h("option", { value: name }))));
    return input;
  }
}

/** What is sent of a field: null for an empty one. @param {FormField} field @param {Control} control */
function valueOf({ type }, control) {
  if (control instanceof HTMLInputElement && type === "checkbox") return control.checked;
  if (control instanceof HTMLInputElement && type === "number") return Number.isNaN(control.valueAsNumber) ? null : control.valueAsNumber;
  return control.value === "" ? null : control.value;
}
