import { upload } from "../api.js";
import { h, icon, iconButton } from "../dom.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../protocol.js").Attachment} Attachment */
/** @typedef {{room: string, file: File, share: number, cancel: () => void, attachment?: Attachment, error?: string,
 *   node: HTMLElement, preview?: HTMLImageElement}} Item */

/** Files on their way up, beside the message they will belong to. Each room has its own. */
export class UploadTray {
  /** @param {App} app @param {() => void} changed */
  constructor(app, changed) {
    this.app = app;
    this.changed = changed;
    this.list = h("ul", { class: "tray", hidden: true });
    /** @type {Item[]} */
    this.items = [];
    /** @type {string|null} */
    this.room = null;
    this.wantsSending = false;
  }

  get here() {
    return this.items.filter((item) => item.room === this.room);
  }

  get count() {
    return this.here.filter((item) => !item.error).length;
  }

  get busy() {
    return this.here.some((item) => !item.attachment && !item.error);
  }

  /** @param {string|null} room */
  show(room) {
    this.room = room;
    this.wantsSending = false;
    this.draw();
  }

  /** @param {string} room @param {File[]} files */
  add(room, files) {
    for (const file of files) {
      /** @type {Item} */
      const item = { room, file, share: 0, cancel: () => {}, node: h("li") };
      this.items.push(item);
      if (file.type.startsWith("image/")) this.preview(item);
      const limit = this.app.store.plugins.files?.settings?.max_bytes;
      if (limit && file.size > limit) item.error = this.app.t("upload.tooLarge", { size: this.app.format.size(limit) });
      else if (file.size === 0) item.error = this.app.t("upload.empty");
      else void this.run(item);
    }
    this.draw();
  }

  /** One element for as long as the item lives, so that the picture is read once. @param {Item} item */
  preview(item) {
    const src = URL.createObjectURL(item.file);
    const done = () => URL.revokeObjectURL(src);
    const noPicture = () => {
      done();
      item.preview = undefined;
      this.draw();
    };
    item.preview = h("img", { src, alt: "", onLoad: done, onError: noPicture });
  }

  /** @param {Item} item */
  async run(item) {
    const { done, cancel } = upload(item.room, item.file, (share) => {
      item.share = share;
      /** @type {HTMLProgressElement|null} */ (item.node.querySelector("progress"))?.setAttribute("value", String(share));
    });
    item.cancel = cancel;
    try {
      item.attachment = await done;
    } catch (/** @type {any} */ error) {
      if (error.code === "cancelled") return;
      item.error = this.app.explain(error);
      this.wantsSending = false;
    }
    this.draw();
    this.changed();
  }

  sendWhenDone() {
    this.wantsSending = true;
    this.draw();
  }

  /** What is done, for a message; the tray is empty afterwards. @returns {Attachment[]} */
  take() {
    const done = this.here.filter((item) => item.attachment);
    this.wantsSending = false;
    for (const item of done) this.forget(item);
    this.draw();
    return done.flatMap((item) => item.attachment ?? []);
  }

  /** @param {Item} item */
  remove(item) {
    item.cancel();
    this.forget(item);
    this.draw();
    this.changed();
  }

  /** @param {Item} item */
  forget(item) {
    this.items = this.items.filter((one) => one !== item);
  }

  draw() {
    this.list.hidden = this.here.length === 0;
    this.list.replaceChildren(...this.here.map((item) => this.line(item)));
  }

  /** @param {Item} item */
  line(item) {
    const { t, format } = this.app;
    const { file, attachment, error } = item;
    const state = error ?? (attachment ? format.size(file.size) : t(this.wantsSending ? "upload.willSend" : "upload.running"));
    item.node = h("li", { class: "tray-item", "data-failed": Boolean(error) },
      item.preview ?? h("span", { class: "file-icon" }, icon("file")),
      h("span", { class: "file-text" }, h("span", { class: "file-name one-line", dir: "auto" }, file.name),
        h("span", { class: "file-size one-line", role: error ? "alert" : null }, state),
        attachment || error ? null : h("progress", { max: 1, value: item.share, "aria-label": file.name })),
      iconButton("close", t(attachment || error ? "upload.remove" : "upload.cancel"), () => this.remove(item)));
    return item.node;
  }
}
