import { localDay } from "./format.js";

/** The clock may be set, and a timer be late. */
const LATE_MS = 50;

/** Call `run` when another local day has begun. @param {() => void} run */
export function eachDay(run) {
  let day = today();
  let timer = 0;
  const look = () => {
    clearTimeout(timer);
    const now = new Date();
    const next = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1);
    timer = window.setTimeout(look, next.getTime() - now.getTime() + LATE_MS);
    if (today() === day) return;
    day = today();
    run();
  };
  // Timers stand still while a computer sleeps.
  window.addEventListener("focus", look);
  document.addEventListener("visibilitychange", look);
  look();
}

function today() {
  return localDay(new Date().toISOString());
}
