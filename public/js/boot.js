/**
 * What early.js has begun before the modules came.
 * @typedef {{socket: WebSocket, frames: string[], room: string|null}} EarlyConnection `hello` is said, and the newest page
 *   of `room` asked for; `frames` are what has come so far
 * @typedef {{base: string, browserLanguage: string, texts: {language: string, answer: Promise<Response>},
 *   returning: boolean, early: EarlyConnection|null, facts: Promise<Response>|null, submitted: boolean, other: boolean}} Boot
 *   `base` is the address of this version's files; `returning` whether the user was here before, who has the connection `early` where a
 *   WebSocket is likely to work; `facts` (of GET /api/v1/server) are for others; `submitted` whether the form was sent off meanwhile, `other` whether the
 *   other way to enter was chosen
 */

/** The ids of what early.js asks for. */
export const EARLY = Object.freeze({ hello: "hello", page: "page" });

/** @returns {Boot} */
export function boot() {
  return /** @type {any} */ (window).chatBoot;
}

/** The version of this page, as the server calls it. */
export function version() {
  return boot().base.split("/").at(-2) ?? "";
}

/** From here on early.js has nothing more to do. */
export function started() {
  document.documentElement.dataset.boot = "started";
}

/** There is something to show, or it is known why there isn't: the shell's placeholders go. */
export function ready() {
  document.documentElement.dataset.ready = "";
}
