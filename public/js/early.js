// Runs before the first paint, so that neither theme nor page flickers. Everything else waits for main.js.
(() => {
  const root = document.documentElement;
  try {
    const settings = JSON.parse(localStorage.getItem("chat.settings") || "{}");
    root.dataset.theme = settings.theme || "system";
    root.dataset.density = settings.density || "comfortable";
    root.dataset.people = settings.people === false ? "hidden" : "shown";
    root.dataset.sidebar = settings.sidebar === false ? "hidden" : "shown";
    root.dataset.view = localStorage.getItem("chat.user") && !location.hash.startsWith("#setup=") ? "app" : "enter";
  } catch {
    root.dataset.view = "enter";
  }
})();
