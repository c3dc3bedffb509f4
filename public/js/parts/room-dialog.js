import { h } from "../dom.js";
import { DialogPart } from "./dialog.js";

/** @typedef {import("../store.js").Room} Room */

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
    const submit = async () => {
      /** @type {Record<string, string>} */
      const changes = {};
      if (title.value.trim() !== room.title) changes.title = title.value.trim();
      if (topic.value.trim() !== room.topic) changes.topic = topic.value.trim();
      if (Object.keys(changes).length) await app.session.changeRoom(room.name, changes);
    };
    return this.form(t("app.save"), [rules && this.field(t("room.title"), title), this.field(t("room.topic"), topic)], submit);
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

/** A room's name made of its title: letters and digits of any script, in lower case. @param {string} title */
export function toName(title) {
  return title.normalize("NFC").toLowerCase().replace(/[^\p{L}\p{M}\p{Nd}_-]+/gu, "-").replace(/^-+|-+$/g, "").slice(0, 64);
}
