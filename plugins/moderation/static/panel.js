import { ask, field, make } from "./make.js";

/** The panel: the queue of reports and the audit log for those who may see them, and one's own record for all. */
export class Panel {
  /** @param {any} chat @param {any} room @param {string} arg which part, from the address */
  constructor(chat, room, arg) {
    this.chat = chat;
    this.room = room;
    this.works = chat.may("moderation.reports", room.name);
    this.reads = chat.may("audit.read", room.name);
    this.words = chat.may("moderation.words", room.name);
    const parts = [...(this.works ? ["queue"] : []), ...(this.reads ? ["log"] : []), ...(this.words ? ["words"] : []), "mine"];
    this.part = parts.includes(arg) ? arg : parts[0];
    /** What is asked now; answers to what was asked before are dropped. */
    this.asked = 0;
    this.list = make("div", { className: "moderation-list" });
    this.tabs = parts.map((part) => make("button", { type: "button", className: "button", "aria-pressed": String(part === this.part), onClick: () => this.open(part) },
      chat.t(`moderation.${part}`)));
    this.parts = parts;
    this.search = /** @type {HTMLInputElement} */ (make("input", { type: "search", className: "moderation-search", maxLength: 64, placeholder: chat.t("moderation.find"),
      "aria-label": chat.t("moderation.find"), onChange: () => void this.fill() }));
    this.closed = /** @type {HTMLInputElement} */ (make("input", { type: "checkbox", onChange: () => void this.fill() }));
    this.filter = make("div", { className: "moderation-filter" });
    this.element = make("div", { className: "moderation-panel" }, make("div", { className: "moderation-tabs" }, ...this.tabs), this.filter, this.list);
    const changed = () => {
      if (this.element.isConnected) void this.fill();
      else undos.forEach((undo) => undo());
    };
    const undos = ["live", "moderation:reports"].map((type) => chat.on(type, changed));
    this.open(this.part);
  }

  /** @param {string} part */
  open(part) {
    this.part = part;
    this.tabs.forEach((tab, index) => tab.setAttribute("aria-pressed", String(this.parts[index] === part)));
    this.filter.replaceChildren(...(part === "queue" ? [make("label", { className: "check" }, this.closed, this.chat.t("moderation.showClosed"))] : []),
      ...(part === "log" ? [this.search, this.download()] : []));
    void this.fill();
  }

  download() {
    const address = `/api/v1/audit?format=csv&room=${encodeURIComponent(this.room.name)}`;
    return make("a", { href: address, download: "audit.csv", className: "link-button" }, this.chat.t("moderation.export"));
  }

  async fill() {
    const asked = (this.asked += 1);
    try {
      const nodes = await { queue: () => this.queue(), log: () => this.log(), words: () => this.roomWords(), mine: () => this.mine() }[this.part]?.() ?? [];
      if (asked !== this.asked) return;
      this.list.replaceChildren(...(nodes.length ? nodes : [make("p", { className: "hint" }, this.chat.t("moderation.nothing"))]));
    } catch (error) {
      if (asked === this.asked) this.list.textContent = /** @type {Error} */ (error).message;
    }
  }

  async queue() {
    const { reports } = await this.chat.request("reports", { state: this.closed.checked ? "all" : "open", limit: 100 });
    return reports.map((/** @type {any} */ report) => this.report(report));
  }

  async log() {
    const search = this.search.value.trim();
    const { entries } = await this.chat.request("audit", { room: this.room.name, limit: 100, ...(search ? { search } : {}) });
    return entries.map((/** @type {any} */ entry) => this.entry(entry));
  }

  /** What is not said in this room: a word a line. */
  async roomWords() {
    const { t } = this.chat;
    const { words } = await this.chat.request("moderation:words", { room: this.room.name });
    const text = /** @type {HTMLTextAreaElement} */ (make("textarea", { rows: 8, dir: "auto", value: words.join("\n") }));
    const save = async () => {
      try {
        await this.chat.request("moderation:words", { room: this.room.name, words: text.value.split("\n").filter((line) => line.trim()) });
        this.chat.toast(t("moderation.wordsSaved"));
        void this.fill();
      } catch (error) {
        this.chat.toast(/** @type {Error} */ (error).message);
      }
    };
    return [field(t("moderation.wordsHint"), text), make("button", { type: "button", className: "button primary", onClick: () => void save() }, t("moderation.save"))];
  }

  async mine() {
    const [{ entries }, { reports }] = await Promise.all([
      this.chat.request("audit", { user: this.chat.user().id, limit: 100 }), this.chat.request("reports", { mine: true, state: "all" })]);
    const heading = (/** @type {string} */ key) => make("h3", {}, this.chat.t(key));
    return [...(entries.length ? [heading("moderation.aboutYou"), ...entries.map((/** @type {any} */ entry) => this.entry(entry))] : []),
      ...(reports.length ? [heading("moderation.yourReports"), ...reports.map((/** @type {any} */ report) => this.report(report, true))] : [])];
  }

  /** @param {any} report @param {boolean} [own] made by this user */
  report(report, own = false) {
    const { t } = this.chat;
    const open = report.state === "open" || report.state === "claimed";
    const by = report.by ? ` · ${report.by.name}` : "";
    const change = (/** @type {string} */ type, /** @type {object} */ fields) => this.chat.request(type, { report: report.report, ...fields })
      .then(() => this.fill(), (/** @type {Error} */ error) => this.chat.toast(error.message));
    const button = (/** @type {string} */ key, /** @type {() => unknown} */ run) => make("button", { type: "button", className: "button", onClick: run }, t(key));
    const works = open && !own ? make("div", { className: "moderation-acts" },
      report.state === "open" ? button("moderation.claim", () => change("moderation:claim", {})) : button("moderation.release", () => change("moderation:claim", { on: false })),
      button("moderation.acted", () => this.close(report, "acted")), button("moderation.dismiss", () => this.close(report, "dismissed"))) : null;
    const quote = report.content ? make("blockquote", { dir: "auto" }, report.content) : null;
    const shows = report.message_id && this.chat.store.room(report.room)?.joined;
    return make("article", { className: "moderation-entry" },
      make("p", {}, make("b", {}, `${report.report} · ${report.user.name}`), ` — ${t(`moderation.state.${report.state}`)}${by}`),
      make("p", { className: "hint" }, `${own ? "" : `${report.reporter.name} · `}${report.room && !report.room.startsWith("dm:") ? `#${report.room} · ` : ""}${when(report.ts)}`),
      make("p", { dir: "auto" }, report.reason), quote, report.note ? make("p", { className: "hint", dir: "auto" }, report.note) : null,
      shows ? button("moderation.show", () => this.chat.show(report.room, report.seq)) : null, works);
  }

  /** @param {any} report @param {"acted"|"dismissed"} outcome */
  close(report, outcome) {
    const { t } = this.chat;
    const note = /** @type {HTMLTextAreaElement} */ (make("textarea", { rows: 2, maxLength: 500, dir: "auto" }));
    ask(this.chat, t(outcome === "acted" ? "moderation.acted" : "moderation.dismiss"), [field(t("moderation.note"), note)], t("moderation.close"), async () => {
      await this.chat.request("moderation:close", { report: report.report, outcome, note: note.value.trim() });
      void this.fill();
    });
  }

  /** An entry of the audit log. @param {any} entry */
  entry(entry) {
    const { t } = this.chat;
    const key = `moderation.did.${entry.action}`;
    const action = t(key) === key ? entry.action : t(key);
    const more = [entry.room && `#${entry.room}`, entry.until && t("moderation.until", { time: when(entry.until) }), entry.detail].filter(Boolean).join(" · ");
    return make("article", { className: "moderation-entry" },
      make("p", {}, make("b", {}, action), entry.user ? ` · ${entry.user.name}` : "", entry.by ? ` — ${entry.by.name}` : ""),
      make("p", { className: "hint" }, [when(entry.ts), more].filter(Boolean).join(" · ")), entry.reason ? make("p", { dir: "auto" }, entry.reason) : null);
  }
}

/** @param {string} iso */
function when(iso) {
  return new Intl.DateTimeFormat(document.documentElement.lang || "en", { dateStyle: "medium", timeStyle: "short" }).format(new Date(iso));
}
