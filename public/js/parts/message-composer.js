import { findCommand, isCommand } from "../commands.js";
import { h, icon, iconButton } from "../dom.js";
import { Completer } from "./completer.js";
import { Part } from "./part.js";
import { UploadTray } from "./upload-tray.js";

const TYPING_MS = 4000;
const COUNTER_AT = 0.9;

/** Where messages are written. */
export class MessageComposer extends Part {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    super(app);
    this.area = h("textarea", { id: "composer-input", class: "composer-input", rows: 1, dir: "auto", autocomplete: "off",
      "aria-autocomplete": "list", enterKeyHint: "send" });
    this.reply = h("div", { class: "reply-bar", hidden: true });
    this.error = h("p", { class: "form-error composer-error", role: "alert" });
    this.counter = h("span", { class: "counter", "aria-live": "polite" });
    this.picker = h("input", { type: "file", multiple: true, hidden: true, onChange: () => this.pick() });
    this.attach = iconButton("attach", "", () => this.picker.click());
    this.button = iconButton("send", "", () => void this.submit(), "send");
    this.extras = h("span", { class: "slot" });
    this.tray = new UploadTray(this.app, () => this.uploaded());
    this.box = h("div", { class: "composer-box" }, this.tray.list,
      h("div", { class: "composer-row" }, this.attach, this.area, this.counter, this.extras, this.button));
    this.completer = new Completer(this.app, this.area);
    this.append(this.completer.popup, this.reply, this.error, this.box, this.picker);
    /** @type {import("../drafts.js").Draft} */
    this.draft = { text: "" };
    /** @type {string|undefined} */
    this.name = undefined;
    this.lastTyping = 0;
    this.describe();
    this.listen();
  }

  listen() {
    const { app, store, area } = this;
    area.addEventListener("input", () => this.changed());
    area.addEventListener("keydown", (event) => this.key(event));
    area.addEventListener("paste", (event) => this.take(event, event.clipboardData));
    document.addEventListener("dragover", (event) => this.toggleAttribute("data-drop", this.dragged(event)));
    document.addEventListener("dragleave", (event) => event.relatedTarget === null && this.toggleAttribute("data-drop", false));
    document.addEventListener("drop", (event) => this.dragged(event) && this.take(event, event.dataTransfer));
    store.on("current", () => this.opened());
    store.on("room", () => this.describe());
    store.on("me", () => this.describe());
    app.on("plugins", () => this.describe());
    app.on("focus-composer", () => area.focus());
    app.on("reply", (message) => this.replyTo(message));
    this.store.on("amended", (event) => this.amended(event));
    app.on("insert", (text) => this.insert(text));
  }

  translated() {
    this.describe();
    this.drawReply();
  }

  get room() {
    return this.store.room(this.store.current);
  }

  opened() {
    const { room } = this;
    const other = this.name !== room?.name;
    if (other) {
      this.name = room?.name;
      this.draft = room ? this.app.drafts.get(room.name) : { text: "" };
      this.area.value = this.draft.text;
      this.error.textContent = "";
      this.tray.show(room?.name ?? null);
      this.completer.close();
      this.drawReply();
    }
    this.describe();
    this.grow();
    // Not on a phone, where it would bring up the keyboard.
    const focus = other && room && window.matchMedia("(hover: hover)").matches && !document.activeElement?.closest("dialog");
    if (focus) this.area.focus();
  }

  /** Labels, and what is possible here. */
  describe() {
    const { room, t, app } = this;
    // Nothing can be written before it is known where to; the place is kept, so that nothing moves.
    this.hidden = !room && this.store.epoch !== null;
    this.area.disabled = !room || room.archived;
    if (!room) return;
    const title = app.roomTitle(room);
    const text = room.archived ? t("composer.archived") : t("composer.placeholder", { room: room.kind === "direct" ? title : `#${title}` });
    this.area.placeholder = text;
    this.area.setAttribute("aria-label", text);
    this.attach.hidden = !this.store.hasPlugin("files") || Boolean(room.virtual);
    for (const [button, key] of /** @type {const} */ ([[this.attach, "composer.attach"], [this.button, "composer.send"]])) {
      button.setAttribute("aria-label", t(key));
      button.title = t(key);
    }
    this.extras.replaceChildren(...app.plugins.fill("composer", { room: room.name, insert: (/** @type {string} */ text) => this.insert(text) }));
    this.enable();
  }

  changed() {
    this.draft.text = this.area.value;
    this.keep();
    this.error.textContent = "";
    this.grow();
    this.completer.update();
    this.enable();
    this.tellTyping();
  }

  keep() {
    if (this.name === undefined) return;
    const had = this.app.drafts.has(this.name);
    this.app.drafts.set(this.name, this.draft);
    if (had !== this.app.drafts.has(this.name)) this.app.emit("draft");
  }

  enable() {
    const length = [...this.area.value].length;
    const limit = this.store.limits.content_chars;
    this.button.disabled = (this.area.value.trim() === "" && this.tray.count === 0) || length > limit || this.area.disabled;
    this.counter.textContent = length > limit * COUNTER_AT ? String(limit - length) : "";
    this.counter.classList.toggle("over", length > limit);
  }

  grow() {
    if (CSS.supports("field-sizing", "content")) return;
    this.area.style.setProperty("block-size", "auto");
    this.area.style.setProperty("block-size", `${this.area.scrollHeight}px`);
  }

  tellTyping() {
    const { area, name } = this;
    if (!name || isCommand(area.value)) return;
    if (area.value === "") return this.stopTyping();
    if (Date.now() - this.lastTyping < TYPING_MS) return;
    this.lastTyping = Date.now();
    this.app.session.typing(name, true);
  }

  stopTyping() {
    if (this.lastTyping && this.name) this.app.session.typing(this.name, false);
    this.lastTyping = 0;
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    // Enter that ends the composition of a Chinese word must not send.
    if (event.isComposing || event.keyCode === 229 || this.completer.key(event)) return;
    const enterSends = this.app.settings.get("enterSends");
    if (event.key === "Enter" && (enterSends ? !event.shiftKey : event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      void this.submit();
    } else if (event.key === "ArrowUp" && this.area.value === "" && !event.altKey) {
      event.preventDefault();
      this.app.emit("edit-last");
    } else if (event.key === "Escape") this.escape();
  }

  escape() {
    if (this.draft.reply) return this.replyTo(null);
    if (this.name === undefined) return;
    this.store.setLine(this.name, null);
    this.app.session.seen(this.name, this.store.room(this.name)?.cursor ?? 0);
    this.store.emit("to-end", this.name);
  }

  async submit() {
    const { room, area } = this;
    const content = area.value.trim();
    if (!room || this.button.disabled) return;
    if (isCommand(content)) return this.command(room.name, content);
    if (this.tray.busy) return this.tray.sendWhenDone();
    const files = this.tray.take();
    this.app.session.post(room.name, content, { reply_to: this.draft.reply?.id, files: files.length ? files : undefined });
    this.clear();
  }

  uploaded() {
    this.enable();
    if (this.tray.wantsSending && !this.tray.busy) void this.submit();
  }

  /** @param {string} name @param {string} content */
  async command(name, content) {
    const local = this.app.plugins.commands.get(content.slice(1).split(/\s/, 1)[0]);
    this.completer.close();
    try {
      if (local) {
        const said = await local.run(content.slice(local.name.length + 1).trim());
        if (typeof said === "string") this.store.addNote(name, said, "info");
      } else await this.app.session.command(name, content);
      this.done(name, content);
    } catch (error) {
      const usage = /** @type {any} */ (error).code === "invalid" ? findCommand(content, this.store.commands)?.usage : undefined;
      const why = this.app.explain(error);
      this.error.textContent = usage && !why.includes(usage) ? `${why} — ${usage}` : why;
    }
  }

  /** A command has worked; it may have led out of its room. @param {string} name @param {string} content */
  done(name, content) {
    if (this.name === name && this.area.value.trim() === content) this.clear();
    else if (this.name !== name && this.app.drafts.get(name).text.trim() === content) {
      this.app.drafts.set(name, { text: "" });
      this.app.emit("draft");
    }
  }

  clear() {
    this.area.value = "";
    this.draft = { text: "" };
    this.stopTyping();
    this.changed();
    this.drawReply();
  }

  /** @param {string} text */
  insert(text) {
    this.area.setRangeText(text, this.area.selectionStart, this.area.selectionEnd, "end");
    this.area.focus();
    this.changed();
  }

  /** @param {import("../protocol.js").Message|null} message */
  replyTo(message) {
    this.draft.reply = message ? { id: message.message_id, seq: message.seq, name: this.app.nameOf(message.user),
      content: this.excerpt(message) } : undefined;
    this.keep();
    this.drawReply();
    this.area.focus();
  }

  /** @param {{content?: string, deleted?: boolean}} message */
  excerpt({ content = "", deleted = false }) {
    return deleted ? this.t("messages.deleted") : content.slice(0, 200) || this.t("messages.file");
  }

  /** What the reply quotes was edited or deleted. @param {import("../protocol.js").DurableEvent} event */
  amended({ room, message_id, type, content }) {
    const { reply } = this.draft;
    if (room !== this.name || reply === undefined || reply.id !== message_id) return;
    reply.content = this.excerpt({ content, deleted: type === "deleted" });
    this.keep();
    this.drawReply();
  }

  drawReply() {
    const { reply } = this.draft;
    this.reply.hidden = !reply;
    this.reply.replaceChildren();
    if (!reply) return;
    this.reply.append(icon("reply"),
      h("span", { class: "one-line", dir: "auto" }, h("b", null, this.t("composer.replyTo", { name: reply.name })), " ", reply.content),
      iconButton("close", this.t("composer.noReply"), () => this.replyTo(null)));
  }

  pick() {
    this.upload([...(this.picker.files ?? [])]);
    this.picker.value = "";
  }

  /** Whether a file may be dropped here. Where not, it must not be opened in place of the chat either.
   * @param {DragEvent} event */
  dragged(event) {
    if (!event.dataTransfer?.types.includes("Files")) return false;
    event.preventDefault();
    const welcome = !this.attach.hidden && !document.querySelector("dialog[open]");
    event.dataTransfer.dropEffect = welcome ? "copy" : "none";
    return welcome;
  }

  /** @param {Event} event @param {DataTransfer|null} data */
  take(event, data) {
    const files = [...(data?.files ?? [])];
    this.toggleAttribute("data-drop", false);
    if (!files.length || this.attach.hidden) return;
    event.preventDefault();
    this.upload(files);
  }

  /** @param {File[]} files */
  upload(files) {
    if (this.name !== undefined) this.tray.add(this.name, files);
    this.enable();
    this.area.focus();
  }
}
