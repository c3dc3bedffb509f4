const STATUSES = ["online", "away", "busy", "invisible"];

/** How others see me. @param {import("../app.js").App} app @returns {import("../settings-pages.js").Page} */
export function profilePage(app) {
  const { t, store, session, settings } = app;
  const presence = () => store.presence.get(store.me?.id ?? "") ?? { status: "online", text: "" };
  // Lists of members show me as others see me.
  const status = () => (presence().status === "offline" ? "invisible" : presence().status);
  const show = async (/** @type {string} */ chosen, /** @type {string} */ text) => {
    try {
      await session.presence(chosen, text.trim());
      settings.set("invisible", chosen === "invisible");
    } catch (error) {
      app.complain(error);
    }
  };
  // The name changes by a command, where the server has it.
  const rename = async (/** @type {string} */ name) => {
    try {
      if (store.current !== null && name.trim()) await session.command(store.current, `/nick ${name.trim()}`);
    } catch (error) {
      app.complain(error);
    }
  };
  const renames = () => store.current !== null && store.commands.some((command) => command.name === "nick");
  return {
    id: "profile",
    title: () => t("settings.you"),
    fields: () => [
      ...(renames() ? [/** @type {const} */ ({ kind: "text", label: t("settings.name"), most: 32, value: () => store.me?.display_name ?? "", change: rename })] : []),
      { kind: "choice", label: t("settings.status"), value: status, options: STATUSES.map((one) => [one, t(`status.${one}`)]),
        change: (chosen) => show(chosen, presence().text) },
      { kind: "text", label: t("settings.statusText"), hint: t("settings.statusHint"), value: () => presence().text, change: (text) => show(status(), text) },
    ],
  };
}
