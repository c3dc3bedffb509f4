import { copyText } from "./platform.js";
import { roomHash } from "./router.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./store.js").Room} Room */

/** What can be done with a room: the menu of its header and of its line in the list. @param {App} app */
export function roomActions(app) {
  const { t, store, session, actions } = app;
  const group = (/** @type {Room} */ room) => room.kind !== "direct";
  const rules = (/** @type {Room} */ room) => group(room) && (room.role === "owner" || room.role === "moderator" || store.may("room.change"));
  /** @type {Omit<import("./actions.js").Action, "of">[]} */
  const all = [
    { id: "room.details", icon: "info", label: () => t("room.details"), when: (room) => group(room) && room.joined,
      run: (room) => app.emit("dialog", { name: "room", room: room.name }) },
    { id: "room.read", icon: "check", label: () => t("rooms.markRead"), when: (room) => room.unread > 0,
      run: (room) => session.reads.all(room.name) },
    { id: "room.unread", icon: "unread", label: () => t("rooms.markUnread"), when: (room) => room.joined && room.unread === 0 && lastOther(room) > 0,
      run: (room) => session.reads.keepUnread(room.name, lastOther(room) - 1) },
    { id: "room.link", icon: "link", label: () => t("messages.copyLink"), when: group, run: (room) => void copyLink(app, room) },
    { id: "room.archive", icon: "archive", label: (room) => t(room.archived ? "room.unarchive" : "room.archive"), when: rules,
      run: (room) => (room.archived ? void change(app, room, false) : confirm(app, room, "room.archive", "room.archiveAsk", () => session.changeRoom(room.name, { archived: true }))) },
    { id: "room.leave", icon: "exit", label: () => t("room.leave"), danger: true, when: (room) => group(room) && room.joined,
      run: (room) => confirm(app, room, "room.leave", room.kind === "private" ? "room.leavePrivate" : "room.leaveAsk", () => session.leave(room.name)) },
  ];
  for (const level of /** @type {const} */ (["all", "mentions", "none"])) {
    all.splice(-2, 0, { id: `room.level.${level}`, icon: level === "none" ? "mute" : "bell", label: () => t("level.menu", { level: t(`level.${level}`) }), when: (room) => room.joined,
      checked: (room) => app.attention.levelOf(room) === level,
      run: (room) => app.settings.set("levels", { ...app.settings.get("levels"), [room.name]: level }) });
  }
  actions.provide("room", () => store.room(store.current));
  for (const action of all) actions.add({ ...action, of: "room" });

  /** The seq of another user's last message that is here. @param {Room} room */
  function lastOther({ timeline }) {
    return timeline.events.findLast((event) => store.counts(event))?.seq ?? 0;
  }
}

/** @param {App} app @param {Room} room @param {string} action @param {string} text @param {() => Promise<unknown>} run */
function confirm(app, room, action, text, run) {
  const title = app.roomTitle(room);
  app.emit("confirm", { title: `${app.t(action)}: ${title}`, text: app.t(text, { room: title }), action: app.t(action), run });
}

/** @param {App} app @param {Room} room @param {boolean} archived */
async function change(app, room, archived) {
  try {
    await app.session.changeRoom(room.name, { archived });
  } catch (error) {
    app.complain(error);
  }
}

/** @param {App} app @param {Room} room */
async function copyLink(app, room) {
  const link = new URL(roomHash(room.name), location.href).href;
  app.toast(await copyText(link) ? app.t("messages.copied") : link);
}
