import { copyWithNames } from "./copying.js";
import { Idle } from "./idle.js";
import { Notifier } from "./notifier.js";
import { DirectoryDialog } from "./parts/directory-dialog.js";
import { KeysDialog } from "./parts/keys-dialog.js";
import { PictureViewer } from "./parts/picture-viewer.js";
import { QuickSwitcher } from "./parts/quick-switcher.js";
import { RoomDialog } from "./parts/room-dialog.js";
import { SettingsDialog } from "./parts/settings-dialog.js";
import { UserCard } from "./parts/user-card.js";

/** The parts that the start doesn't need: a file of its own. */
export const LATER = {
  "directory-dialog": DirectoryDialog,
  "keys-dialog": KeysDialog,
  "picture-viewer": PictureViewer,
  "quick-switcher": QuickSwitcher,
  "room-dialog": RoomDialog,
  "settings-dialog": SettingsDialog,
  "user-card": UserCard,
};

/** What goes on without being seen. @param {import("./app.js").App} app */
export function begin(app) {
  new Notifier(app);
  new Idle(app.store, app.session).start();
  copyWithNames(app, /** @type {HTMLElement} */ (document.querySelector(".log")));
}
