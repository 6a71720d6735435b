// Keeps the last pages that were seen, for a time without a connection. The network comes first:
// what is kept is shown only where there is none, and says when it was true.
"use strict";
const EDITION = "{edition}"; // of the files; the server fills it in
const BASE = new URL(".", self.location).pathname; // "/track/"
const FILES = `tracking-files-${EDITION}`;
const SEEN = "tracking-seen";
const MOST_SEEN = 5;
const MOST_FILES = 20;
const KEPT = 14 * 24 * 3600 * 1000; // milliseconds

const isFile = (url) => url.origin === self.location.origin
  && (url.pathname.startsWith(`${BASE}static/${EDITION}/`) || /^(logo|colour)\/[\w.]+$/.test(url.pathname.slice(BASE.length)));
const isPage = (url) => url.origin === self.location.origin && url.pathname.startsWith(BASE)
  && /^[\w-]+$/.test(url.pathname.slice(BASE.length));

self.addEventListener("install", () => self.skipWaiting());

self.addEventListener("activate", (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) {
    if (name.startsWith("tracking-files-") && name !== FILES) await caches.delete(name);
  }
  await self.clients.claim();
})()));

async function keepPage(url, answer) {
  if (!answer.ok || answer.redirected) return;
  const headers = new Headers(answer.headers);
  headers.set("X-Seen", String(Date.now()));
  const text = await answer.text(); // which fails where the connection ends: what is kept stays
  const html = text.replace(/ data-map="[^"]*"/g, ""); // where the courier was is not kept
  const seen = await caches.open(SEEN);
  await seen.delete(url.pathname);
  await seen.put(url.pathname, new Response(html, { headers }));
  const kept = await seen.keys(); // in the order in which they were put
  for (const old of kept.slice(0, Math.max(0, kept.length - MOST_SEEN))) await seen.delete(old);
}

async function seenPage(url) {
  const seen = await caches.open(SEEN);
  const kept = await seen.match(url.pathname);
  if (!kept) return Response.error();
  const at = Number(kept.headers.get("X-Seen"));
  if (Date.now() - at > KEPT) {
    await seen.delete(url.pathname);
    return Response.error();
  }
  const html = (await kept.text()).replace("<html ", `<html data-seen="${at}" `);
  return new Response(html, { headers: kept.headers });
}

async function page(request, url) {
  try {
    const answer = await fetch(request);
    const copy = answer.clone();
    keepPage(url, copy).catch(() => {});
    return answer;
  } catch {
    return seenPage(url);
  }
}

async function file(request) {
  const kept = await caches.match(request, { ignoreVary: true });
  return kept || fetch(request);
}

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET") return;
  if (isFile(url)) event.respondWith(file(event.request));
  else if (event.request.mode === "navigate" && isPage(url)) event.respondWith(page(event.request, url));
});

self.addEventListener("message", (event) => event.waitUntil((async () => {
  const url = new URL(event.data.page, self.location);
  if (!isPage(url)) return;
  const files = event.data.files.map((name) => new URL(name)).filter(isFile).slice(0, MOST_FILES);
  const kept = await caches.open(FILES);
  for (const each of files) {
    if (!(await kept.match(each.pathname))) await kept.add(each.pathname);
  }
  await keepPage(url, await fetch(url, { cache: "no-store" }));
})().catch(() => {})));
