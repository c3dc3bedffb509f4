/** The emoji picker: by groups, by words in the user's language and in English, the last ones, in a skin tone. */

/** Groups as the tables have them, each by one of its own. */
const GROUPS = ["😀", "👋", "🐻", "🍎", "🚗", "⚽", "💡", "❤️", "🏁"];
const TONES = ["", "🏻", "🏼", "🏽", "🏾", "🏿"];
const HANDS = TONES.map((tone) => `✋${tone}`);
const RECENT = "emoji.recent";
const TONE = "emoji.tone";
const MOST_RECENT = 27;
const MOST_FOUND = 90;
const EDGE_PX = 8;
const FALLBACK = "en";

/** @typedef {[char: string, name: string, words: string, toned?: 1]} Entry */
/** @typedef {{char: string, name: string, names: string[], words: string, toned: boolean, custom?: boolean}} Emoji `names` and `words` as they are searched */

/** The tables that were fetched, by language. @type {Map<string, Promise<Entry[][]>>} */
const tables = new Map();

/**
 * Open the picker beside `from`; `picked` gets a character, or `:name:` of one of this server's own.
 * @param {any} chat @param {DOMRect} from @param {(emoji: string) => void} picked
 */
export function openPicker(chat, from, picked) {
  document.querySelector(".emoji-picker")?.remove();
  const picker = new Picker(chat, (emoji) => {
    remember(emoji);
    picker.box.hidePopover();
    picked(emoji);
  });
  document.body.append(picker.box);
  picker.box.showPopover();
  place(picker.box, from);
  new ResizeObserver(() => place(picker.box, from)).observe(picker.box);
  picker.field.focus();
  void picker.load();
  return () => picker.box.remove();
}

class Picker {
  /** @param {any} chat @param {(emoji: string) => void} picked */
  constructor(chat, picked) {
    this.chat = chat;
    this.picked = picked;
    /** @type {Emoji[][]} */
    this.groups = [];
    this.group = -1;
    this.tone = Math.min(TONES.length - 1, Math.max(0, Number(read(TONE)) || 0));
    this.box = h("div", "emoji-picker");
    Object.assign(this.box, { popover: "auto" });
    this.box.setAttribute("role", "dialog");
    this.box.setAttribute("aria-label", chat.t("emoji.pick"));
    this.box.addEventListener("toggle", (event) => /** @type {ToggleEvent} */ (event).newState === "closed" && this.box.remove());
    this.field = Object.assign(document.createElement("input"), { type: "search", className: "emoji-field", maxLength: 40, autocomplete: "off", placeholder: chat.t("emoji.find") });
    this.field.setAttribute("aria-label", chat.t("emoji.find"));
    this.field.addEventListener("input", (event) => /** @type {InputEvent} */ (event).isComposing || this.draw());
    this.field.addEventListener("compositionend", () => this.draw());
    this.box.addEventListener("keydown", (event) => this.key(event));
    this.tabs = h("div", "emoji-tabs");
    this.tabs.setAttribute("role", "group");
    this.grid = h("div", "emoji-grid");
    this.note = h("p", "emoji-note");
    this.note.setAttribute("role", "status");
    this.box.append(h("div", "emoji-top", this.field, this.tones()), this.tabs, this.note, this.grid);
  }

  async load() {
    const language = document.documentElement.lang || FALLBACK;
    try {
      const [own, english, custom] = await Promise.all([table(language).catch(() => table(FALLBACK)), table(FALLBACK), this.custom()]);
      const inEnglish = new Map(english.flat().map((entry) => [entry[0], entry]));
      this.groups = [custom, ...own.map((group) => group.map((entry) => searchable(entry, inEnglish.get(entry[0]) ?? entry)))];
      this.draw();
    } catch (error) {
      this.note.textContent = /** @type {Error} */ (error).message;
    }
  }

  /** Those of this server's own. @returns {Promise<Emoji[]>} */
  async custom() {
    const { emoji } = await this.chat.request("emoji:custom", {}).catch(() => ({ emoji: [] }));
    return emoji.map((/** @type {{name: string}} */ { name }) => ({ char: `:${name}:`, name: `:${name}:`, names: [name], words: name, toned: false, custom: true }));
  }

  draw() {
    const typed = this.field.value.trim().replace(/^:|:$/g, "").toLowerCase();
    const found = typed ? this.find(typed) : this.group < 0 ? this.recent() : this.groups[this.group] ?? [];
    this.note.textContent = typed && found.length === 0 ? this.chat.t("emoji.none") : "";
    this.drawTabs(Boolean(typed));
    this.grid.replaceChildren(...found.map((emoji) => this.choice(emoji)));
    this.grid.scrollTop = 0;
  }

  /** @param {boolean} searching */
  drawTabs(searching) {
    const labels = this.chat.t("emoji.groups").split("|");
    const faces = [["🕘", labels[0], -1], ...(this.groups[0]?.length ? [["★", labels[1], 0]] : []), ...GROUPS.map((face, index) => [face, labels[index + 2], index + 1])];
    this.tabs.replaceChildren(...faces.map(([face, label, group]) => {
      const tab = button("emoji-tab", String(label), String(face), () => {
        this.group = Number(group);
        this.field.value = "";
        this.draw();
      });
      tab.setAttribute("aria-pressed", String(!searching && this.group === group));
      return tab;
    }));
  }

  /** Those that are called what was typed, whose name begins with it, of whose words one does, that contain it. @param {string} typed */
  find(typed) {
    const all = this.groups.flat();
    /** @type {((emoji: Emoji) => boolean)[]} */
    const ranks = [
      ({ char, names }) => char === typed || names.includes(typed),
      ({ names }) => names.some((name) => name.startsWith(typed)),
      ({ words }) => words.split(/[|\s_-]/).some((word) => word.startsWith(typed)),
      ({ words }) => words.includes(typed),
    ];
    return [...new Set(ranks.flatMap((fits) => all.filter(fits)))].slice(0, MOST_FOUND);
  }

  /** The last ones, and what many take where there are few. @returns {Emoji[]} */
  recent() {
    const known = new Map(this.groups.flat().map((emoji) => [emoji.char, emoji]));
    const usual = ["👍", "❤️", "😂", "🎉", "😮", "🙏", "😊", "😢", "🔥", "✅", "👀", "🚀", "👏", "🤔", "😍", "💯", "🙂", "😅"];
    return [...new Set([...recents(), ...usual])].slice(0, MOST_RECENT)
      .flatMap((char) => known.get(char) ?? (char.startsWith(":") ? [] : [{ char, name: char, names: [], words: "", toned: false }]));
  }

  /** @param {Emoji} emoji */
  choice({ char, name, toned, custom }) {
    const shown = toned ? inTone(char, TONES[this.tone]) : char;
    const each = button("", name, custom ? "" : shown, () => this.picked(shown));
    if (custom) each.append(Object.assign(document.createElement("img"), { src: `/plugins/emoji/c/${name.slice(1, -1)}`, alt: "", width: 28, height: 28, loading: "lazy" }));
    each.dataset.emoji = shown;
    return each;
  }

  tones() {
    const choose = button("emoji-tone", this.chat.t("emoji.tone"), HANDS[this.tone], () => {
      this.tone = (this.tone + 1) % TONES.length;
      write(TONE, String(this.tone));
      choose.textContent = HANDS[this.tone];
      this.draw();
    });
    return choose;
  }

  /** Arrows move over the grid, Enter in the field takes the first. @param {KeyboardEvent} event */
  key(event) {
    const all = /** @type {HTMLElement[]} */ ([...this.grid.children]);
    const at = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    // 229 is all that some browsers tell of a key of a composition.
    if (event.isComposing || event.keyCode === 229) return;
    if (event.target === this.field && event.key === "Enter") all[0]?.click();
    else if (event.target === this.field && event.key === "ArrowDown") all[0]?.focus();
    else if (at >= 0 && event.key.startsWith("Arrow")) {
      const row = Math.max(1, all.filter((each) => each.offsetTop === all[0].offsetTop).length);
      const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -row, ArrowDown: row }[event.key] ?? 0;
      if (at + step < 0) this.field.focus();
      else all[Math.min(all.length - 1, at + step)].focus();
    } else return;
    event.preventDefault();
  }
}

/** @param {Entry} entry in the user's language @param {Entry} english @returns {Emoji} */
function searchable([char, name, words, toned], english) {
  const names = [name, english[1]].map((each) => each.toLowerCase());
  return { char, name, names, words: [...names, words, english[2]].join("|").toLowerCase(), toned: toned === 1 };
}

/** @param {string} language @returns {Promise<Entry[][]>} */
function table(language) {
  let found = tables.get(language);
  if (!found) {
    found = fetch(new URL(`names/${language}.json`, import.meta.url)).then(async (answer) => {
      if (!answer.ok) throw new Error(`${answer.status}`);
      return (await answer.json()).groups;
    });
    found.catch(() => tables.delete(language));
    tables.set(language, found);
  }
  return found;
}

/** A character in a skin tone: the sign of the tone follows its first part. @param {string} char @param {string} tone */
export function inTone(char, tone) {
  if (!tone) return char;
  const [first, ...rest] = [...char.replace(/^(.)\uFE0F/u, "$1")];
  return [first, tone, ...rest].join("");
}

function recents() {
  return (read(RECENT) ?? "").split(" ").filter(Boolean);
}

/** @param {string} emoji */
function remember(emoji) {
  write(RECENT, [...new Set([emoji, ...recents()])].slice(0, MOST_RECENT).join(" "));
}

/** @param {string} key @returns {string|null} */
function read(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

/** @param {string} key @param {string} value */
function write(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Not kept, then.
  }
}

/** Above, or below where there is no room, for all that it may come to show. @param {HTMLElement} box @param {DOMRect} from */
function place(box, from) {
  const { offsetWidth: width, offsetHeight: height } = box;
  const top = from.top - height - EDGE_PX >= EDGE_PX ? from.top - height - EDGE_PX : from.bottom + EDGE_PX;
  box.style.setProperty("left", `${Math.max(EDGE_PX, Math.min(from.right - width, window.innerWidth - width - EDGE_PX))}px`);
  box.style.setProperty("top", `${Math.max(EDGE_PX, Math.min(top, window.innerHeight - height - EDGE_PX))}px`);
}

/** @param {string} tag @param {string} className @param {...Node} content */
function h(tag, className, ...content) {
  const node = Object.assign(document.createElement(tag), { className });
  node.append(...content);
  return node;
}

/** @param {string} className @param {string} label @param {string} text @param {() => void} act */
function button(className, label, text, act) {
  const node = Object.assign(document.createElement("button"), { type: "button", className, title: label, textContent: text });
  node.setAttribute("aria-label", label);
  node.addEventListener("click", act);
  return node;
}
