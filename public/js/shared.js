/** Let the user choose where a text goes that another app has shared with this one. @param {import("./app.js").App} app */
export function takeSharedText(app) {
  const shared = new URLSearchParams(location.search);
  const text = ["title", "text", "url"].map((name) => shared.get(name)?.trim()).filter(Boolean).join("\n");
  if (!text) return;
  history.replaceState(null, "", location.pathname + location.hash);
  const ask = () => {
    stop();
    app.emit("dialog", { name: "switcher", text });
  };
  // Not before it is known where it may go.
  const stop = app.socket.on("welcome", ask);
  if (app.store.epoch !== null) ask();
}
