import { Emitter } from "./emitter.js";

/** @typedef {{room: string|null, seq: number|null, people: boolean, setup: string|null}} Route */

/**
 * `#/general`, `#/general/532`, `#/general/people` (a pane of its own on a phone), `#setup=TOKEN`.
 * @param {string} hash
 * @returns {Route}
 */
export function parseRoute(hash) {
  const setup = /^#setup=(.+)$/.exec(hash);
  if (setup) return { room: null, seq: null, people: false, setup: decode(setup[1]) };
  const [, name = "", rest = ""] = /^#\/([^/]*)(?:\/(.*))?$/.exec(hash) ?? [];
  return {
    room: decode(name) || null,
    seq: /^\d{1,15}$/.test(rest) ? Number(rest) : null,
    people: rest === "people",
    setup: null,
  };
}

/** @param {string} name @param {string|number} [rest] a seq, or `people` */
export function roomHash(name, rest) {
  // Sub-delimiters are allowed in a fragment; leaving them readable keeps links of direct rooms short.
  const readable = encodeURIComponent(name).replaceAll("%3A", ":").replaceAll("%2B", "+");
  return `#/${readable}${rest === undefined ? "" : `/${rest}`}`;
}

/** @param {string} text */
function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

/** The address bar. Emits `change` with the route, and before it `intent` (room) unless it is a step in the history. */
export class Router extends Emitter {
  start() {
    window.addEventListener("hashchange", () => this.emit("change", this.route));
    document.addEventListener("click", ({ target }) => {
      const link = target instanceof Element ? target.closest("a[href^='#/']") : null;
      const { room } = parseRoute(link?.getAttribute("href") ?? "");
      if (room) this.emit("intent", room);
    }, true);
  }

  get route() {
    return parseRoute(location.hash);
  }

  /** @param {string} name @param {string|number} [rest] */
  go(name, rest) {
    const hash = roomHash(name, rest);
    this.emit("intent", name);
    if (location.hash === hash) this.emit("change", this.route);
    else location.hash = hash;
  }

  /** Without a step in the history. @param {string} hash */
  replace(hash) {
    history.replaceState(null, "", hash);
    this.emit("change", this.route);
  }
}
