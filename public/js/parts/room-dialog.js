import { h } from "../dom.js";
import { DialogPart } from "./dialog.js";
import { roomPermissions } from "./room-permissions.js";

/** @typedef {import("../store.js").Room} Room */

/** The most days that a room can be told to keep messages: a hundred years. */
const FOR_EVER = 36500;

/** Create a room; or see and change one, invite, leave. */
export class RoomDialog extends DialogPart {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    super(app);
    app.on("dialog", ({ name, room }) => {
      if (name !== "room") return;
      const known = this.store.room(room ?? null);
      if (known) this.openRoom(known);
      else this.openNew();
    });
  }

  openNew() {
    const { t, app } = this;
    const title = h("input", { maxLength: 80, required: true, dir: "auto" });
    const name = h("input", { maxLength: 64, spellcheck: false, autocapitalize: "off" });
    const topic = h("input", { maxLength: 500, dir: "auto" });
    let touched = false;
    name.addEventListener("input", () => { touched = true; });
    title.addEventListener("input", () => { if (!touched) name.value = toName(title.value); });
    const kind = h("select", null, h("option", { value: "public" }, t("room.public")), h("option", { value: "private" }, t("room.private")));
    const history = this.historySelect("all");
    const submit = async () => {
      const created = await app.session.createRoom({ name: name.value.trim() || toName(title.value), title: title.value.trim(),
        topic: topic.value.trim(), kind: kind.value, history: history.value });
      app.router.go(created);
    };
    this.openDialog(t("rooms.create"), this.form(t("room.create"), [
      this.field(t("room.title"), title), this.field(t("room.name"), name, t("room.nameHint")), this.field(t("room.topic"), topic),
      this.field(t("room.kind"), kind), this.field(t("room.history"), history),
    ], submit));
    title.focus();
  }

  /** @param {"all"|"joined"} value */
  historySelect(value) {
    const { t } = this;
    return h("select", null, ...["all", "joined"].map((key) => h("option", { value: key, selected: key === value }, t(`history.${key}`))));
  }

  /** @param {Room} room */
  openRoom(room) {
    const { app, t } = this;
    const rank = room.role === "owner" || room.role === "moderator";
    const rules = rank || this.store.may("room.change");
    const invites = rank || this.store.may("room.invite");
    this.openDialog(app.roomTitle(room), rules || this.store.may("room.topic") ? this.editForm(room, rules) : this.facts(room), invites && this.inviteForm(room), this.ways(room));
    const name = h("p", { class: "hint" }, `#${room.name} · ${t(room.kind === "private" ? "room.private" : "room.public")} · ${t(`history.${room.history}`)}`);
    this.dialog?.querySelector(".dialog-body")?.prepend(name);
  }

  /** @param {Room} room */
  facts(room) {
    return h("p", { class: "room-facts", dir: "auto" }, room.topic || this.t("room.noTopic"));
  }

  /** @param {Room} room @param {boolean} rules whether more than the topic can be changed */
  editForm(room, rules) {
    const { t, app } = this;
    const title = h("input", { maxLength: 80, value: room.title, dir: "auto" });
    const topic = h("textarea", { maxLength: 500, value: room.topic, rows: 2, dir: "auto" });
    const rule = this.rules(room);
    const submit = async () => {
      /** @type {Record<string, any>} */
      const wanted = { title: title.value.trim(), topic: topic.value.trim(), ...(rules ? rule.values() : {}) };
      const changes = Object.fromEntries(Object.entries(wanted).filter(([key, value]) => value !== room[/** @type {keyof Room} */ (key)]));
      if (Object.keys(changes).length) await app.session.changeRoom(room.name, changes);
    };
    return this.form(t("app.save"), [rules ? this.field(t("room.title"), title) : null, this.field(t("room.topic"), topic), ...(rules ? rule.fields : [])], submit);
  }

  /** What holds for all in a room, and its values as they are chosen. @param {Room} room */
  rules(room) {
    const { t } = this;
    const history = this.historySelect(room.history);
    const slow = this.select([0, 5, 10, 30, 60, 300, 900, 3600, 21600, room.slow_mode ?? 0].filter((each, index, all) => all.indexOf(each) === index)
      .sort((one, other) => one - other).map((each) => [String(each), each ? t("slow.every", { time: duration(this.app.i18n.lang, each) }) : t("slow.off")]), String(room.slow_mode ?? 0));
    const notify = this.select(["all", "mentions", "none"].map((each) => [each, t(`level.${each}`)]), room.notify ?? "all");
    const keep = this.keep(room);
    const permissions = room.role === "owner" || this.store.may("room.permissions") ? roomPermissions(this.app, room) : null;
    /** @type {[string, HTMLInputElement][]} */
    const checks = [["read_only", this.check(room.read_only === true)], ["guests", this.check(room.guests !== false)],
      ...(room.kind === "public" ? [/** @type {[string, HTMLInputElement]} */ (["unlisted", this.check(room.unlisted === true)])] : [])];
    return {
      fields: [this.field(t("room.history"), history), this.field(t("slow.title"), slow), this.field(t("room.notify"), notify),
        keep && this.field(t("room.keep"), keep, t("keep.ask")),
        ...checks.map(([key, box]) => h("label", { class: "check" }, box, t(`room.${key}`))), permissions?.node ?? null],
      values: () => ({ history: history.value, slow_mode: Number(slow.value), notify: notify.value, ...(keep ? { keep_days: Number(keep.value) } : {}), ...(permissions ? { permissions: permissions.value() } : {}), ...Object.fromEntries(checks.map(([key, box]) => [key, box.checked])) }),
    };
  }

  /** For how long messages are kept; nothing for those who can't change it. @param {Room} room */
  keep(room) {
    const { t, store } = this;
    if (room.role !== "owner" && !store.may("room.retention")) return null;
    const time = (/** @type {number} */ days) => new Intl.NumberFormat(this.app.i18n.lang, { style: "unit", unit: "day", unitDisplay: "long" }).format(days);
    const usual = store.limits.keep_days ? t("keep.serverDays", { time: time(store.limits.keep_days) }) : t("keep.default");
    const now = room.keep_days ?? 0;
    return this.select([0, 1, 7, 30, 90, 180, 365, FOR_EVER, now].filter((each, index, all) => all.indexOf(each) === index).sort((one, other) => one - other)
      .map((each) => [String(each), each === 0 ? usual : each === FOR_EVER ? t("keep.ever") : t("keep.days", { time: time(each) })]), String(now));
  }

  /** @param {string[][]} options value and text @param {string} chosen */
  select(options, chosen) {
    return h("select", null, ...options.map(([value, text]) => h("option", { value, selected: value === chosen }, text)));
  }

  /** @param {boolean} checked */
  check(checked) {
    return h("input", { type: "checkbox", checked });
  }

  /** @param {Room} room */
  inviteForm(room) {
    const { t, app } = this;
    const input = h("input", { maxLength: 64, spellcheck: false, autocapitalize: "off", "aria-label": t("room.invite"), placeholder: t("room.inviteHint") });
    const error = h("p", { class: "form-error", role: "alert" });
    const form = h("form", { class: "invite" }, input, h("button", { type: "submit", class: "button" }, t("room.inviteDo")));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const name = input.value.trim().replace(/^@/, "");
      if (!name) return;
      try {
        await app.session.invite(room.name, name);
        error.textContent = "";
        input.value = "";
        app.toast(t("room.invited", { name }));
      } catch (refusal) {
        error.textContent = app.explain(refusal);
      }
    });
    return h("section", { class: "settings-group" }, h("h3", null, t("room.invite")), form, error);
  }

  /** Out of it. @param {Room} room */
  ways(room) {
    const ways = this.app.actions.of("room", room).filter(({ id }) => id === "room.archive" || id === "room.leave");
    return h("div", { class: "dialog-actions settings-foot" }, ...ways.map((action) => h("button", { type: "button", class: "button",
      onClick: () => {
        this.dialog?.close();
        action.run(room);
      } }, action.label(room))));
  }
}

/** So many seconds in words. @param {string} lang @param {number} seconds */
function duration(lang, seconds) {
  const [count, unit] = seconds % 3600 === 0 ? [seconds / 3600, "hour"] : seconds % 60 === 0 ? [seconds / 60, "minute"] : [seconds, "second"];
  return new Intl.NumberFormat(lang, { style: "unit", unit, unitDisplay: "long" }).format(count);
}

/** A room's name made of its title: letters and digits of any script, in lower case. @param {string} title */
export function toName(title) {
  return title.normalize("NFC").toLowerCase().replace(/[^\p{L}\p{M}\p{Nd}_-]+/gu, "-").replace(/^-+|-+$/g, "").slice(0, 64);
}
