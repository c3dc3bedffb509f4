import { whyClosed } from "../closed.js";
import { isCommand } from "../commands.js";
import { h, iconButton } from "../dom.js";
import { clearCommand, followOriginal, sendDraft, setReply, takeBack } from "../draft-actions.js";
import { publicRoom } from "../slots.js";
import { EnterKey, countCharacters, enterSends, isComposing, replaceText, tidy } from "../text-field.js";
import { TypingNotice } from "../typing-notice.js";
import { isRunning } from "../uploads.js";
import { ClosedLine } from "./closed-line.js";
import { Intake } from "./intake.js";
import { Part } from "./part.js";
import { ReplyBar } from "./reply-bar.js";
import { runCommand } from "./run-command.js";

/** @typedef {import("../drafts.js").Draft} Draft */

const COUNTER_AT = 0.9;
/** What there may be suggestions for. */
const SUGGESTS = /^\/|[@#:]/;

/** Where messages are written: shows the draft of the room on the screen, and sends it. */
export class MessageComposer extends Part {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    super(app);
    this.area = h("textarea", { id: "composer-input", class: "composer-input", rows: 1, dir: "auto", autocomplete: "off",
      "aria-autocomplete": "list", enterKeyHint: "send" });
    this.reply = new ReplyBar(app, () => this.replyTo(null));
    this.closed = new ClosedLine(app, () => this.describe());
    this.error = h("p", { class: "form-error composer-error", role: "alert" });
    this.counter = h("span", { class: "counter", "aria-live": "polite" });
    this.picker = h("input", { type: "file", multiple: true, hidden: true, onChange: () => this.upload([...(this.picker.files ?? [])]) });
    this.attach = iconButton("attach", "", () => this.picker.click());
    this.button = iconButton("send", "", () => void this.submit(), "send");
    this.extras = h("span", { class: "slot" });
    /** @type {import("./upload-tray.js").UploadTray|null} */
    this.tray = null;
    this.box = h("div", { class: "composer-box" },
      h("div", { class: "composer-row" }, this.attach, this.area, this.counter, this.extras, this.button));
    /** @type {import("./completer.js").Completer|null} */
    this.completer = null;
    this.append(this.reply.node, this.error, this.box, this.closed.node, this.picker);
    this.intake = new Intake(this, () => !this.attach.hidden && !this.box.hidden, (files) => this.upload(files));
    /** @type {Draft|null} */
    this.draft = null;
    /** @type {string|undefined} */
    this.name = undefined;
    this.typing = new TypingNotice((room, on) => app.session.typing(room, on));
    this.enter = new EnterKey(() => enterSends(app, this.area));
    this.describe();
    this.listen();
  }

  listen() {
    const { app, store, area } = this;
    area.addEventListener("input", () => this.changed());
    area.addEventListener("keydown", (event) => this.key(event));
    area.addEventListener("beforeinput", (event) => this.enter.breaks(event) && this.submitBy(event));
    // A phone's keyboard stays.
    this.button.addEventListener("mousedown", (event) => event.preventDefault());
    area.addEventListener("paste", (event) => this.intake.pasted(event));
    store.on("current", () => this.opened());
    for (const topic of ["room", "me", "timeline"]) store.on(topic, (name) => (name ?? this.name) === this.name && this.describe());
    store.on("amended", (event) => followOriginal(app, event) && event.room === this.name && this.drawReply());
    app.on("plugins", () => this.fill());
    app.on("focus-composer", () => area.focus({ preventScroll: true }));
    app.on("reply", (message) => this.replyTo(message));
    app.on("insert", (text) => this.insert(text));
    app.on("take-back", (entry) => this.takeBack(entry));
    app.drafts.on("replaced", (room) => room === this.name && this.show());
    app.uploads.on("change", (room) => room === this.name && this.drawFiles());
    app.uploads.on("ready", (room) => this.send(room));
    window.addEventListener("beforeunload", (event) => app.uploads.running.size && event.preventDefault());
  }

  /** Suggestions and the files of a draft: what the start doesn't wait for. @param {typeof import("../later.js")} later */
  complete({ Completer, UploadTray }) {
    this.completer = new Completer(this.app, this.area);
    this.tray = new UploadTray(this.app);
    this.prepend(this.completer.popup);
    this.box.prepend(this.tray.list);
    this.drawFiles();
    if (document.activeElement === this.area) this.completer.update();
  }

  translated() {
    this.describe();
    this.fill();
    this.drawFiles();
    this.drawReply();
  }

  get room() {
    return this.store.room(this.store.current);
  }

  opened() {
    const { room } = this;
    const other = this.name !== room?.name;
    if (other) {
      this.typing.stop();
      this.name = room?.name;
      this.draft = room ? this.app.drafts.of(room.name) : null;
      this.error.textContent = "";
      this.fill();
    }
    this.describe();
    if (other) this.show();
    // Not on a phone, where it would bring up the keyboard.
    const focus = other && room && window.matchMedia("(hover: hover)").matches && !document.activeElement?.closest("dialog");
    if (focus) this.area.focus({ preventScroll: true });
  }

  /** The draft as it is now. */
  show() {
    this.area.value = this.draft?.text ?? "";
    this.completer?.close();
    this.drawReply();
    this.drawFiles();
    this.grow();
  }

  drawReply() {
    this.reply.draw(this.box.hidden ? undefined : this.draft?.reply);
  }

  drawFiles() {
    if (this.tray) this.tray.draw(this.draft);
    else if (this.draft?.files.length) this.app.later().catch(() => {});
    this.enable();
  }

  /** What plugins put here. */
  fill() {
    const { room } = this;
    this.extras.replaceChildren(...(room ? this.app.plugins.slots.fill("composer", { room: publicRoom(room), insert: (/** @type {string} */ text) => this.insert(text) }) : []));
  }

  /** Labels, and what is possible here. */
  describe() {
    const { room, t, app, store } = this;
    // Nothing can be written before it is known where to; the place is kept, so that nothing moves.
    this.hidden = !room && store.epoch !== null;
    this.area.disabled = !room;
    if (!room) return;
    const closed = store.epoch === null ? null : whyClosed(room, store.me?.id ?? "", store.serverNow(), store.may("room.announce"));
    const [inBox, inLine] = [this.box, this.closed.node].map((node) => node.contains(document.activeElement));
    this.box.hidden = closed !== null;
    this.closed.draw(closed, room, this.draft?.text ?? "");
    this.drawReply();
    if (closed) this.error.textContent = "";
    if (closed && inBox) app.emit("focus-lost");
    if (!closed && inLine) this.area.focus({ preventScroll: true });
    const title = app.roomTitle(room);
    const text = t("composer.placeholder", { room: room.kind === "direct" ? title : `#${title}` });
    this.area.placeholder = text;
    this.area.setAttribute("aria-label", text);
    this.area.enterKeyHint = app.settings.get("enterSends") ? "send" : "enter";
    this.attach.hidden = !store.hasPlugin("files");
    for (const [button, key] of /** @type {const} */ ([[this.attach, "composer.attach"], [this.button, "composer.send"]])) {
      button.setAttribute("aria-label", t(key));
      button.title = t(key);
    }
    this.enable();
  }

  changed() {
    const { draft, area } = this;
    if (!draft) return;
    draft.text = area.value;
    draft.with = this.room?.virtual ? this.room.with : undefined;
    this.error.textContent = "";
    this.keep();
    // What is sent is what was there when it was said to be: who writes on, says so once more.
    if (draft.wanted) {
      draft.wanted = false;
      this.drawFiles();
    }
    this.grow();
    if (this.completer) this.completer.update();
    else if (SUGGESTS.test(area.value)) this.app.later().catch(() => {});
    this.enable();
    if (this.name !== undefined) this.typing.written(this.name, area.value);
  }

  keep() {
    if (this.name !== undefined) this.app.drafts.changed(this.name);
  }

  /** By how many characters the text is too long; negative for those that are left. */
  get excess() {
    return countCharacters(this.area.value) - this.store.limits.content_chars;
  }

  enable() {
    const limit = this.store.limits.content_chars;
    const near = this.area.value.length > limit * COUNTER_AT;
    const over = near ? this.excess : -limit;
    this.button.disabled = (this.area.value.trim() === "" && !this.draft?.files.some((file) => !file.error)) || over > 0 || this.area.disabled;
    this.counter.textContent = over > -limit * (1 - COUNTER_AT) ? this.app.format.number(-over) : "";
    this.counter.classList.toggle("over", over > 0);
    // Laying out a field as long as a book takes longer with every key.
    this.area.toggleAttribute("data-long", this.area.value.length > 2 * limit);
  }

  grow() {
    if (CSS.supports("field-sizing", "content") || this.area.hasAttribute("data-long")) return;
    this.area.style.setProperty("block-size", "auto");
    this.area.style.setProperty("block-size", `${this.area.scrollHeight}px`);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const sends = this.enter.sends(event);
    if (isComposing(event) || this.completer?.key(event)) return;
    if (sends) this.submitBy(event);
    else if (event.key === "Escape" && this.draft?.reply) {
      event.preventDefault();
      this.replyTo(null);
    }
  }

  /** @param {Event} event */
  submitBy(event) {
    event.preventDefault();
    void this.submit();
  }

  async submit() {
    const { room, draft, t } = this;
    if (!room || !draft || this.area.disabled || this.box.hidden) return;
    const content = tidy(draft.text);
    if (isCommand(content)) return this.command(room.name, content);
    const { excess } = this;
    if (excess > 0) this.tooLong(excess);
    else if (draft.files.some((file) => file.error)) this.error.textContent = t("composer.filesFailed");
    else if (draft.files.some(isRunning)) {
      draft.wanted = true;
      this.drawFiles();
    } else this.send(room.name);
  }

  /** @param {number} excess */
  tooLong(excess) {
    const { t, app } = this;
    this.error.textContent = t("composer.tooLong", { count: excess, limit: app.format.number(this.store.limits.content_chars) });
    if (this.attach.hidden) return;
    const attach = () => {
      const file = new File([this.area.value], "message.txt", { type: "text/plain" });
      replaceText(this.area, "", 0, this.area.value.length);
      this.upload([file]);
    };
    this.error.append(" ", h("button", { type: "button", class: "link-button", onClick: attach }, t("composer.asFile")));
  }

  /** @param {string} room on the screen or not */
  send(room) {
    if (!sendDraft(this.app, room) || room !== this.name) return;
    this.typing.stop();
    this.error.textContent = "";
    this.show();
  }

  /** @param {string} name @param {string} content */
  async command(name, content) {
    this.completer?.close();
    const problem = await runCommand(this.app, name, content);
    if (problem) this.error.textContent = problem;
    else if (clearCommand(this.app, name, content) && name === this.name) this.show();
  }

  /** @param {import("../outbox.js").Entry} entry */
  takeBack(entry) {
    takeBack(this.app, entry);
    if (entry.room !== this.name) return;
    this.show();
    this.area.focus({ preventScroll: true });
  }

  /** @param {string} text */
  insert(text) {
    if (this.box.hidden) return;
    replaceText(this.area, text);
  }

  /** @param {import("../protocol.js").Message|null} message */
  replyTo(message) {
    if (this.name === undefined || this.box.hidden) return;
    setReply(this.app, this.name, message);
    this.drawReply();
    this.area.focus({ preventScroll: true });
  }

  /** @param {File[]} files */
  upload(files) {
    const { room } = this;
    this.picker.value = "";
    if (room && this.draft) this.app.uploads.add(room.name, files, room.virtual ? room.with?.id : undefined);
    this.area.focus({ preventScroll: true });
  }
}
