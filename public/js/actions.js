import { Emitter } from "./emitter.js";

/**
 * Something a user can do. `of` is what it is done to; `label` names it; `when` tells whether it is possible now. `keys`
 * are those it has until the user chooses others, and `within` is where they count: everywhere, in the message field, or
 * on a message that the keyboard has chosen. What is on the `bar` stands in a message's toolbar, too. `rank` tells where
 * a plugin's action stands among those of others; what is a `danger` stands after all else.
 * @typedef {"app"|"room"|"message"} Kind
 * @typedef {"app"|"composer"|"message"} Place
 * @typedef {{id: string, of: Kind, icon?: string, label: (subject: any) => string, when?: (subject: any) => boolean,
 *   run: (subject: any) => void, danger?: boolean, bar?: boolean, checked?: (subject: any) => boolean, keys?: string[],
 *   within?: Place, rank?: () => number}} Action
 */

/** Every action there is. Emits `change`. */
export class Actions extends Emitter {
  constructor() {
    super();
    /** @type {Map<string, Action>} */
    this.byId = new Map();
    /** @type {Map<Kind, () => any>} what an action is done to when it is called by a key */
    this.subjects = new Map();
  }

  /**
   * @param {Action} action
   * @returns {() => void} takes it away
   * @throws {RangeError} if its id is taken
   */
  add(action) {
    if (this.byId.has(action.id)) throw new RangeError(`there is an action "${action.id}" already`);
    this.byId.set(action.id, action);
    this.emit("change");
    return () => {
      if (this.byId.get(action.id) === action && this.byId.delete(action.id)) this.emit("change");
    };
  }

  /** Who knows what is chosen now. @param {Kind} kind @param {() => any} subject undefined for nothing */
  provide(kind, subject) {
    this.subjects.set(kind, subject);
  }

  /** What is possible now, in the order in which menus show it. @param {Kind} kind @param {any} subject @returns {Action[]} */
  of(kind, subject) {
    const rank = (/** @type {Action} */ { danger, rank: own }) => (danger ? 1e6 : 0) + (own?.() ?? -1);
    return [...this.byId.values()].filter((action) => action.of === kind && possible(action, subject))
      .sort((one, other) => rank(one) - rank(other));
  }

  /** Do it to what is chosen. @param {Action} action @returns {boolean} whether it was possible */
  runOnChosen(action) {
    const subject = this.subjects.get(action.of)?.();
    if ((action.of !== "app" && subject === undefined) || !possible(action, subject)) return false;
    action.run(subject);
    return true;
  }
}

/** @param {Action} action @param {any} subject */
function possible(action, subject) {
  return action.when?.(subject) ?? true;
}
