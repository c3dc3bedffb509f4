import { h } from "../dom.js";
import { onSend } from "../send-key.js";
import { isComposing, tidy } from "../text-field.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../protocol.js").Message} Message */
/** @typedef {{done: () => void, remove: (message: Message) => void, now: () => Message|undefined}} Place
 *   `done` draws the message again, `remove` asks whether to delete it, `now` is the message as it is by now */

/** Edits a message in its place. What is begun is kept with the room's draft until it is saved or given up. */
export class MessageEditor {
  /** @param {App} app @param {HTMLElement} node @param {Message} message @param {Place} place */
  constructor(app, node, message, place) {
    this.app = app;
    this.node = node;
    this.place = place;
    this.message = message;
    const { t } = app;
    this.error = h("span", { class: "form-error", role: "alert" });
    this.area = h("textarea", { class: "edit-area", rows: 1, value: this.edits[message.message_id] ?? message.content,
      "aria-label": t("messages.edit"), dir: "auto" });
    this.save = h("button", { type: "submit", class: "link-button" }, t("app.save"));
    this.form = h("form", { class: "edit-form" }, this.area,
      h("p", { class: "edit-hint" }, this.error,
        h("button", { type: "button", class: "link-button", onClick: () => this.giveUp() }, t("app.cancel")), this.save));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.submit();
    });
    onSend(app, this.area, () => void this.submit());
    this.area.addEventListener("keydown", (event) => this.key(event));
    this.area.addEventListener("input", () => this.keep(this.area.value));
    for (const guest of node.querySelectorAll(".tools, .aside")) guest.remove();
    Object.assign(node, { held: true });
    node.classList.add("editing");
    node.append(this.form);
    this.keep(this.area.value);
    this.stop = app.store.on("amended", (event) => this.amended(event));
  }

  get edits() {
    return this.app.drafts.of(this.message.room).edits;
  }

  focus() {
    const { area } = this;
    area.focus({ preventScroll: true });
    area.setSelectionRange(area.value.length, area.value.length);
    this.form.scrollIntoView({ block: "nearest" });
  }

  /** @param {string|undefined} text undefined forgets it */
  keep(text) {
    if (text === undefined) delete this.edits[this.message.message_id];
    else this.edits[this.message.message_id] = text;
    this.app.drafts.changed(this.message.room);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.key !== "Escape" || isComposing(event)) return;
    event.preventDefault();
    event.stopPropagation();
    this.giveUp();
  }

  async submit() {
    const { app, message, area } = this;
    const text = tidy(area.value);
    if (text === "" && !message.files?.length) return this.place.remove(message);
    if (text === message.content) return this.giveUp();
    this.save.disabled = true;
    try {
      await app.session.edit(message, text);
      this.giveUp();
    } catch (/** @type {any} */ refusal) {
      this.error.textContent = app.explain(refusal);
      // Saving again replaces what it was changed to.
      if (refusal.code === "rev_conflict") this.message = this.place.now() ?? message;
    } finally {
      this.save.disabled = false;
    }
  }

  giveUp() {
    this.keep(undefined);
    this.close();
    this.app.emit("focus-composer");
  }

  close() {
    this.stop();
    Object.assign(this.node, { held: false });
    this.node.classList.remove("editing");
    this.form.remove();
    this.place.done();
  }

  /** It was changed or deleted elsewhere. @param {import("../protocol.js").DurableEvent} event */
  amended({ message_id, type, content, user }) {
    const { app, message, area } = this;
    if (!this.form.isConnected) return this.stop();
    if (message_id !== message.message_id || this.save.disabled) return;
    if (type === "deleted") {
      const focused = this.form.contains(document.activeElement);
      this.keep(undefined);
      this.close();
      if (focused) app.emit("focus-composer");
    } else if (content !== undefined && content !== tidy(area.value)) {
      this.error.textContent = app.t("messages.changedMeanwhile", { name: app.nameOf(user) });
    }
  }
}
