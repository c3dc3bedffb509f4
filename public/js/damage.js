/** @typedef {import("./app.js").App} App */

/** More than this, and what is shown as "today" or "12:00" may be wrong. */
const SKEW_MS = 5 * 60_000;

/**
 * Say, once each, what is wrong with this page itself: its program failed, another program took something out of it, its
 * clock is off. What was written is in the drafts.
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
  watchClock(app);
}

/** @param {App} app */
function watchClock(app) {
  let told = false;
  app.socket.on("welcome", () => {
    const { skew } = app.store;
    if (told || Math.abs(skew) < SKEW_MS) return;
    told = true;
    app.toast(app.t("error.clock"));
  });
}
