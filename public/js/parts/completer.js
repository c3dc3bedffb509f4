import { complete, emojiChoices, suggestedChoices } from "../completion.js";
import { avatar, botMark, h, icon } from "../dom.js";
import { replaceText } from "../text-field.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../completion.js").Completion} Completion */

const PAUSE_MS = 200;
const TYPED_CHARS = 256;

/** The list above the message field: commands, people and rooms that fit what is typed, and a command's usage. */
export class Completer {
  /** @param {App} app @param {HTMLTextAreaElement} area */
  constructor(app, area) {
    this.app = app;
    this.area = area;
    this.usage = h("p", { class: "usage", hidden: true });
    this.list = h("ul", { id: "completions", role: "listbox" });
    this.popup = h("div", { class: "completer", hidden: true }, this.usage, this.list);
    /** @type {Completion|null} */
    this.found = null;
    /** Which one is chosen: none before an arrow or Tab. */
    this.index = -1;
    /** @type {number|undefined} */
    this.pause = undefined;
    area.setAttribute("aria-controls", "completions");
    area.addEventListener("blur", () => this.close());
    // The field keeps the focus, and a finger may scroll.
    this.popup.addEventListener("mousedown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => this.press(event));
  }

  update() {
    const { area, app } = this;
    const { store } = app;
    const room = store.room(store.current);
    const here = [...(room?.members_here?.people.values() ?? [])].map((member) => store.user(member.user));
    const users = new Map([...here, ...store.users.values()].filter((user) => user.id !== store.me?.id).map((user) => [user.id, user]));
    this.found = complete(area.value, area.selectionStart, {
      users: [...users.values(), ...app.attention.names],
      rooms: [...store.rooms.values()].filter((one) => one.kind !== "direct"),
      commands: app.commandList(),
      emoji: store.hasPlugin("emoji"),
    });
    this.index = -1;
    this.draw();
    clearTimeout(this.pause);
    if (this.found?.asked || this.found?.emoji) this.pause = setTimeout(() => void this.ask(), PAUSE_MS);
  }

  /** Put what the server suggests into the list, unless the text has changed meanwhile. */
  async ask() {
    const { found } = this;
    const choices = found && (await this.answer(found));
    if (!found || this.found !== found || !choices?.length) return;
    found.choices = choices;
    this.draw();
  }

  /** @param {Completion} found @returns {Promise<import("../completion.js").Choice[]>} */
  async answer({ asked, emoji, usage }) {
    const { session } = this.app;
    if (emoji) return emojiChoices(await session.emoji(emoji));
    if (!asked || asked.typed.length > TYPED_CHARS) return [];
    return suggestedChoices(await session.suggestions(asked), Boolean(usage?.arg?.rest));
  }

  draw() {
    const { found } = this;
    this.popup.hidden = !found?.choices.length && !found?.usage;
    this.list.hidden = !found?.choices.length;
    this.usage.hidden = !found?.usage;
    this.list.setAttribute("aria-label", this.app.t("composer.completions"));
    if (!found) return this.area.removeAttribute("aria-activedescendant");
    if (found.usage) this.drawUsage(found.usage);
    this.list.replaceChildren(...found.choices.map((choice, index) => this.option(choice, index)));
    if (found.choices[this.index]) this.area.setAttribute("aria-activedescendant", `completion-${this.index}`);
    else this.area.removeAttribute("aria-activedescendant");
    this.list.children[this.index]?.scrollIntoView({ block: "nearest" });
  }

  /** @param {NonNullable<Completion["usage"]>} usage */
  drawUsage({ usage, help, arg }) {
    this.usage.replaceChildren(h("code", null, usage), " ", arg?.help ? `${arg.name}: ${arg.help}` : help);
  }

  /** @param {import("../completion.js").Choice} choice @param {number} index */
  option(choice, index) {
    const user = choice.id ? this.app.store.users.get(choice.id) : undefined;
    const face = user ? avatar(user) : choice.kind === "room" ? icon("hash") : null;
    face?.classList.add("small");
    return h("li", { role: "option", id: `completion-${index}`, "data-index": index, "aria-selected": index === this.index ? "true" : "false" },
      face, h("span", { class: "choice one-line", dir: "auto" }, choice.kind === "room" ? choice.label.slice(1) : choice.label),
      user ? botMark(user, this.app.t) : null,
      choice.hint ? h("span", { class: "choice-hint one-line", dir: "auto" }, choice.hint) : null,
      this.index < 0 && index === 0 ? h("kbd", { class: "choice-key", "aria-hidden": "true" }, "Tab") : null);
  }

  /** @param {KeyboardEvent} event @returns {boolean} whether the key was for the list */
  key(event) {
    const choices = this.found?.choices ?? [];
    if (!this.found || this.popup.hidden) return false;
    if (event.key === "Escape") this.close();
    else if (choices.length === 0) return false;
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      this.choose(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Tab" && !event.shiftKey) this.accept(Math.max(0, this.index));
    else if (event.key === "Enter" && !event.shiftKey && this.index >= 0) this.accept(this.index);
    else return false;
    event.preventDefault();
    return true;
  }

  /** @param {1|-1} step */
  choose(step) {
    const { length } = this.found?.choices ?? [];
    this.index = this.index < 0 && step < 0 ? length - 1 : (this.index + step + length) % length;
    this.draw();
  }

  /** @param {number} index */
  accept(index) {
    const { found, area } = this;
    const choice = found?.choices[index];
    if (found && choice) replaceText(area, choice.value, found.start, found.end);
  }

  /** @param {MouseEvent} event */
  press(event) {
    const option = /** @type {Element} */ (event.target).closest("[data-index]");
    if (!(option instanceof HTMLElement)) return;
    this.accept(Number(option.dataset.index));
  }

  close() {
    this.found = null;
    this.draw();
  }
}
