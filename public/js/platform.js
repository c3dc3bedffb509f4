/**
 * What browsers give to some pages only: to those from https or this machine, or with the user's leave. Nothing else
 * in the client asks for any of it, so each has its way without.
 */

/** Whether shortcuts are made with the Command key. */
export const MAC = /Mac|iPhone|iPad/.test(globalThis.navigator?.platform ?? "");

/** A name that nothing else has: 32 hexadecimal digits. crypto.randomUUID is for secure pages only. */
export function newId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Put a text on the clipboard.
 * @param {string} text
 * @returns {Promise<boolean>} whether it is there
 */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copySelected(text);
  }
}

/** The way of pages that aren't secure. @param {string} text */
function copySelected(text) {
  const focused = /** @type {HTMLElement|null} */ (document.activeElement);
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "visually-hidden";
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  focused?.focus({ preventScroll: true });
  return copied;
}

/** Whether this browser keeps anything for this page. */
export function keeps() {
  try {
    localStorage.setItem("chat.test", "1");
    localStorage.removeItem("chat.test");
    return true;
  } catch {
    return false;
  }
}

/**
 * Hold a name that one page of all can hold; the next one has it when that goes.
 * @param {string} name @param {() => void} held
 * @returns {boolean} whether this browser knows of such names
 */
export function hold(name, held) {
  void navigator.locks?.request(name, () => {
    held();
    return new Promise(() => {});
  });
  return "locks" in navigator;
}

/** Whether the browser shows notifications of this page. @returns {NotificationPermission|"unsupported"} */
export function notificationPermission() {
  return "Notification" in window ? Notification.permission : "unsupported";
}

/** Ask the user whether they may be shown. @returns {Promise<boolean>} */
export async function askForNotifications() {
  return (await Notification.requestPermission()) === "granted";
}

/**
 * @param {string} title @param {NotificationOptions} options @param {() => void} pressed
 * @returns {() => void} takes it away
 */
export function notify(title, options, pressed) {
  if (notificationPermission() !== "granted") return () => {};
  try {
    const note = new Notification(title, options);
    note.onclick = () => {
      window.focus();
      note.close();
      pressed();
    };
    return () => note.close();
  } catch {
    // On phones only the service worker may show one.
    void navigator.serviceWorker?.ready.then((worker) => worker.showNotification(title, options));
    return () => {};
  }
}

/** On the icon of the installed app. @param {number} count */
export function setBadge(count) {
  void navigator.setAppBadge?.(count).catch(() => {});
}

/** Open without a connection from now on. @param {(hash: string) => void} go where a press on a notification leads */
export function installWorker(go) {
  const { serviceWorker } = navigator;
  if (!serviceWorker) return;
  /** @type {any} */
  const types = /** @type {any} */ (window).trustedTypes;
  const address = types?.createPolicy("chat-worker", { createScriptURL: () => "/sw.js" }).createScriptURL("") ?? "/sw.js";
  serviceWorker.register(address).catch(() => {});
  // What was loaded before there was a worker.
  void serviceWorker.ready.then(({ active }) => active?.postMessage({ keep: performance.getEntriesByType("resource").map(({ name }) => name) }));
  serviceWorker.addEventListener("message", ({ data }) => data?.go && go(data.go));
}
