/** @typedef {import("./app.js").App} App */

/** What can be done anywhere, most of it by keys. @param {App} app */
export function appActions(app) {
  const { actions, t, store, panels } = app;
  const here = () => store.room(store.current) !== undefined;
  /** @type {Omit<import("./actions.js").Action, "of">[]} */
  const all = [
    { id: "switch", icon: "search", label: () => t("switcher.title"), keys: ["Mod+K"], run: () => app.emit("dialog", { name: "switcher" }) },
    { id: "room.next", label: () => t("keys.nextRoom"), keys: ["Alt+ArrowDown"], run: () => app.emit("step", { by: 1, unread: false }) },
    { id: "room.previous", label: () => t("keys.previousRoom"), keys: ["Alt+ArrowUp"], run: () => app.emit("step", { by: -1, unread: false }) },
    { id: "unread.next", label: () => t("keys.nextUnread"), keys: ["Alt+Shift+ArrowDown"], run: () => app.emit("step", { by: 1, unread: true }) },
    { id: "unread.previous", label: () => t("keys.previousUnread"), keys: ["Alt+Shift+ArrowUp"], run: () => app.emit("step", { by: -1, unread: true }) },
    { id: "escape", label: () => t("keys.escape"), keys: ["Escape"], when: here, run: () => escape(app) },
    { id: "read.all", label: () => t("keys.allRead"), keys: ["Shift+Escape"], run: () => [...store.rooms.keys()].forEach((name) => app.session.reads.all(name)) },
    { id: "page.up", label: () => t("keys.pageUp"), keys: ["PageUp"], when: emptyField, run: () => app.emit("page", -1) },
    { id: "page.down", label: () => t("keys.pageDown"), keys: ["PageDown"], when: emptyField, run: () => app.emit("page", 1) },
    { id: "people", icon: "people", label: () => t("people.title"), when: here, run: () => panels.toggle("people") },
    { id: "rooms.create", icon: "plus", label: () => t("rooms.create"), when: () => store.may("room.create"), run: () => app.emit("dialog", { name: "room" }) },
    { id: "rooms.browse", icon: "hash", label: () => t("directory.title"), run: () => app.emit("dialog", { name: "directory" }) },
    { id: "settings", icon: "settings", label: () => t("settings.title"), keys: ["Mod+,"], run: () => app.emit("dialog", { name: "settings" }) },
    { id: "keys", label: () => t("keys.title"), keys: ["?", "Mod+/"], run: () => app.emit("dialog", { name: "keys" }) },
  ];
  for (const action of all) actions.add({ ...action, of: "app" });
}

/** Close the panel that was opened; else everything here is read, and the end is shown. @param {App} app */
function escape({ store, session, panels }) {
  const { current } = store;
  if (panels.routed) return panels.close();
  if (current === null) return;
  store.setLine(current, null);
  session.reads.all(current);
  store.emit("to-end", current);
}

/** Whether a page key has nothing to do where the focus is. */
function emptyField() {
  const at = document.activeElement;
  return at === document.body || (at instanceof HTMLTextAreaElement && at.id === "composer-input" && at.value === "");
}
