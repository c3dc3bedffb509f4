import { h, iconButton } from "../dom.js";
import { openModal } from "./modal.js";
import { Part } from "./part.js";

/** A press that began and ended outside closes; a selection that only ends there does not. @param {HTMLDialogElement} dialog */
export function closeByPressOutside(dialog) {
  let outside = false;
  dialog.addEventListener("pointerdown", (event) => { outside = event.target === dialog; });
  dialog.addEventListener("click", (event) => outside && event.target === dialog && dialog.close());
}

/** A modal `<dialog>` with a title and a button to close it; the browser keeps the focus inside and gives it back. */
export class DialogPart extends Part {
  /** @param {string} title @param {...(Node|null|false)} children */
  openDialog(title, ...children) {
    this.dialog?.remove();
    const id = `${this.localName}-title`;
    this.dialog = h("dialog", { class: "dialog", "aria-labelledby": id },
      h("header", { class: "dialog-head" }, h("h2", { id, class: "one-line", dir: "auto" }, title),
        iconButton("close", this.t("app.close"), () => this.dialog?.close())),
      h("div", { class: "dialog-body" }, ...children.filter((child) => child !== null && child !== false)));
    const { dialog } = this;
    closeByPressOutside(dialog);
    dialog.addEventListener("close", () => this.closed(dialog));
    this.append(this.dialog);
    openModal(this.dialog);
  }

  /** @param {HTMLDialogElement|undefined} dialog the one that is closed: another may be open by now */
  closed(dialog = this.dialog) {
    dialog?.remove();
    // What had the focus before may be gone: a message that was deleted.
    if (document.activeElement === document.body) this.app.emit("focus-lost");
  }

  /** @param {string} label @param {HTMLElement} control @param {string} [hint] */
  field(label, control, hint) {
    control.id ||= `${this.localName}-${this.querySelectorAll("[id]").length}-${Math.random().toString(36).slice(2, 7)}`;
    return h("div", { class: "field" }, h("label", { htmlFor: control.id }, label), control, hint ? h("p", { class: "hint" }, hint) : null);
  }

  /**
   * A choice among few.
   * @param {string} label @param {string} value @param {[string, string][]} options value and text
   * @param {(value: string) => void} change
   * @param {string} [hint]
   */
  choice(label, value, options, change, hint) {
    const select = h("select", { onChange: () => change(select.value) },
      ...options.map(([key, text]) => h("option", { value: key, selected: key === value }, text)));
    return this.field(label, select, hint);
  }

  /**
   * A form that asks the server, and says what it says.
   * @param {string} action the button's text
   * @param {(HTMLElement|null|false)[]} fields
   * @param {() => Promise<unknown>} submit
   * @param {string} [kind] of the button
   */
  form(action, fields, submit, kind = "primary") {
    const error = h("p", { class: "form-error", role: "alert" });
    const button = h("button", { type: "submit", class: `button ${kind}` }, action);
    const cancel = h("button", { type: "button", class: "button", onClick: () => this.dialog?.close() }, this.t("app.cancel"));
    const form = h("form", { class: "form", noValidate: true }, ...fields.filter((field) => field instanceof HTMLElement), error,
      h("div", { class: "dialog-actions" }, cancel, button));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      button.disabled = true;
      error.textContent = "";
      try {
        await submit();
        this.dialog?.close();
      } catch (refusal) {
        error.textContent = this.app.explain(refusal);
      } finally {
        button.disabled = false;
      }
    });
    return form;
  }
}
