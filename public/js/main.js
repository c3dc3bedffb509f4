import { App } from "./app.js";
import { api } from "./api.js";
import { ERROR } from "./protocol.js";
import { read, write } from "./settings.js";
import { ChatApp } from "./parts/chat-app.js";
import { ConfirmDialog } from "./parts/confirm-dialog.js";
import { ConnectionLine } from "./parts/connection-line.js";
import { EnterPage } from "./parts/enter-page.js";
import { MeBar } from "./parts/me-bar.js";
import { MemberList } from "./parts/member-list.js";
import { MessageComposer } from "./parts/message-composer.js";
import { MessageList } from "./parts/message-list.js";
import { RoomDialog } from "./parts/room-dialog.js";
import { RoomHeader } from "./parts/room-header.js";
import { RoomList } from "./parts/room-list.js";
import { SettingsDialog } from "./parts/settings-dialog.js";
import { ToastArea } from "./parts/toast-area.js";
import { TypingLine } from "./parts/typing-line.js";
import { UserCard } from "./parts/user-card.js";

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
  "settings-dialog": SettingsDialog,
  "room-dialog": RoomDialog,
  "confirm-dialog": ConfirmDialog,
  "user-card": UserCard,
  "toast-area": ToastArea,
};

/** @param {App} app @param {import("./protocol.js").User|null} user null while the server can't say who it is */
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

/**
 * Who is signed in here: as the server says, else, without it, whoever was before. Null is nobody.
 * @param {App} app @param {{user: import("./protocol.js").User|null}|null} server
 */
function whoAmI(app, server) {
  if (app.router.route.setup !== null) return null;
  if (server) return server.user ? { user: server.user } : null;
  return read("chat.user", null) === null ? null : { user: null };
}

async function start() {
  const app = new App();
  app.settings.apply();
  const texts = app.i18n.load(app.settings.language);
  const [server] = await Promise.all([api("GET", "server").catch(() => null), texts]);
  app.store.server = server ?? { name: "Chat", guests: true };
  const me = whoAmI(app, server);
  for (const [name, Part] of Object.entries(PARTS)) {
    const Element = class extends Part {
      constructor() {
        super(app);
      }
    };
    customElements.define(name, /** @type {CustomElementConstructor} */ (/** @type {unknown} */ (Element)));
  }
  app.i18n.translate(document);
  app.settings.on("change", (name) => name === "lang" && void app.i18n.load(app.settings.language));
  app.on("entered", (user) => enter(app, user));
  app.socket.on("signin", (error) => signIn(app, error.code === ERROR.unauthorized ? app.t("enter.again") : error.message));
  app.socket.on("welcome", (frame) => {
    app.plugins.loadAll(frame.plugins ?? {});
    void app.outbox.load(frame.user.id);
  });
  app.router.start();
  if (me) enter(app, me.user);
  else signIn(app);
}

void start();
