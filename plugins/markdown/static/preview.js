/** What a message will look like, above the field in which it is written: the server renders it, as it will when it is sent. */

/** So long after the last key it is rendered again. */
const PAUSE_MS = 300;
const FIELD = "#composer-input";
const HEARD = ["input", "focusin", "keyup"];

export class Preview {
  /** @param {any} chat */
  constructor(chat) {
    this.chat = chat;
    this.on = false;
    /** What is asked now; answers to what was asked before are dropped. */
    this.asked = 0;
    this.timer = 0;
    /** What was written when it was last looked at. */
    this.text = "";
    this.button = Object.assign(document.createElement("button"), { type: "button", className: "icon-button markdown-preview-button", hidden: true });
    this.button.append(eye());
    // A phone's keyboard stays.
    this.button.addEventListener("mousedown", (event) => event.preventDefault());
    this.button.addEventListener("click", () => this.toggle());
    this.box = Object.assign(document.createElement("section"), { className: "markdown-preview", hidden: true });
    this.heard = (/** @type {Event} */ event) => event.target instanceof Element && event.target.matches(FIELD) && this.typed();
    for (const type of HEARD) document.addEventListener(type, this.heard);
    // What was sent is in the field no longer, and no event of the field tells.
    chat.on("message", (/** @type {any} */ { user }) => user.id === chat.user()?.id && this.typed());
  }

  get field() {
    return /** @type {HTMLTextAreaElement|null} */ (document.querySelector(FIELD));
  }

  /** Its button, in the room on the screen. */
  fill() {
    const label = this.chat.t("markdown.preview");
    this.button.title = label;
    this.button.setAttribute("aria-label", label);
    this.button.setAttribute("aria-pressed", String(this.on));
    this.box.setAttribute("aria-label", label);
    // The draft of another room is put into the field after this.
    requestAnimationFrame(() => this.typed());
    return this.button;
  }

  toggle() {
    this.on = !this.on;
    this.button.setAttribute("aria-pressed", String(this.on));
    this.typed();
  }

  /** What is written is another text now, or that of another room. */
  typed() {
    const text = `${this.on} ${this.chat.room()?.name} ${this.field?.value}`;
    if (text === this.text) return;
    this.text = text;
    const empty = !this.field?.value.trim();
    this.button.hidden = empty;
    clearTimeout(this.timer);
    this.asked += 1;
    if (empty || !this.on) this.close();
    else this.timer = window.setTimeout(() => void this.show(), this.box.hidden ? 0 : PAUSE_MS);
  }

  close() {
    this.box.hidden = true;
    this.box.replaceChildren();
  }

  async show() {
    const asked = ++this.asked;
    const [room, text] = [this.chat.room()?.name, this.field?.value];
    if (!room || !text) return;
    let shown;
    try {
      shown = this.chat.html((await this.chat.request("markdown:preview", { room, text })).html);
      for (const spoiler of shown.querySelectorAll(".spoiler")) spoiler.setAttribute("open", "");
    } catch (error) {
      shown = Object.assign(document.createElement("p"), { className: "form-error", textContent: /** @type {Error} */ (error).message });
    }
    if (asked !== this.asked) return;
    this.box.replaceChildren(shown);
    this.field?.closest(".composer-box")?.before(this.box);
    this.box.hidden = false;
  }

  end() {
    clearTimeout(this.timer);
    this.asked += 1;
    for (const type of HEARD) document.removeEventListener(type, this.heard);
    this.box.remove();
  }
}

function eye() {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", "M2.5 12c2.2-4 5.4-6 9.500-6s7.300 2 9.500 6c-2.200 4-5.400 6-9.500 6s-7.300-2-9.500-6M12 9.200a2.800 2.800 0 1 0 0 5.600a2.800 2.800 0 1 0 0-5.600");
  for (const [name, value] of Object.entries({ fill: "none", stroke: "currentColor", "stroke-width": "1.8", "stroke-linejoin": "round" })) path.setAttribute(name, value);
  svg.append(path);
  return svg;
}
