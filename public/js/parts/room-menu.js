import { publicRoom } from "../slots.js";
import { h } from "../dom.js";

/**
 * What can be done with a room.
 * @param {import("../app.js").App} app @param {import("../store.js").Room} room
 * @param {HTMLElement} opener @param {{x: number, y: number}} [point]
 */
export function openRoomMenu(app, room, opener, point) {
  const items = app.actions.of("room", room).map(({ icon, label, danger, checked, run }) =>
    ({ icon, label: label(room), danger, checked: checked?.(room), run: () => run(room) }));
  const [safe, dangerous] = [items.filter(({ danger }) => !danger), items.filter(({ danger }) => danger)];
  const extras = app.plugins.slots.fill("room-menu", { room: publicRoom(room) });
  const slot = extras.length ? [h("div", { class: "menu-slot" }, ...extras)] : [];
  if (items.length || slot.length) app.openMenu(app.roomTitle(room), [...safe, ...slot, ...dangerous], opener, point);
}
