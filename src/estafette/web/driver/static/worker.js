// Keeps the page and its files, so that it opens at once and without a connection. What it shows is
// in the page's own store; nothing of a driver's is kept here.
"use strict";
const EDITION = "{edition}"; // of the files; the server fills both in
const FILES = ["{files}"];
const KEPT = `driver-${EDITION}`;
const PAGE = "/driver";

self.addEventListener("install", (event) => event.waitUntil((async () => {
  const kept = await caches.open(KEPT);
  await kept.addAll(FILES);
  await keepPage(kept).catch(() => {}); // signed out: it is kept at the next visit
  await self.skipWaiting();
})()));

self.addEventListener("activate", (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) {
    if (name.startsWith("driver-") && name !== KEPT) await caches.delete(name);
  }
  await self.clients.claim();
})()));

// A page of another edition has other files: it is kept by the worker of that edition.
async function keepPage(kept) {
  const answer = await fetch(PAGE, { redirect: "manual", cache: "no-store", credentials: "same-origin" });
  if (answer.type === "opaqueredirect") await kept.delete(PAGE);
  if (answer.ok && answer.headers.get("X-Edition") === EDITION) await kept.put(PAGE, answer);
}

async function page(event) {
  const kept = await caches.open(KEPT);
  const found = await kept.match(PAGE);
  if (!found) {
    const answer = await fetch(event.request);
    event.waitUntil(keepPage(kept).catch(() => {}));
    return answer;
  }
  event.waitUntil(keepPage(kept).catch(() => {}));
  return found;
}

// A file that is asked for seldom is kept from its first use on.
async function file(event) {
  const found = await caches.match(event.request, { ignoreVary: true });
  if (found) return found;
  const answer = await fetch(event.request);
  if (answer.ok) {
    const copy = answer.clone();
    event.waitUntil(caches.open(KEPT).then((kept) => kept.put(event.request, copy)).catch(() => {}));
  }
  return answer;
}

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== self.location.origin) return;
  if (event.request.mode === "navigate" && url.pathname === PAGE) event.respondWith(page(event));
  else if (url.pathname.startsWith(`/driver/static/${EDITION}/`)) {
    event.respondWith(file(event));
  }
});

self.addEventListener("message", (event) => {
  if (event.data !== "renew") return; // another language, or another driver
  event.waitUntil(caches.open(KEPT).then((kept) => kept.delete(PAGE).then(() => keepPage(kept))).catch(() => {}));
});
