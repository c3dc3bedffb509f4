import { Part } from "./part.js";

const TICK_MS = 1000;
const NAMED = 3;

/** Who is writing here. */
export class TypingLine extends Part {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    super(app);
    const draw = () => this.draw();
    for (const topic of ["typing", "current", "timeline", "people", "connection"]) this.store.on(topic, draw);
  }

  translated() {
    this.draw();
  }

  draw() {
    clearTimeout(this.timer);
    const { current } = this.store;
    const people = current === null ? [] : this.store.writing(current);
    this.textContent = this.text(people.map((user) => this.app.nameOf(user)));
    if (people.length) this.timer = setTimeout(() => this.draw(), TICK_MS);
  }

  /** @param {string[]} names */
  text(names) {
    if (names.length === 0) return "";
    if (names.length > NAMED) return this.t("typing.many");
    return this.t("typing.some", { count: names.length, names: this.app.format.list(names) });
  }
}
