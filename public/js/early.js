// What can't wait for the modules: a page that doesn't flicker, the connection and the texts under way while they come,
// and a word where they don't. A classic script, as it runs before the first paint; boot.js says what it leaves to the modules.
(() => {
  const root = document.documentElement;
  const base = /** @type {HTMLScriptElement} */ (document.currentScript).src.replace(/js\/early\.js$/, "");
  /** @param {string} key */
  const stored = (key) => {
    try {
      return JSON.parse(localStorage.getItem(key) ?? "null");
    } catch {
      return null;
    }
  };

  /** @param {readonly string[]} wanted */
  const chooseLanguage = (wanted) => {
    for (const tag of wanted) {
      const lower = tag.toLowerCase();
      if (lower.startsWith("zh")) return /hant|tw|hk|mo/.test(lower) ? "zh-Hant" : "zh-Hans";
      if (lower.startsWith("en")) return "en";
    }
    return "en";
  };

  // The room that will be on the screen: by the address, else the one of last time. Null where a message is asked for.
  /** @param {string} user */
  const roomToShow = (user) => {
    const [, name, rest] = /^#\/([^/]+)(\/.*)?$/.exec(location.hash) ?? [];
    if (rest) return null;
    try {
      return name ? decodeURIComponent(name) : stored(`chat.room.${user}`);
    } catch {
      return null;
    }
  };

  // `hello` without waiting for anything: whose session it is, the cookie says. The server reads on when it has answered.
  /** @param {string} user */
  const connect = (user) => {
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`, "chat.v1");
    const early = { socket, frames: /** @type {string[]} */ ([]), room: roomToShow(user) };
    socket.onopen = () => {
      socket.send(JSON.stringify({ type: "hello", id: "hello", status: settings.invisible ? "invisible" : undefined, language, forms: true }));
      if (early.room) socket.send(JSON.stringify({ type: "history", id: "page", room: early.room, limit: 50 }));
    };
    socket.onmessage = ({ data }) => early.frames.push(data);
    return early;
  };

  /** @param {string} path */
  const get = (path) => {
    const answer = fetch(path);
    answer.catch(() => {});
    return answer;
  };

  const settings = stored("chat.settings") ?? {};
  const user = stored("chat.user");
  const returning = user !== null && !location.hash.startsWith("#setup=");
  const browserLanguage = chooseLanguage(navigator.languages);
  const language = !settings.lang || settings.lang === "auto" ? browserLanguage : settings.lang;
  root.dataset.theme = settings.theme || "system";
  root.dataset.density = settings.density || "comfortable";
  root.dataset.size = settings.size || "normal";
  root.dataset.people = settings.people === false ? "hidden" : "shown";
  root.dataset.sidebar = settings.sidebar === false ? "hidden" : "shown";
  root.dataset.view = returning ? "app" : "enter";
  root.lang = language;

  const boot = {
    base,
    browserLanguage,
    texts: { language, answer: get(`${base}i18n/${language}.json`) },
    returning,
    // Where a WebSocket didn't get through an hour ago, the program knows another way.
    early: returning && !(stored("chat.transport")?.until > Date.now()) ? connect(user) : null,
    facts: returning ? null : get("/api/v1/server"),
    submitted: false,
    other: false,
  };
  Object.assign(window, { chatBoot: boot });

  /** @param {Event} event @param {string} selector */
  const within = ({ target }, selector) => /** @type {Element|null} */ (target)?.closest?.(selector);
  const starting = () => root.dataset.boot !== "started";
  const fail = () => {
    if (starting()) root.dataset.boot = "failed";
  };
  // Also a script or a style sheet that doesn't load, which the event's target tells.
  window.addEventListener("error", (event) => (event instanceof ErrorEvent || within(event, "script, link[rel=stylesheet]")) && fail(), true);
  window.addEventListener("unhandledrejection", fail);
  // What is sent off before its code is there is kept, and sent when it is.
  document.addEventListener("submit", (event) => {
    if (!starting()) return;
    event.preventDefault();
    boot.submitted = true;
    /** @type {Element} */ (event.target).setAttribute("aria-busy", "true");
  }, true);
  document.addEventListener("click", (event) => {
    if (starting() && within(event, '[data-part="other"]')) boot.other = true;
  }, true);
})();
