import { open, PAUSE_MS, said } from "./common.js";

/** @typedef {import("./common.js").Thread} Thread */
/** @typedef {import("./client.js").Threads} Threads */

/** The threads that the user follows, and the button that opens them. */
export class List {
  /** @param {Threads} threads */
  constructor(threads) {
    this.threads = threads;
    /** @type {(Thread & {root: any})[]} */
    this.all = [];
    this.more = false;
    this.timer = 0;
    this.button = Object.assign(document.createElement("button"), { type: "button", className: "threads-open" });
    this.number = Object.assign(document.createElement("span"), { className: "badge mention" });
    this.label = document.createElement("span");
    this.button.append(mark(), this.label, this.number);
    this.button.addEventListener("click", () => {
      const room = threads.chat.room()?.name;
      if (room) location.hash = `#/${encodeURIComponent(room)}/threads`;
    });
    this.element = Object.assign(document.createElement("div"), { className: "threads-list" });
    this.paint();
  }

  show() {
    void this.fill(null);
    return this.element;
  }

  /** @param {number|null} before */
  async fill(before) {
    try {
      const { threads, more } = await this.threads.chat.request("threads", { before });
      this.all = before === null ? threads : [...this.all, ...threads];
      this.more = more;
      this.paint();
    } catch {
      // It is shown as it was: the next connection asks again.
    }
  }

  /** @param {Thread} thread */
  update(thread) {
    const there = this.all.find((one) => one.root_id === thread.root_id);
    if (there && there.follows === thread.follows && there.last_seq === thread.last_seq) {
      Object.assign(there, thread);
      this.paint();
    } else if (there || thread.follows) {
      clearTimeout(this.timer);
      this.timer = window.setTimeout(() => void this.fill(null), PAUSE_MS);
    }
  }

  paint() {
    const { chat } = this.threads;
    const count = this.all.filter(({ unread }) => unread > 0).length;
    this.label.textContent = chat.t("threads.all");
    this.number.hidden = count === 0;
    this.number.dataset.count = count > 99 ? "99+" : String(count);
    this.button.setAttribute("aria-label", count ? chat.t("threads.count", { count }) : chat.t("threads.all"));
    this.element.replaceChildren(...this.all.map((thread) => this.entry(thread)));
    if (this.all.length === 0) this.element.textContent = chat.t("threads.none");
    if (!this.more) return;
    const rest = Object.assign(document.createElement("button"), { type: "button", className: "link-button", textContent: chat.t("threads.load") });
    rest.addEventListener("click", () => void this.fill(this.all.at(-1)?.last_ts ?? null));
    this.element.append(rest);
  }

  /** @param {Thread & {root: any}} thread */
  entry(thread) {
    const { chat } = this.threads;
    const { root, room } = thread;
    const button = Object.assign(document.createElement("button"), { type: "button", className: "threads-item" });
    button.classList.toggle("threads-unread", thread.unread > 0);
    const head = Object.assign(document.createElement("span"), { className: "threads-count" });
    const known = chat.store.room(room);
    const name = root ? root.display_name ?? (root.user.display_name || root.user.name) : "";
    head.append(Object.assign(document.createElement("b"), { textContent: name, dir: "auto" }), known?.with ? "" : ` #${known?.title || room}`);
    const text = Object.assign(document.createElement("span"), { className: "threads-text threads-short", dir: "auto",
      textContent: root && !root.deleted ? chat.plainText(root) || chat.t("threads.file") : chat.t("threads.gone") });
    const count = Object.assign(document.createElement("span"), { className: "threads-count", textContent: said(chat, thread) });
    button.append(head, text, count);
    button.addEventListener("click", () => open(room, thread.root_id));
    return button;
  }

  end() {
    clearTimeout(this.timer);
  }
}

function mark() {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", "M4 4.500h12v8H9l-3.500 3v-3H4zM7 7.500h6M7 10h4");
  for (const [name, value] of Object.entries({ fill: "none", stroke: "currentColor", "stroke-width": "1.5", "stroke-linecap": "round", "stroke-linejoin": "round" })) path.setAttribute(name, value);
  svg.append(path);
  return svg;
}
