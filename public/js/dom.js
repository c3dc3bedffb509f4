import { boot } from "./boot.js";

const SVG = "http://www.w3.org/2000/svg";
/** The click follows the release of a finger a little later. */
const CLICK_MS = 60;

/**
 * An element. Children are nodes or text, never markup. `class` and `data-…`/`aria-…` are attributes, `on…` a listener,
 * anything else a property.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, any>|null} [props]
 * @param {...(Node|string|null|undefined|false)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2).toLowerCase(), value);
    else if (key in element && !key.includes("-")) Object.assign(element, { [key]: value });
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  append(element, children);
  return element;
}

/** @param {Element|DocumentFragment} parent @param {(Node|string|null|undefined|false)[]} children */
export function append(parent, children) {
  for (const child of children) if (child !== null && child !== undefined && child !== false) parent.append(child);
}

/** @param {string} name a symbol of icons.svg, without `icon-` */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${boot().base}icons.svg#icon-${name}`);
  svg.append(use);
  return svg;
}

/** A button that is only an icon. @param {string} name @param {string} label @param {(event: MouseEvent) => void} onClick */
export function iconButton(name, label, onClick, extra = "") {
  return h("button", { type: "button", class: `icon-button ${extra}`, "aria-label": label, title: label, onClick }, icon(name));
}

/** A user's picture, or initials in a colour that stays the user's own; decorative, as the name stands beside it.
 * @param {import("./protocol.js").User} user @param {string} [shown] a name in the place of theirs */
export function avatar(user, shown) {
  const letters = initials(shown || user.display_name || user.name);
  return h("span", { class: "avatar", "aria-hidden": "true", "data-hue": hue(shown ?? user.id) }, letters,
    user.avatar && !shown ? h("img", { src: user.avatar, alt: "", onError: (/** @type {any} */ event) => event.target.remove() }) : null);
}

/** One of 24 colours: twelve hues, each in two tones. @param {string} id */
export function hue(id) {
  // FNV-1a, then MurmurHash's mixing: ids that differ in their last character only get colours that lie apart.
  let hash = 0x811c9dc5;
  for (const char of id) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  const colour = ((hash ^ (hash >>> 16)) >>> 0) % 24;
  return colour < 12 ? `${colour}` : `${colour - 12}-deep`;
}

/** What stands at the name of a plugin's user, and of a guest. @param {{bot?: boolean, guest?: boolean}} user @param {(key: string) => string} t */
export function botMark(user, t) {
  const key = user.bot ? "people.bot" : user.guest ? "role.guest" : null;
  return key ? h("span", { class: "bot-mark" }, t(key)) : null;
}

/** @param {string} name */
export function initials(name) {
  const words = name.split(/[\s\p{P}]+/u).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words[1]].map(first) : [first(words[0] ?? name)];
  return letters.join("").toLocaleUpperCase();
}

/** The first character as people count them. @param {string} word */
function first(word) {
  return [...new Intl.Segmenter().segment(word)][0]?.segment ?? "?";
}

/**
 * Draw once for many changes: before the next frame, or soon in a hidden tab, where frames don't come.
 * @param {() => void} draw
 * @returns {() => void}
 */
export function scheduled(draw) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    const run = () => {
      waiting = false;
      draw();
    };
    if (document.hidden) setTimeout(run, 50);
    else requestAnimationFrame(run);
  };
}

/**
 * Draw unless a button or a finger is down on `element`: what is pressed must not move from under it. Then, draw after
 * the click.
 * @param {HTMLElement} element @param {() => void} draw
 * @returns {() => void}
 */
export function unlessPressed(element, draw) {
  let down = false;
  let waiting = false;
  const release = () => setTimeout(() => {
    down = false;
    if (waiting) draw();
    waiting = false;
  }, CLICK_MS);
  element.addEventListener("pointerdown", () => {
    down = true;
    for (const event of ["pointerup", "pointercancel"]) window.addEventListener(event, release, { once: true });
  });
  return () => {
    if (down) waiting = true;
    else draw();
  };
}
