import { h, icon } from "../dom.js";
import { REQUEST } from "../protocol.js";
import { DialogPart } from "./dialog.js";

const TYPING_MS = 250;

/** All public rooms of the server, by name, with a search. */
export class DirectoryDialog extends DialogPart {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    super(app);
    this.timer = 0;
    /** Which search the answers belong to. */
    this.turn = 0;
    app.on("dialog", ({ name }) => name === "directory" && this.open());
  }

  open() {
    const { t } = this;
    this.input = h("input", { type: "search", class: "switcher-input", maxLength: 64, "aria-label": t("directory.search"), placeholder: t("directory.search"), dir: "auto",
      spellcheck: false, onInput: () => this.later() });
    this.list = h("ul", { class: "directory-list", "aria-label": t("directory.title") });
    this.said = h("p", { class: "hint", role: "status" });
    this.more = h("button", { type: "button", class: "button", hidden: true, onClick: () => void this.load(this.last) }, t("directory.more"));
    const create = this.store.may("room.create") && h("button", { type: "button", class: "button", onClick: () => this.create() }, icon("plus"), t("rooms.create"));
    this.openDialog(t("directory.title"), this.input, this.list, this.said, h("div", { class: "dialog-actions" }, this.more, create));
    this.dialog?.classList.add("wide");
    this.input.focus();
    this.list.addEventListener("click", (event) => this.press(event));
    this.last = "";
    void this.load();
  }

  later() {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.load(), TYPING_MS);
  }

  /** @param {string} [after] the room that the page before ended with */
  async load(after) {
    const { app, t } = this;
    this.turn += 1;
    const turn = this.turn;
    try {
      const search = this.input?.value.trim() ?? "";
      const { rooms, more } = await app.socket.request(REQUEST.rooms, { search, after });
      if (turn !== this.turn || !this.dialog?.open) return;
      const lines = rooms.map((/** @type {import("../protocol.js").WireRoom} */ room) => this.line(room));
      if (after === undefined) this.list?.replaceChildren();
      this.list?.append(...lines);
      this.last = rooms.at(-1)?.name;
      if (this.more) this.more.hidden = !more;
      if (this.said) this.said.textContent = this.list?.childElementCount ? "" : t("directory.none");
    } catch (error) {
      if (turn === this.turn && this.said) this.said.textContent = app.explain(error);
    }
  }

  /** @param {import("../protocol.js").WireRoom} room */
  line(room) {
    const { t } = this;
    const facts = [room.title && room.title !== room.name ? `#${room.name}` : "", t("people.count", { count: room.members }), room.archived ? t("directory.archived") : ""];
    return h("li", null, h("button", { type: "button", class: "directory-room", "data-room": room.name },
      h("span", { class: "room-mark" }, icon("hash")),
      h("span", { class: "directory-text" }, h("b", { class: "one-line", dir: "auto" }, room.title || room.name),
        room.topic ? h("span", { class: "one-line", dir: "auto" }, room.topic) : null, h("span", { class: "hint" }, facts.filter(Boolean).join(" · "))),
      h("span", { class: "directory-join" }, t(room.joined ? "directory.open" : "directory.join"))));
  }

  /** @param {MouseEvent} event */
  press(event) {
    const button = /** @type {HTMLElement|null} */ (/** @type {Element} */ (event.target).closest("[data-room]"));
    if (!button) return;
    this.dialog?.close();
    this.app.router.go(button.dataset.room ?? "");
  }

  create() {
    this.dialog?.close();
    this.app.emit("dialog", { name: "room" });
  }
}
