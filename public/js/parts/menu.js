import { h, icon } from "../dom.js";

/**
 * A line of a menu: what it does, or a node of its own. `checked` is null where it is no choice.
 * @typedef {{icon?: string, label: string, danger?: boolean, checked?: boolean|null, run: () => void}|Node} Item
 */

const GAP_PX = 4;

/** A menu that floats beside what opened it; on a phone it comes from below. One at a time. */
export class Menu {
  constructor() {
    this.list = h("div", { class: "menu", role: "menu", popover: "auto", tabIndex: -1 });
    this.list.addEventListener("keydown", (event) => this.key(event));
    this.list.addEventListener("toggle", (event) => /** @type {ToggleEvent} */ (event).newState === "closed" && this.closed());
    /** @type {HTMLElement|null} */
    this.opener = null;
    /** What makes the items anew, where they can change. @type {(() => Item[])|null} */
    this.items = null;
  }

  /**
   * @param {string} label what it is a menu of
   * @param {Item[]|(() => Item[])} items
   * @param {HTMLElement} opener gets the focus back
   * @param {{x: number, y: number}} [point] where the mouse was, else below the opener
   */
  open(label, items, opener, point) {
    this.opener = opener;
    this.list.setAttribute("aria-label", label);
    this.items = items instanceof Function ? items : null;
    this.fill(items instanceof Function ? items() : items);
    // Part of the landmark that it was opened from.
    (opener.closest("nav, main, [role=complementary]") ?? document.body).append(this.list);
    this.list.showPopover();
    this.place(opener.getBoundingClientRect(), point);
    (this.lines[0] ?? this.list).focus({ preventScroll: true });
  }

  /** @param {Item[]} items */
  fill(items) {
    this.list.replaceChildren(...items.map((item) => (item instanceof Node ? item : this.line(item))));
  }

  /** A plugin's part came or went: its actions with it, while the menu is open. */
  refresh() {
    if (!this.items || !this.list.isConnected) return;
    const at = this.lines.findIndex((line) => line === document.activeElement);
    this.fill(this.items());
    (this.lines[at] ?? this.list).focus({ preventScroll: true });
  }

  /** @param {Exclude<Item, Node>} item */
  line({ icon: name, label, danger, checked, run }) {
    const choice = checked === undefined || checked === null ? {} : { "aria-checked": String(checked) };
    const act = () => {
      // The focus goes back first, so that the action may take it.
      this.list.hidePopover();
      run();
    };
    return h("button", { type: "button", class: `menu-line ${danger ? "danger" : ""}`, ...choice, tabIndex: -1, onClick: act,
      role: "aria-checked" in choice ? "menuitemradio" : "menuitem" }, icon(checked ? "check" : name ?? "none"), h("span", null, label));
  }

  /** @returns {HTMLElement[]} */
  get lines() {
    return [...this.list.querySelectorAll("button, a")].map((node) => /** @type {HTMLElement} */ (node));
  }

  /** Inside the window. @param {DOMRect} from @param {{x: number, y: number}} [point] */
  place(from, point) {
    const { offsetWidth: width, offsetHeight: height } = this.list;
    const x = point?.x ?? Math.min(from.left, from.right - (from.left + width > window.innerWidth ? width : 0));
    const y = point?.y ?? from.bottom + GAP_PX;
    const above = y + height > window.innerHeight && !point ? from.top - GAP_PX - height : window.innerHeight - height - GAP_PX;
    this.list.style.setProperty("left", `${Math.max(GAP_PX, Math.min(x, window.innerWidth - width - GAP_PX))}px`);
    this.list.style.setProperty("top", `${Math.max(GAP_PX, Math.min(y, above))}px`);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const { lines } = this;
    const at = lines.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const to = { ArrowDown: at + 1, ArrowUp: at < 0 ? -1 : at - 1, Home: 0, End: -1 }[event.key];
    if (event.key === "Tab") this.list.hidePopover();
    if (to === undefined || lines.length === 0) return;
    event.preventDefault();
    lines.at(to % lines.length)?.focus();
  }

  closed() {
    this.list.remove();
    if (document.activeElement === document.body) this.opener?.focus({ preventScroll: true });
  }
}
