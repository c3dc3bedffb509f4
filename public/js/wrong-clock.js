/** More than this, and what is shown as "today" or "12:00" may be wrong. */
const SKEW_MS = 5 * 60_000;

/** Say, once, that the clock of this device is wrong. @param {import("./app.js").App} app */
export function watchClock(app) {
  const look = () => {
    if (Math.abs(app.store.skew) < SKEW_MS) return;
    stop();
    app.toast(app.t("error.clock"));
  };
  const stop = app.socket.on("welcome", look);
  if (app.store.epoch !== null) look();
}
