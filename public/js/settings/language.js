import { LANGUAGES } from "../i18n.js";

/** @param {import("../app.js").App} app @returns {import("../settings-pages.js").Page} */
export function languagePage(app) {
  const { t, settings } = app;
  return {
    id: "language",
    title: () => t("settings.language"),
    fields: () => [{ kind: "choice", label: t("settings.language"), options: [["auto", t("settings.auto")], ...Object.entries(LANGUAGES)],
      value: () => settings.get("lang"), change: (lang) => settings.set("lang", lang) }],
  };
}
