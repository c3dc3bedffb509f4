/** @typedef {import("./app.js").App} App */

/**
 * Say, once each, what is wrong with this page itself: its program failed, another program took something out of it. What was
 * written is in the drafts.
 * @param {App} app
 */
export function watchForDamage(app) {
  let told = false;
  const tell = (/** @type {string} */ key) => {
    if (told) return;
    told = true;
    app.drafts.saveAll();
    app.emit("toast", { text: app.t(key), action: app.t("connection.reload"), run: () => location.reload() });
  };
  // Browsers also report here what is no error, such as a layout that takes one more turn.
  window.addEventListener("error", (event) => event.error && tell("error.crashed"));
  window.addEventListener("unhandledrejection", () => tell("error.crashed"));
  app.on("part-lost", () => tell("error.partLost"));
}
