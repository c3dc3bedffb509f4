import { h } from "../dom.js";
import { REQUEST } from "../protocol.js";

const STATUSES = ["online", "away", "busy", "invisible"];
/** After so many minutes a status text may end; 0 is never, "today" is midnight. */
const ENDS = ["0", "30", "60", "240", "today"];

/** How others see me. @param {import("../app.js").App} app @returns {import("../settings-pages.js").Page} */
export function profilePage(app) {
  const { t, store, session, settings } = app;
  // Lists of members show me as others see me.
  const status = () => {
    const shown = store.presence.get(store.me?.id ?? "")?.status ?? "online";
    return shown === "offline" ? "invisible" : shown;
  };
  const show = async (/** @type {string} */ chosen) => {
    try {
      await session.presence(chosen);
      settings.set("invisible", chosen === "invisible");
    } catch (error) {
      app.complain(error);
    }
  };

  /** What I say of myself: asked for when the page is opened, each change sent at once. */
  function own() {
    const root = h("div", { class: "own" });
    const send = async (/** @type {Record<string, any>} */ changes) => {
      try {
        draw((await session.socket.request(REQUEST.profile, changes)).user);
      } catch (error) {
        app.complain(error);
      }
    };
    const draw = (/** @type {any} */ user) => {
      const focused = root.contains(document.activeElement) ? document.activeElement?.id : "";
      const until = user.status_until ? t("profile.until", { time: app.format.exact(user.status_until) }) : "";
      const text = input("profile-text", user.status_text, 100, () => send({ status_text: text.value.trim() }));
      const name = input("profile-name", user.display_name, 32, () => name.value.trim() && send({ display_name: name.value.trim() }));
      const zone = input("profile-zone", user.time_zone ?? "", 64, () => send({ time_zone: zone.value.trim() }));
      zone.placeholder = here();
      zone.setAttribute("list", "profile-zones");
      const ends = select("profile-ends", ENDS, (one) => (Number(one) ? t("profile.minutes", { count: Number(one) }) : t(one === "0" ? "profile.never" : "profile.today")), (one) => send({ status_until: ending(one) }));
      ends.disabled = !user.status_text;
      const language = input("profile-language", user.language ?? "", 35, () => send({ language: language.value.trim() }));
      language.placeholder = navigator.language;
      const added = select("profile-added", ["anyone", "shared", "ask", "none"], (one) => t(`addedBy.${one}`), (one) => send({ added_by: one }));
      added.value = user.added_by;
      const zones = /** @type {string[]} */ (/** @type {any} */ (Intl).supportedValuesOf?.("timeZone") ?? []);
      root.replaceChildren(...(store.may("user.rename") ? [field(t("settings.name"), name)] : []),
        field(t("settings.statusText"), text, t("settings.statusHint")), field(t("profile.ends"), ends, until),
        field(t("profile.zone"), zone, t("profile.zoneHint")), field(t("profile.language"), language, t("profile.languageHint")), field(t("profile.addedBy"), added, t("profile.addedByHint")),
        h("datalist", { id: "profile-zones" }, ...zones.map((one) => h("option", { value: one }))));
      if (focused) root.querySelector(/** @type {any} */ (`#${focused}`))?.focus();
    };
    void send({});
    return root;
  }

  return {
    id: "profile",
    title: () => t("settings.you"),
    fields: () => [
      { kind: "choice", label: t("settings.status"), value: status, options: STATUSES.map((one) => [one, t(`status.${one}`)]), change: show },
      { kind: "node", node: own },
    ],
  };
}

/** @param {string} id @param {string} value @param {number} most @param {() => unknown} change */
function input(id, value, most, change) {
  return h("input", { id, type: "text", value, maxLength: most, dir: "auto", autocomplete: "off", onChange: change });
}

/** @param {string} id @param {string[]} values @param {(value: string) => string} text @param {(value: string) => unknown} change */
function select(id, values, text, change) {
  const node = h("select", { id, onChange: () => change(node.value) }, ...values.map((value) => h("option", { value }, text(value))));
  return node;
}

/** @param {string} label @param {HTMLElement} control @param {string} [hint] */
function field(label, control, hint) {
  return h("div", { class: "field" }, h("label", { htmlFor: control.id }, label), control, hint ? h("p", { class: "hint" }, hint) : null);
}

/** When a status text ends, in seconds since 1970. @param {string} chosen */
function ending(chosen) {
  if (chosen === "today") return new Date().setHours(24, 0, 0, 0) / 1000;
  return Number(chosen) ? Date.now() / 1000 + Number(chosen) * 60 : 0;
}

function here() {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}
