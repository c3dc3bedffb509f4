import { h } from "../dom.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../protocol.js").Message} Message */

/**
 * Edit a message in its place. `done` draws it again; an emptied message asks to be deleted.
 * @param {App} app @param {HTMLElement} node @param {Message} message @param {() => void} done @param {() => void} remove
 */
export function edit(app, node, message, done, remove) {
  const { t } = app;
  const error = h("span", { class: "form-error", role: "alert" });
  const area = h("textarea", { class: "edit-area", rows: 1, value: message.content, "aria-label": t("messages.edit"), dir: "auto" });
  const form = h("form", { class: "edit-form" }, area,
    h("p", { class: "edit-hint" }, error,
      h("button", { type: "button", class: "link-button", onClick: () => close() }, t("app.cancel")),
      h("button", { type: "submit", class: "link-button" }, t("app.save"))));

  const close = () => {
    Object.assign(node, { held: false });
    node.classList.remove("editing");
    form.remove();
    done();
    app.emit("focus-composer");
  };
  const save = async () => {
    const text = area.value.trim();
    if (text === "" && !message.files?.length) return remove();
    if (text === message.content) return close();
    try {
      await app.session.edit(message, text);
      close();
    } catch (refusal) {
      error.textContent = app.explain(refusal);
    }
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void save();
  });
  area.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      close();
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      void save();
    }
  });
  for (const guest of node.querySelectorAll(".tools, .aside")) guest.remove();
  Object.assign(node, { held: true });
  node.classList.add("editing");
  node.append(form);
  area.focus();
  area.setSelectionRange(area.value.length, area.value.length);
  form.scrollIntoView({ block: "nearest" });
}
