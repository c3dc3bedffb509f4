/** Elements and dialogs of the plugin's own. */

/** @param {string} tag @param {Record<string, any>} [props] `on…` is a listener @param {...(Node|string|null|false|undefined)} children */
export function make(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === false || value === null) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2).toLowerCase(), value);
    else if (key in node && !key.includes("-")) Object.assign(node, { [key]: value });
    else node.setAttribute(key, String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

let count = 0;

/** @param {string} label @param {HTMLElement} control */
export function field(label, control) {
  control.id = `moderation-${(count += 1)}`;
  return make("div", { className: "field" }, make("label", { htmlFor: control.id }, label), control);
}

/**
 * A modal dialog with a form. It closes when `send` is done; what the server refuses is said in it.
 * @param {any} chat @param {string} title @param {Node[]} fields @param {string} action the button's text @param {() => Promise<unknown>} send
 */
export function ask(chat, title, fields, action, send) {
  const id = `moderation-${(count += 1)}`;
  const error = make("p", { className: "form-error", role: "alert" });
  const submit = /** @type {HTMLButtonElement} */ (make("button", { type: "submit", className: "button primary" }, action));
  const form = make("form", { className: "form", noValidate: true }, ...fields, error, make("div", { className: "dialog-actions" },
    make("button", { type: "button", className: "button", onClick: () => dialog.close() }, chat.t("moderation.cancel")), submit));
  const dialog = /** @type {HTMLDialogElement} */ (make("dialog", { className: "dialog", "aria-labelledby": id },
    make("header", { className: "dialog-head" }, make("h2", { id, className: "one-line", dir: "auto" }, title)), make("div", { className: "dialog-body" }, form)));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    submit.disabled = true;
    error.textContent = "";
    try {
      await send();
      dialog.close();
    } catch (refusal) {
      error.textContent = /** @type {Error} */ (refusal).message;
    } finally {
      submit.disabled = false;
    }
  });
  const leave = () => dialog.close();
  window.addEventListener("hashchange", leave);
  dialog.addEventListener("close", () => {
    window.removeEventListener("hashchange", leave);
    dialog.remove();
  });
  document.body.append(dialog);
  dialog.showModal();
}
