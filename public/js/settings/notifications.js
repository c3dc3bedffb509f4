import { h } from "../dom.js";
import { askForNotifications, notificationPermission } from "../platform.js";
import { beep } from "../sound.js";

const LEVELS = ["all", "mentions", "none"];
const HOUR_MS = 3_600_000;

/** What is told, how and when. @param {import("../app.js").App} app @returns {import("../settings-pages.js").Page} */
export function notificationsPage(app) {
  const { t, settings } = app;
  const quiet = () => settings.get("quiet");
  const changeQuiet = (/** @type {Partial<import("../attention.js").Wishes["quiet"]>} */ changes) => {
    settings.set("quiet", { ...quiet(), ...changes });
    app.pages.emit("change");
  };
  const allow = async () => {
    settings.set("notify", await askForNotifications());
    settings.set("notifyAsked", true);
    app.pages.emit("change");
  };

  /** @returns {import("../settings-pages.js").Field} */
  function desktop() {
    const state = notificationPermission();
    if (state === "granted") return { kind: "check", label: t("notify.desktop"), value: () => settings.get("notify"), change: (on) => settings.set("notify", on) };
    if (state === "default") return { kind: "button", icon: "bell", label: t("notify.allow"), hint: t("notify.allowHint"), press: allow };
    return { kind: "node", node: () => h("p", { class: "hint" }, t(state === "denied" ? "notify.denied" : "notify.unsupported")) };
  }

  /** @returns {import("../settings-pages.js").Field[]} */
  function hours() {
    const { until, daily, from, to } = quiet();
    const left = until > Date.now();
    /** @type {[string, string][]} */
    const choices = [["0", t("quiet.off")], ...[0.5, 1, 4, 24].map((hours) => /** @type {[string, string]} */ ([`${hours}`, t("quiet.for", { time: duration(hours) })]))];
    if (left) choices.unshift(["now", t("quiet.until", { time: app.format.time(new Date(until).toISOString()) })]);
    return [
      { kind: "choice", label: t("quiet.now"), value: () => (left ? "now" : "0"), options: choices,
        change: (hours) => hours !== "now" && changeQuiet({ until: hours === "0" ? 0 : Date.now() + Number(hours) * HOUR_MS }) },
      { kind: "check", label: t("quiet.daily"), value: () => daily, change: (on) => changeQuiet({ daily: on }) },
      ...(daily ? [
        /** @type {const} */ ({ kind: "time", label: t("quiet.from"), value: () => from, change: (/** @type {string} */ time) => time && changeQuiet({ from: time }) }),
        /** @type {const} */ ({ kind: "time", label: t("quiet.to"), value: () => to, change: (/** @type {string} */ time) => time && changeQuiet({ to: time }) }),
      ] : []),
    ];
  }

  /** @param {number} hours */
  function duration(hours) {
    const [value, unit] = hours < 1 ? [hours * 60, "minute"] : [hours, "hour"];
    return new Intl.NumberFormat(app.i18n.lang, { style: "unit", unit, unitDisplay: "long" }).format(value);
  }

  return {
    id: "notifications",
    title: () => t("notify.title"),
    fields: () => [
      desktop(),
      { kind: "check", label: t("notify.preview"), value: () => settings.get("preview"), change: (on) => settings.set("preview", on) },
      { kind: "check", label: t("notify.sound"), value: () => settings.get("sound"), change: (on) => {
        settings.set("sound", on);
        if (on) beep();
      } },
      { kind: "choice", label: t("notify.level"), hint: t("notify.levelHint"), value: () => settings.get("level"),
        options: LEVELS.map((level) => [level, t(`level.${level}`)]), change: (level) => settings.set("level", /** @type {any} */ (level)) },
      { kind: "text", label: t("notify.keywords"), hint: t("notify.keywordsHint"), most: 500, value: () => settings.get("keywords"),
        change: (words) => settings.set("keywords", words) },
      ...hours(),
    ],
  };
}
