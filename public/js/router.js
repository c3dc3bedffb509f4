import { Emitter } from "./emitter.js";

/**
 * @typedef {{name: string, arg: string}} PanelRoute
 * @typedef {{name: string, code: string}} LinkRoute an `invite`, a `reset` or a `token`
 * @typedef {{room: string|null, seq: number|null, panel: PanelRoute|null, setup: string|null, link: LinkRoute|null}} Route
 */

/**
 * `#/general`, `#/general/532` (a message), `#/general/people` or `#/general/thread/532` (a panel, with what it shows),
 * `#setup=TOKEN`, `#invite=CODE`, `#reset=TOKEN`, `#token=JWT`.
 * @param {string} hash
 * @returns {Route}
 */
export function parseRoute(hash) {
  const [, kind, code = ""] = /^#(setup|invite|reset|token)=(.+)$/.exec(hash) ?? [];
  const setup = kind === "setup" ? decode(code) : null;
  const link = kind && setup === null ? { name: kind, code: decode(code) } : null;
  const [, name = "", rest = ""] = /^#\/([^/]*)(?:\/(.*))?$/.exec(hash) ?? [];
  return {
    room: decode(name) || null,
    seq: /^\d{1,15}$/.test(rest) ? Number(rest) : null,
    panel: parsePanel(rest),
    setup,
    link,
  };
}

/** @param {string} rest @returns {PanelRoute|null} */
function parsePanel(rest) {
  const [, name, arg = ""] = /^([a-z][\w-]*)(?:\/(.*))?$/.exec(rest) ?? [];
  return name ? { name, arg: decode(arg) } : null;
}

/** @param {string} name @param {string|number} [rest] a seq, or what a panel is called */
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

  /** With a step back to what it lies over. @param {string} hash */
  over(hash) {
    history.pushState({ over: true }, "", hash);
    this.emit("change", this.route);
  }

  /** Something else over what `over` left. @param {string} hash */
  replaceOver(hash) {
    history.replaceState(history.state, "", hash);
    this.emit("change", this.route);
  }

  /** Back to what `over` left, or there without a step. @param {string} hash */
  back(hash) {
    if (history.state?.over) history.back();
    else this.replace(hash);
  }

  /** Without a step in the history. @param {string} hash */
  replace(hash) {
    history.replaceState(null, "", hash);
    this.emit("change", this.route);
  }
}
