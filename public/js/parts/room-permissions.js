import { h } from "../dom.js";

/** @typedef {import("../store.js").Room} Room */
/** @typedef {Record<string, {allow?: string[], deny?: string[]}>} Overrides */

/** What most rooms want to decide; `/permit` has all others. */
const NAMES = ["message.post", "files.upload", "reactions.react", "pins.pin", "polls.open", "room.topic", "room.invite", "room.join", "history.read"];
/** Those of the server itself; the others are there with their plugins. */
const CORE = /^(message|room)\./;
const ROLES = ["guest", "member"];

/**
 * What roles may do in a room in particular: a table to choose from, and what was chosen.
 * @param {import("../app.js").App} app @param {Room} room
 */
export function roomPermissions({ t, store }, room) {
  const names = NAMES.filter((name) => CORE.test(name) || store.hasPlugin(name.split(".")[0]));
  const before = room.permissions ?? {};
  /** @type {{role: string, name: string, select: HTMLSelectElement}[]} */
  const cells = [];
  const cell = (/** @type {string} */ role, /** @type {string} */ name) => {
    const now = before[role]?.deny?.includes(name) ? "no" : before[role]?.allow?.includes(name) ? "yes" : "";
    const label = `${t(`permit.${name}`)}: ${t(`permit.role.${role}`)}`;
    const select = h("select", { class: "own-select", "aria-label": label }, ...["", "yes", "no"].map((value) => h("option", { value, selected: value === now }, t(`permit.${value || "usual"}`))));
    cells.push({ role, name, select });
    return h("td", null, select);
  };
  const node = h("details", { class: "room-permissions" }, h("summary", null, t("permit.title")),
    h("table", null,
      h("thead", null, h("tr", null, h("td", null), ...ROLES.map((role) => h("th", { scope: "col" }, t(`permit.role.${role}`))))),
      h("tbody", null, ...names.map((name) => h("tr", null, h("th", { scope: "row" }, t(`permit.${name}`)), ...ROLES.map((role) => cell(role, name)))))));
  return { node, value: () => chosen(before, cells.map(({ role, name, select }) => ({ role, name, answer: select.value }))) };
}

/**
 * The overrides with other answers; what the table doesn't show stays. As it was, where nothing is different.
 * @param {Overrides} before @param {{role: string, name: string, answer: string}[]} answers
 * @returns {Overrides}
 */
export function chosen(before, answers) {
  /** @type {Record<string, {allow: Set<string>, deny: Set<string>}>} */
  const sets = {};
  for (const [role, { allow, deny }] of Object.entries(before)) sets[role] = { allow: new Set(allow), deny: new Set(deny) };
  let changed = false;
  for (const { role, name, answer } of answers) {
    const own = (sets[role] ??= { allow: new Set(), deny: new Set() });
    if (own.allow.has(name) === (answer === "yes") && own.deny.has(name) === (answer === "no")) continue;
    changed = true;
    own.allow.delete(name);
    own.deny.delete(name);
    if (answer) (answer === "yes" ? own.allow : own.deny).add(name);
  }
  if (!changed) return before;
  return Object.fromEntries(Object.entries(sets).filter(([, { allow, deny }]) => allow.size || deny.size)
    .map(([role, { allow, deny }]) => [role, { allow: [...allow], deny: [...deny] }]));
}
