/** What the parts of threads share: the address of one, and how one is said. */

/** @typedef {{root_id: string, room: string, replies: number, unread: number, follows: boolean, last_seq: number, last_ts: number}} Thread */

/** How long what comes at once is gathered. */
export const PAUSE_MS = 200;

/** The address of a thread's panel; a step back leaves it. @param {string} room @param {string} id */
export function open(room, id) {
  location.hash = `#/${encodeURIComponent(room)}/threads/${encodeURIComponent(id)}`;
}

/** @param {any} chat @param {Thread} thread */
export function said(chat, { replies, unread }) {
  return [repliesIn(chat, replies), ...(unread ? [chat.t("threads.new", { count: unread })] : [])].join(" · ");
}

/** @param {any} chat @param {number} count */
export function repliesIn(chat, count) {
  return count ? chat.t("threads.replies", { count }) : "";
}

/** @param {string} ts */
export function time(ts) {
  return new Date(ts).toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
}
