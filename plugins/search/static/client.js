/** Search in the browser: a panel with a field, filters that the server knows, and results that lead to their messages. */

const TEXTS = {
  en: { "search.title": "Search", "search.field": "Search messages", "search.hint": "Also: from:name, in:#room, has:file, has:link, has:image, before:2026-07-31, after:2026-07-01, \"two words\", begin*",
    "search.busy": "Searching…",
    "search.none": "Nothing was found.", "search.more": "Show more", "search.new": "Newest", "search.best": "Best" },
  "zh-Hant": { "search.title": "搜尋", "search.field": "搜尋訊息", "search.hint": "也可以用：from:名字、in:#聊天室、has:file、has:link、has:image、before:2026-07-31、after:2026-07-01、\"兩個詞\"、開頭*",
    "search.busy": "搜尋中…",
    "search.none": "沒有找到。", "search.more": "顯示更多", "search.new": "最新", "search.best": "最相符" },
  "zh-Hans": { "search.title": "搜索", "search.field": "搜索消息", "search.hint": "也可以用：from:名字、in:#聊天室、has:file、has:link、has:image、before:2026-07-31、after:2026-07-01、\"两个词\"、开头*",
    "search.busy": "搜索中…",
    "search.none": "没有找到。", "search.more": "显示更多", "search.new": "最新", "search.best": "最匹配" },
};

/** So long after the last key what is written is looked for. */
const PAUSE_MS = 300;

/** @param {any} chat */
export function activate(chat) {
  for (const [language, texts] of Object.entries(TEXTS)) chat.addMessages(language, texts);
  // One for as long as the page lives: after a jump to a result the others are still there.
  const panel = new Panel(chat);
  const open = () => {
    chat.panel(chat.t("search.title"), panel.element);
    panel.field.select();
  };
  chat.addAction({ id: "find", of: "app", label: () => chat.t("search.field"), icon: "search", keys: ["Mod+F"], run: open });
  chat.on("live", () => panel.cut && void panel.find(null));
  chat.addSlot("header", () => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "icon-button search-open";
    button.title = chat.t("search.field");
    button.setAttribute("aria-label", chat.t("search.field"));
    button.append(magnifier());
    button.addEventListener("click", open);
    return button;
  });
}

class Panel {
  /** @param {any} chat */
  constructor(chat) {
    this.chat = chat;
    /** What is asked now; answers to what was asked before are dropped. */
    this.asked = 0;
    /** Whether the last search failed for want of a connection. */
    this.cut = false;
    this.pause = 0;
    this.field = Object.assign(document.createElement("input"), { type: "search", className: "search-field", maxLength: 500, autocomplete: "off" });
    this.field.setAttribute("aria-label", chat.t("search.field"));
    this.sort = document.createElement("select");
    this.sort.className = "search-sort";
    for (const value of ["new", "best"]) this.sort.append(new Option(chat.t(`search.${value}`), value));
    this.sort.setAttribute("aria-label", chat.t("search.title"));
    this.list = Object.assign(document.createElement("div"), { className: "search-results" });
    this.list.setAttribute("role", "list");
    this.hint = Object.assign(document.createElement("p"), { className: "search-hint", textContent: chat.t("search.hint") });
    this.note = Object.assign(document.createElement("p"), { className: "search-note" });
    this.note.setAttribute("role", "status");
    this.more = Object.assign(document.createElement("button"), { type: "button", className: "link-button", hidden: true, textContent: chat.t("search.more") });
    this.element = Object.assign(document.createElement("form"), { className: "search-panel", method: "dialog" });
    const row = Object.assign(document.createElement("div"), { className: "search-row" });
    row.append(this.field, this.sort);
    this.element.append(row, this.hint, this.note, this.list, this.more);
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.find(null);
    });
    this.field.addEventListener("input", (event) => /** @type {InputEvent} */ (event).isComposing || this.typed());
    this.field.addEventListener("compositionend", () => this.typed());
    this.sort.addEventListener("change", () => this.field.value.trim() && void this.find(null));
    this.more.addEventListener("click", () => void this.find(this.cursor));
  }

  /** What was found before is of another question now. */
  typed() {
    clearTimeout(this.pause);
    const empty = this.field.value.trim() === "";
    this.list.setAttribute("aria-busy", String(!empty));
    if (empty) this.show([], null);
    else this.pause = window.setTimeout(() => void this.find(null), PAUSE_MS);
  }

  /** Show these alone, and answers that are still to come not at all. @param {Node[]} nodes @param {string|null} next @param {string} [note] */
  show(nodes, next, note = "") {
    this.asked += 1;
    this.cut = false;
    this.list.replaceChildren(...nodes);
    this.cursor = next;
    this.more.hidden = next === null;
    this.note.textContent = note;
    this.list.setAttribute("aria-busy", "false");
  }

  /** @param {string|null} cursor where to go on; null for a new search */
  async find(cursor) {
    clearTimeout(this.pause);
    const asked = ++this.asked;
    this.note.textContent = this.chat.t("search.busy");
    this.list.setAttribute("aria-busy", String(cursor === null));
    try {
      const { results, cursor: next } = await this.chat.request("search", { query: this.field.value, sort: this.sort.value, cursor });
      if (asked !== this.asked) return;
      const nodes = results.map((/** @type {any} */ result) => this.result(result));
      const all = cursor === null ? nodes : [...this.list.children, ...nodes];
      this.show(all, next, all.length ? "" : this.chat.t("search.none"));
    } catch (error) {
      if (asked !== this.asked) return;
      const { code, message } = /** @type {Error & {code?: string}} */ (error);
      if (cursor === null) this.show([], null, message);
      else this.note.textContent = message;
      this.cut = cursor === null && (code === "offline" || code === "timeout");
    }
  }

  /** @param {{message: any, room: string, snippet: string}} result */
  result({ message, room, snippet }) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "search-result" });
    const head = Object.assign(document.createElement("span"), { className: "search-head" });
    const name = Object.assign(document.createElement("b"), { textContent: message.user.display_name || message.user.name });
    const known = this.chat.store.room(room);
    const where = known?.with ? "" : `#${known?.title || room} · `;
    head.append(name, ` ${where}${new Date(message.ts).toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" })}`);
    const text = Object.assign(document.createElement("span"), { className: "search-text" });
    text.append(...marked(snippet));
    button.append(head, text);
    button.addEventListener("click", () => this.chat.show(room, message.seq));
    const item = document.createElement("div");
    item.setAttribute("role", "listitem");
    item.append(button);
    return item;
  }
}

/** The nodes of a snippet: escaped text, and `<mark>` around some of it. @param {string} snippet @returns {Node[]} */
function marked(snippet) {
  return snippet.split(/<mark>(.*?)<\/mark>/s).map((part, index) => {
    const text = part.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
    return index % 2 ? Object.assign(document.createElement("mark"), { textContent: text }) : new Text(text);
  });
}

function magnifier() {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", "M10.5 4a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13M15.5 15.5L20 20");
  for (const [name, value] of Object.entries({ fill: "none", stroke: "currentColor", "stroke-width": "1.8", "stroke-linecap": "round" })) path.setAttribute(name, value);
  svg.append(path);
  return svg;
}
