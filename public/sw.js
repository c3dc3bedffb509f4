// The service worker: opens the page without a connection, as it was when it was last seen. A version's files are kept whole
// and together, so that two versions never mix; whatever the network gives comes first.

const SHELL = "chat-shell-";
const PLUGINS = "chat-plugins";
const MOST_PLUGIN_FILES = 200;
const FILES = ["js/early.js", "js/client.js", "js/later.js", "css/client.css", "css/later.css", "icons.svg", "favicon.svg", "manifest.webmanifest",
  ...["en", "zh-Hans", "zh-Hant"].flatMap((language) => [`i18n/${language}.json`, `i18n/later/${language}.json`])];
/** What never changes at its address. */
const OURS = /^\/(?:static|plugins\/[^/]+\/static)\/[0-9a-f]{16}\//;
/** With a page at hand, the network has so long. */
const PATIENCE_MS = 4000;

/** The address of the version that a page is of. */
const baseOf = (html) => /\/static\/[0-9a-f]+\//.exec(html)?.[0];

/** Keep the version that this page is of; then those of before go. */
async function keep(html) {
  const base = baseOf(html);
  if (!base) return;
  const name = SHELL + base;
  const cache = await caches.open(name);
  if (!(await cache.match("/"))) {
    await cache.addAll(FILES.map((path) => base + path));
    // The last one: a version without its page is not complete.
    await cache.put("/", new Response(html, { headers: { "Content-Type": "text/html; charset=utf-8", ...security } }));
  }
  for (const other of await caches.keys()) if (other.startsWith(SHELL) && other !== name) await caches.delete(other);
}

/** What the server says of what the page may load holds for the kept page, too. */
let security = {};

/** The page from the network, which is kept; without it, the one that was. */
async function page(event) {
  const kept = await caches.match("/");
  const asked = fetch("/", { cache: "no-cache", credentials: "same-origin" }).then((answer) => {
    if (answer.ok) {
      const policy = answer.headers.get("Content-Security-Policy");
      security = policy ? { "Content-Security-Policy": policy } : {};
      event.waitUntil(answer.clone().text().then(keep).catch(() => {}));
    }
    return answer;
  });
  if (!kept) return asked;
  const late = new Promise((resolve) => setTimeout(() => resolve(kept), PATIENCE_MS));
  return Promise.race([asked.catch(() => kept), late]);
}

/** A file whose address never means anything else. */
async function file(request, path) {
  const kept = await caches.match(request);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok && path.startsWith("/plugins/")) {
    const cache = await caches.open(PLUGINS);
    const there = await cache.keys();
    for (const old of there.slice(0, Math.max(0, there.length - MOST_PLUGIN_FILES))) await cache.delete(old);
    await cache.put(request, answer.clone());
  }
  return answer;
}

self.addEventListener("install", (event) => event.waitUntil(
  fetch("/", { cache: "no-cache", credentials: "same-origin" }).then(async (answer) => {
    const policy = answer.headers.get("Content-Security-Policy");
    security = policy ? { "Content-Security-Policy": policy } : {};
    await keep(await answer.text());
    await self.skipWaiting();
  })));

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

// What a page has of plugins from before this worker was there.
self.addEventListener("message", (event) => {
  const paths = (event.data?.keep ?? []).map((address) => new URL(address)).filter(({ origin, pathname }) => origin === location.origin && OURS.test(pathname));
  event.waitUntil(Promise.all(paths.map(({ href, pathname }) => file(new Request(href), pathname).catch(() => {}))));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (origin !== location.origin || request.method !== "GET") return;
  if (request.mode === "navigate" && pathname === "/") event.respondWith(page(event));
  else if (OURS.test(pathname)) event.respondWith(file(request, pathname));
});

// A press on a notification leads to its message.
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(self.clients.matchAll({ type: "window" }).then(async ([client]) => {
    if (!client) return self.clients.openWindow(event.notification.data ?? "/");
    await client.focus();
    client.postMessage({ go: event.notification.data });
  }));
});
