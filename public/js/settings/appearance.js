/** How this browser shows things. @param {import("../app.js").App} app @returns {import("../settings-pages.js").Page} */
export function appearancePage(app) {
  const { t, settings } = app;
  return {
    id: "appearance",
    title: () => t("settings.look"),
    fields: () => [
      choice("theme", t("settings.theme"), ["system", "light", "dark", "contrast"].map((key) => [key, t(`theme.${key}`)])),
      choice("density", t("settings.density"), ["comfortable", "compact"].map((key) => [key, t(`density.${key}`)])),
      choice("size", t("settings.size"), ["small", "normal", "large", "huge"].map((key) => [key, t(`size.${key}`)])),
    ],
  };

  /** @param {"theme"|"density"|"size"} name @param {string} label @param {[string, string][]} options @returns {import("../settings-pages.js").Field} */
  function choice(name, label, options) {
    return { kind: "choice", label, options, value: () => settings.get(name), change: (value) => settings.set(name, /** @type {any} */ (value)) };
  }
}
