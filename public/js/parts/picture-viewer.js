import { h, icon, iconButton } from "../dom.js";
import { openModal } from "./modal.js";
import { Part } from "./part.js";

const MOST_ZOOM = 8;
const STEP = 1.5;
/** A finger that goes so far sideways turns the page. */
const SWIPE_PX = 60;

/** One picture over the whole page, with those before and after it. */
export class PictureViewer extends Part {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    super(app);
    app.on("dialog", ({ name, url }) => name === "picture" && this.open(url));
    /** @type {Map<number, PointerEvent>} fingers that are down */
    this.fingers = new Map();
  }

  /** @param {string} url */
  open(url) {
    const { t } = this;
    this.image = h("img", { class: "viewer-image", draggable: false });
    this.caption = h("p", { class: "viewer-caption one-line", dir: "auto", role: "status" });
    this.link = h("a", { class: "icon-button", "aria-label": t("viewer.download"), title: t("viewer.download") }, icon("download"));
    this.earlier = iconButton("back", t("viewer.before"), () => this.turn(-1), "viewer-turn before");
    this.later = iconButton("back", t("viewer.after"), () => this.turn(1), "viewer-turn after");
    this.dialog?.remove();
    this.dialog = h("dialog", { class: "viewer", "aria-label": t("viewer.title") },
      h("header", { class: "viewer-bar" }, this.caption, this.link, iconButton("close", t("app.close"), () => this.dialog?.close())),
      h("div", { class: "viewer-stage" }, this.image), this.earlier, this.later);
    const { dialog } = this;
    dialog.addEventListener("close", () => dialog.remove());
    dialog.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.key(event));
    this.listen(/** @type {HTMLElement} */ (dialog.querySelector(".viewer-stage")));
    this.append(dialog);
    openModal(dialog);
    this.show(url);
  }

  /** The pictures of the room that are here, in the order of the log. */
  get pictures() {
    const events = this.store.room(this.store.current)?.timeline.events ?? [];
    return events.flatMap((event) => (event.type === "message" && !event.deleted ? event.files ?? [] : []).filter(isPicture)
      .map((/** @type {import("../protocol.js").Attachment} */ file) => ({ file, message: event })));
  }

  /** @param {string} url */
  show(url) {
    const { pictures, app, image, caption, link } = this;
    const at = pictures.findIndex(({ file }) => file.url === url);
    const found = pictures[at];
    if (!found || !image || !caption || !link) return this.dialog?.close();
    const { file, message } = found;
    this.url = url;
    image.src = url;
    image.alt = file.name;
    link.href = url;
    link.download = file.name;
    caption.textContent = `${file.name} · ${app.authorOf(message)}, ${app.format.exact(message.ts)} · ${app.format.size(file.size)}`;
    if (this.earlier) this.earlier.disabled = at === 0;
    if (this.later) this.later.disabled = at === pictures.length - 1;
    this.place(1, 0, 0);
  }

  /** @param {-1|1} by */
  turn(by) {
    const { pictures } = this;
    const next = pictures[pictures.findIndex(({ file }) => file.url === this.url) + by];
    if (next) this.show(next.file.url);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const act = { ArrowLeft: () => this.turn(-1), ArrowRight: () => this.turn(1), "+": () => this.zoom(STEP), "=": () => this.zoom(STEP),
      "-": () => this.zoom(1 / STEP), 0: () => this.place(1, 0, 0) }[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  }

  /** @param {HTMLElement} stage */
  listen(stage) {
    stage.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(event.deltaY < 0 ? 1.15 : 1 / 1.15, event);
    }, { passive: false });
    stage.addEventListener("dblclick", (event) => (this.scale === 1 ? this.zoom(3, event) : this.place(1, 0, 0)));
    stage.addEventListener("pointerdown", (event) => {
      stage.setPointerCapture(event.pointerId);
      this.fingers.set(event.pointerId, event);
      this.start = { x: event.clientX, y: event.clientY, moved: false };
    });
    stage.addEventListener("pointermove", (event) => this.fingers.has(event.pointerId) && this.move(event));
    for (const type of /** @type {const} */ (["pointerup", "pointercancel"])) stage.addEventListener(type, (event) => this.lift(event));
  }

  /** Two fingers zoom, one moves what is zoomed. @param {PointerEvent} event */
  move(event) {
    const last = /** @type {PointerEvent} */ (this.fingers.get(event.pointerId));
    const other = [...this.fingers].find(([id]) => id !== event.pointerId)?.[1];
    if (this.start) this.start.moved ||= Math.hypot(event.clientX - this.start.x, event.clientY - this.start.y) > 8;
    if (other) {
      const spread = (/** @type {PointerEvent} */ one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY) || 1;
      this.zoom(spread(event) / spread(last), { clientX: (event.clientX + other.clientX) / 2, clientY: (event.clientY + other.clientY) / 2 });
      if (this.start) this.start.x = NaN;
    } else if (this.scale > 1) this.place(this.scale, this.x + event.clientX - last.clientX, this.y + event.clientY - last.clientY);
    this.fingers.set(event.pointerId, event);
  }

  /** @param {PointerEvent} event */
  lift(event) {
    const { start } = this;
    if (!this.fingers.delete(event.pointerId) || this.fingers.size || !start || event.type === "pointercancel") return;
    const far = event.clientX - start.x;
    if (this.scale === 1 && event.pointerType !== "mouse" && Math.abs(far) > SWIPE_PX) this.turn(far > 0 ? -1 : 1);
    else if (!start.moved && event.target !== this.image && this.scale === 1 && !this.over(event)) this.dialog?.close();
  }

  /** Whether a press is on the picture. @param {{clientX: number, clientY: number}} at */
  over({ clientX, clientY }) {
    const box = this.image?.getBoundingClientRect();
    return box !== undefined && clientX >= box.left && clientX <= box.right && clientY >= box.top && clientY <= box.bottom;
  }

  /** @param {number} by @param {{clientX: number, clientY: number}} [at] what stays where it is, else the middle */
  zoom(by, at) {
    const { innerWidth, innerHeight } = window;
    const scale = Math.min(MOST_ZOOM, Math.max(1, this.scale * by));
    const grown = scale / this.scale;
    const [fromX, fromY] = [(at?.clientX ?? innerWidth / 2) - innerWidth / 2, (at?.clientY ?? innerHeight / 2) - innerHeight / 2];
    this.place(scale, fromX - (fromX - this.x) * grown, fromY - (fromY - this.y) * grown);
  }

  /** @param {number} scale @param {number} x pixels from the middle @param {number} y */
  place(scale, x, y) {
    this.scale = scale;
    this.x = scale === 1 ? 0 : x;
    this.y = scale === 1 ? 0 : y;
    this.image?.style.setProperty("transform", `translate(${this.x}px, ${this.y}px) scale(${scale})`);
  }

  scale = 1;
  x = 0;
  y = 0;
}

/** @param {import("../protocol.js").Attachment} file */
function isPicture(file) {
  return file.inline && file.mime.startsWith("image/");
}
