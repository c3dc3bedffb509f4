import { h, icon, iconButton } from "../dom.js";
import { isRunning } from "../uploads.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../uploads.js").Upload} Upload */

/** The files of a draft: those on their way up, and those that are there. */
export class UploadTray {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    this.list = h("ul", { class: "tray", hidden: true });
    /** One element for as long as the file is here, so that the picture is read once. @type {WeakMap<Upload, HTMLImageElement|null>} */
    this.previews = new WeakMap();
    /** @type {Map<Upload, HTMLElement>} */
    this.bars = new Map();
    app.uploads.on("progress", (upload) => this.bars.get(upload)?.setAttribute("value", String(upload.share)));
  }

  /** @param {import("../drafts.js").Draft|null} draft */
  draw(draft) {
    const { files = [], wanted = false } = draft ?? {};
    const focused = [...this.list.children].findIndex((line) => line.contains(document.activeElement));
    this.bars.clear();
    this.list.hidden = files.length === 0;
    this.list.replaceChildren(...files.map((file) => this.line(file, wanted)));
    if (focused >= 0) this.list.children[Math.min(focused, files.length - 1)]?.querySelector("button")?.focus({ preventScroll: true });
  }

  /** @param {Upload} upload @param {boolean} wanted */
  line(upload, wanted) {
    const { t, format, uploads } = this.app;
    const { name, size, share, attachment, cut, error, final } = upload;
    const running = isRunning(upload);
    const state = error ?? (running ? t(cut ? "upload.waiting" : wanted ? "upload.willSend" : "upload.running") : format.size(size));
    const bar = running ? h("progress", { max: 1, value: share, "aria-label": name }) : null;
    if (bar) this.bars.set(upload, bar);
    return h("li", { class: "tray-item", "data-failed": Boolean(error) },
      this.picture(upload) ?? h("span", { class: "file-icon" }, icon(error ? "warning" : "file")),
      h("span", { class: "file-text" }, h("span", { class: "file-name one-line", dir: "auto", title: name }, name),
        h("span", { class: "file-size", role: error ? "alert" : null }, state), bar),
      error && !final ? iconButton("retry", t("upload.retry"), () => uploads.retry(upload)) : null,
      iconButton("close", t(attachment || error ? "upload.remove" : "upload.cancel"), () => uploads.remove(upload)));
  }

  /** @param {Upload} upload @returns {HTMLImageElement|null} */
  picture(upload) {
    const known = this.previews.get(upload);
    if (known !== undefined) return known;
    const made = this.preview(upload);
    this.previews.set(upload, made);
    return made;
  }

  /** @param {Upload} upload */
  preview(upload) {
    const { file, attachment } = upload;
    if (!file?.type.startsWith("image/") && !(attachment?.inline && attachment.mime.startsWith("image/"))) return null;
    const src = file ? URL.createObjectURL(file) : /** @type {import("../protocol.js").Attachment} */ (attachment).url;
    const done = () => file && URL.revokeObjectURL(src);
    const noPicture = () => {
      done();
      this.previews.set(upload, null);
      this.app.uploads.emit("change", upload.room);
    };
    return h("img", { src, alt: "", onLoad: done, onError: noPicture });
  }
}
