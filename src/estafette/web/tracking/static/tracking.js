// Keeps an open page true: takes the server's rendered updates and puts them in place.
// The page says everything without it; the server renders, this only replaces.
(() => {
  "use strict";
  const RELOAD_EVERY = 30000; // milliseconds, where no stream is to be had
  const MISSED = 2.5; // pulses that do not come: the stream is dead, whatever the browser believes
  const place = document.getElementById("delivery");
  const spoken = document.getElementById("spoken");
  const updates = document.getElementById("updates");
  if (!place) return;

  // Without a connection the worker gives the page as it was seen last; the page says when that was.
  const bar = document.getElementById("offline");
  let stale = document.documentElement.dataset.seen;
  if (stale && bar) {
    const lang = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;
    const moment = new Intl.DateTimeFormat(lang, { day: "numeric", month: "long", hour: "2-digit", minute: "2-digit", hour12: false });
    bar.textContent = bar.dataset.text.replace("{moment}", moment.format(new Date(Number(stale))));
    bar.hidden = false;
    if (!place.dataset.events) addEventListener("online", () => location.reload());
  }

  // The server has been heard: what is on the page is true now.
  function refreshed() {
    if (!stale) return;
    stale = "";
    delete document.documentElement.dataset.seen;
    bar.hidden = true;
  }

  let keeping = null;

  // Has the worker keep what is on the page now, for a time without a connection.
  function keep() {
    const workers = navigator.serviceWorker;
    if (!workers || stale) return;
    clearTimeout(keeping);
    keeping = setTimeout(async () => {
      try {
        const ready = await workers.register(place.dataset.worker).then(() => workers.ready);
        const files = performance.getEntriesByType("resource").map((entry) => entry.name);
        ready.active.postMessage({ page: place.dataset.page, files });
      } catch {
        // a browser that keeps nothing shows the page all the same
      }
    }, 500);
  }
  if (document.readyState === "complete") keep();
  else addEventListener("load", keep);
  if (!place.dataset.events) return;
  if (updates) updates.hidden = false;

  let source = null;
  let timer = null; // reloads the page where no stream is to be had
  let silence = null; // runs out when nothing is heard
  let pulse = 15000; // milliseconds between two signs of life; the server tells
  let seen = null; // the last update that is on the page
  let live = false;

  const journey = () => place.querySelector(".journey");
  const isFinal = () => journey().hasAttribute("data-final");

  function showLive() {
    const mark = place.querySelector(".live");
    if (!mark) return;
    mark.textContent = live ? mark.dataset.live : mark.dataset.reconnecting;
    mark.classList.toggle("lost", !live);
    mark.hidden = false;
  }

  let map = null; // draws the courier, while one is on the way

  // Draws the courier where the page says; the map's code is loaded only then.
  async function draw() {
    const slot = stale ? null : place.querySelector("[data-map]");
    if (!slot) {
      if (map) map.remove();
      map = null;
      return;
    }
    try {
      const { CourierMap } = await import(slot.dataset.script);
      if (slot !== place.querySelector("[data-map]")) return; // the page has gone on meanwhile
      map ||= new CourierMap();
      await map.show(slot, JSON.parse(slot.dataset.map));
    } catch {
      map = null; // without a map the words say where the courier is
    }
  }

  function replace(html) {
    const said = journey().dataset.headline;
    place.innerHTML = html;
    document.title = journey().dataset.title;
    draw();
    if (journey().dataset.headline !== said) spoken.textContent = journey().dataset.headline;
    if (isFinal()) {
      stop();
      if (updates) updates.hidden = true;
    } else {
      showLive();
    }
  }

  function show(html) {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (document.startViewTransition && !still && !map && document.visibilityState === "visible") {
      document.startViewTransition(() => replace(html));
    } else {
      replace(html);
    }
  }

  function stop() {
    if (source) source.close();
    source = null;
    live = false;
    clearInterval(timer);
    clearTimeout(silence);
  }

  async function reload() {
    try {
      const answer = await fetch(place.dataset.page, { cache: "no-store" });
      if (answer.status === 404 || answer.status === 410) return location.reload(); // there is none now
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("delivery");
      if (fresh && fresh.innerHTML !== place.innerHTML) show(fresh.innerHTML);
    } catch {
      // offline: the next try may find a way
    }
  }

  function hear() {
    live = true;
    refreshed();
    showLive();
    clearTimeout(silence);
    silence = setTimeout(again, pulse * MISSED);
  }

  function address() {
    const url = new URL(place.dataset.events, location.href);
    if (seen) url.searchParams.set("seen", seen);
    return url;
  }

  function listen() {
    source = new EventSource(address());
    source.addEventListener("pulse", (event) => { pulse = 1000 * event.data || pulse; hear(); });
    source.addEventListener("update", (event) => {
      seen = event.lastEventId;
      hear();
      show(event.data);
      keep();
    });
    source.addEventListener("end", stop);
    source.addEventListener("error", () => {
      live = false;
      showLive();
      // a refused stream is not tried again by the browser: ask for the page instead
      if (source && source.readyState === EventSource.CLOSED) {
        stop();
        timer = setInterval(reload, RELOAD_EVERY);
      }
    });
  }

  function connect() {
    stop();
    if (document.visibilityState === "hidden") return;
    silence = setTimeout(again, pulse * MISSED);
    listen();
  }

  function again() {
    if (isFinal()) return;
    connect();
    showLive();
  }

  // A hidden page lets go of its stream: a browser has six connections for all pages of a host.
  document.addEventListener("visibilitychange", again);
  addEventListener("online", again);
  addEventListener("pagehide", stop);
  addEventListener("pageshow", (event) => { if (event.persisted) again(); });
  draw();
  connect();
})();
