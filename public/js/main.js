import { App } from "./app.js";
import { boot, ready, started } from "./boot.js";
import { watchForDamage } from "./damage.js";
import { ERROR } from "./protocol.js";
import { write } from "./settings.js";
import { ChatApp } from "./parts/chat-app.js";
import { ConnectionLine } from "./parts/connection-line.js";
import { EnterPage } from "./parts/enter-page.js";
import { MeBar } from "./parts/me-bar.js";
import { MemberList } from "./parts/member-list.js";
import { MessageComposer } from "./parts/message-composer.js";
import { MessageList } from "./parts/message-list.js";
import { PanelHost } from "./parts/panel-host.js";
import { RoomHeader } from "./parts/room-header.js";
import { RoomList } from "./parts/room-list.js";
import { ToastArea } from "./parts/toast-area.js";
import { TypingLine } from "./parts/typing-line.js";

/** What the start doesn't wait for is fetched so long after it. */
const LATER_MS = 3000;

const PARTS = {
  "enter-page": EnterPage,
  "chat-app": ChatApp,
  "room-list": RoomList,
  "me-bar": MeBar,
  "room-header": RoomHeader,
  "connection-line": ConnectionLine,
  "message-list": MessageList,
  "typing-line": TypingLine,
  "message-composer": MessageComposer,
  "member-list": MemberList,
  "panel-host": PanelHost,
  "toast-area": ToastArea,
};

/** @param {App} app @param {import("./protocol.js").User|null} user null while only `welcome` will say who it is */
function enter(app, user) {
  document.documentElement.dataset.view = "app";
  if (user) {
    write("chat.user", user.id);
    app.store.me = user;
    void app.outbox.load(user.id);
  }
  app.socket.start();
}

/** @param {App} app @param {string} [why] */
function signIn(app, why) {
  document.documentElement.dataset.view = "enter";
  write("chat.user", undefined);
  app.emit("enter", why);
}

/** What the server says to a user it doesn't know yet; null without it. @returns {Promise<any>} */
async function facts() {
  const answer = await boot().facts?.catch(() => null);
  return answer?.ok ? answer.json() : null;
}

/** @param {App} app @param {Record<string, any>} parts by the names of their elements */
function defineParts(app, parts) {
  for (const [name, Part] of Object.entries(parts)) {
    const Element = class extends Part {
      constructor() {
        super(app);
      }

      /** A part lives as long as the page: what takes it out is not this program. */
      disconnectedCallback() {
        app.emit("part-lost");
      }
    };
    customElements.define(name, /** @type {CustomElementConstructor} */ (/** @type {unknown} */ (Element)));
  }
}

/**
 * Dialogs and what waits for the user to go come when the first of them is asked for, when there is no connection, or a
 * little after the start.
 * @param {App} app
 */
function fetchLater(app) {
  /** @type {Promise<typeof import("./later.js")>|null} */
  let coming = null;
  const load = async () => {
    const [later] = await Promise.all([import("./later.js"), stylesheet("css/later.css"), app.laterTexts()]);
    app.loaded = later;
    defineParts(app, later.LATER);
    later.begin(app);
    /** @type {MessageComposer} */ (document.querySelector("message-composer")).complete(later);
    return later;
  };
  app.later = () => {
    coming ??= load().catch((error) => {
      coming = null;
      throw Object.assign(error, { code: "offline" });
    });
    return coming;
  };
  app.socket.loadStandIn = async () => (await app.later()).HttpStream;
  for (const topic of ["dialog", "profile", "confirm"]) {
    app.on(topic, async (wanted) => {
      if (app.loaded) return;
      try {
        await app.later();
        app.emit(topic, wanted);
      } catch (error) {
        app.complain(error);
      }
    });
  }
  app.store.on("form", async (form) => {
    if (app.loaded) return;
    await app.later();
    app.store.emit("form", form);
  });
  const soon = () => app.later().catch(() => {});
  app.store.on("connection", ({ state }) => {
    if (app.loaded) return;
    // Without a connection from the start, what was last known is shown by what comes later.
    if (state === "offline" && app.store.epoch === null) void soon();
    if (state === "live") setTimeout(() => app.store.connection.state === "live" && soon(), LATER_MS);
  });
}

/** @param {string} path @returns {Promise<unknown>} when it is there */
function stylesheet(path) {
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: boot().base + path });
  document.head.append(link);
  return new Promise((resolve, reject) => Object.assign(link, { onload: resolve, onerror: reject }));
}

/** @param {App} app */
function listen(app) {
  let justEntered = false;
  app.settings.on("change", (name) => name === "lang" && app.loadLanguage().catch(() => app.toast(app.t("error.language"))));
  app.on("entered", (user) => {
    justEntered = true;
    app.drafts.adopt(app.store.me, user);
    enter(app, user);
  });
  app.socket.on("signin", (error) => {
    const ended = app.t(justEntered ? "enter.noCookies" : "enter.again");
    signIn(app, error.code === ERROR.unauthorized ? ended : app.explain(error));
  });
  const stop = app.store.on("timeline", () => {
    ready();
    stop();
  });
  app.store.on("connection", ({ state }) => (state === "offline" || state === "stopped") && ready());
  app.store.on("plugins", (known) => app.plugins.update(known));
  app.socket.on("welcome", (frame) => {
    justEntered = false;
    write("chat.user", frame.user.id);
  });
}

async function start() {
  const app = new App();
  app.settings.apply();
  const [server] = await Promise.all([facts(), app.loadLanguage()]);
  if (server) {
    app.store.server = server;
    document.title = server.name;
  }
  defineParts(app, PARTS);
  app.i18n.translate(document);
  fetchLater(app);
  if (location.search) app.later().then((later) => later.takeShared(app), () => {});
  listen(app);
  watchForDamage(app);
  app.router.start();
  if (boot().returning) enter(app, null);
  else if (server?.user && app.router.route.setup === null) enter(app, server.user);
  else signIn(app);
  const { link } = app.router.route;
  if (link) app.emit("dialog", link);
  started();
}

void start();
