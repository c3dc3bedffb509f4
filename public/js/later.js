import { Badge } from "./badge.js";
import { copyWithNames } from "./copying.js";
import { helpText as help } from "./help-text.js";
import { HttpStream as Stream } from "./http-stream.js";
import { Idle } from "./idle.js";
import { Invitations } from "./invitations.js";
import { leaveKeyboardSpace } from "./keyboard-space.js";
import { Notifier } from "./notifier.js";
import { AccountDialog } from "./parts/account-dialog.js";
import { Completer as Suggestions } from "./parts/completer.js";
import { ConfirmDialog } from "./parts/confirm-dialog.js";
import { DirectoryDialog } from "./parts/directory-dialog.js";
import { FormDialog } from "./parts/form-dialog.js";
import { KeysDialog } from "./parts/keys-dialog.js";
import { Menu } from "./parts/menu.js";
import { MessageEditor as Editor } from "./parts/message-editor.js";
import { MessageSheet } from "./parts/message-sheet.js";
import { coverByPopovers, skipClosed } from "./parts/modal.js";
import { PictureViewer } from "./parts/picture-viewer.js";
import { QuickSwitcher } from "./parts/quick-switcher.js";
import { RoomDialog } from "./parts/room-dialog.js";
import { SettingsDialog } from "./parts/settings-dialog.js";
import { UploadTray as Tray } from "./parts/upload-tray.js";
import { UserCard } from "./parts/user-card.js";
import { installWorker } from "./platform.js";
import { REQUEST } from "./protocol.js";
import { face as pluginFace } from "./plugin-face.js";
import { resumable as inParts } from "./resumable.js";
import { roomHash } from "./router.js";
import { takeSharedText } from "./shared.js";
import { Snapshot } from "./snapshot.js";
import { watchClock } from "./wrong-clock.js";

/** The parts that the start doesn't need: a file of its own. */
export const LATER = {
  "account-dialog": AccountDialog,
  "confirm-dialog": ConfirmDialog,
  "directory-dialog": DirectoryDialog,
  "form-dialog": FormDialog,
  "keys-dialog": KeysDialog,
  "picture-viewer": PictureViewer,
  "quick-switcher": QuickSwitcher,
  "room-dialog": RoomDialog,
  "settings-dialog": SettingsDialog,
  "user-card": UserCard,
};

/** What goes on without being seen. @param {import("./app.js").App} app */
export function begin(app) {
  new Snapshot(app.store);
  skipClosed();
  coverByPopovers();
  leaveKeyboardSpace();
  app.menu = new Menu();
  app.sheet = new MessageSheet(app);
  app.on("plugins", () => {
    app.menu?.refresh();
    app.sheet?.refresh();
  });
  new Notifier(app, new Badge(app).plain);
  new Invitations(app);
  app.actions.add({ id: "room.hide", of: "room", icon: "close", label: () => app.t("rooms.hide"), when: (room) => room.kind === "direct" && !room.hidden && !room.virtual,
    run: (room) => void app.session.socket.request(REQUEST.hide, { room: room.name }).then(() => app.router.replace(elsewhere(app))).catch((error) => app.complain(error)) });
  new Idle(app.store, app.session).start();
  watchClock(app);
  installWorker((hash) => { location.hash = hash; });
  copyWithNames(app, /** @type {HTMLElement} */ (document.querySelector(".log")));
}

/** Where to go from a room that is hidden: on a phone to the list. @param {import("./app.js").App} app */
function elsewhere({ store, panels }) {
  const other = panels.narrow.matches ? undefined : [...store.rooms.values()].find((room) => room.joined && room.kind !== "direct");
  return other ? roomHash(other.name) : "#/";
}

/** What another app has shared with this one. */
export const takeShared = takeSharedText;

/** What stands in for a WebSocket. */
export const HttpStream = Stream;

/** Uploads a large file. */
export const resumable = inParts;

/** The list above the message field. */
export const Completer = Suggestions;

/** The files of a draft. */
export const UploadTray = Tray;

/** Edits a message in its place. */
export const MessageEditor = Editor;

/** What /help says in languages that the server doesn't speak. */
export const helpText = help;

/** What plugins get. */
export const face = pluginFace;
