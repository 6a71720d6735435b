// Keeps an open page true: takes the server's rendered updates and puts them in place.
// The page says everything without it; the server renders, this only replaces.
(() => {
  "use strict";
  const RELOAD_EVERY = 30000; // milliseconds, where no stream is to be had
  const place = document.getElementById("delivery");
  const spoken = document.getElementById("spoken");
  const updates = document.getElementById("updates");
  if (!place || !place.dataset.events) return;
  if (updates) updates.hidden = false;

  let source = null;
  let timer = null;
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

  function replace(html) {
    const said = journey().dataset.headline;
    place.innerHTML = html;
    document.title = journey().dataset.title;
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
    if (document.startViewTransition && !still && document.visibilityState === "visible") {
      document.startViewTransition(() => replace(html));
    } else {
      replace(html);
    }
  }

  function stop() {
    if (source) source.close();
    source = null;
    clearInterval(timer);
  }

  async function reload() {
    try {
      const answer = await fetch(place.dataset.page, { cache: "no-store" });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("delivery");
      if (fresh && fresh.innerHTML !== place.innerHTML) show(fresh.innerHTML);
    } catch {
      // offline: the next try may find a way
    }
  }

  function listen() {
    source = new EventSource(place.dataset.events);
    source.addEventListener("open", () => { live = true; showLive(); });
    source.addEventListener("update", (event) => show(event.data));
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

  addEventListener("pagehide", stop);
  addEventListener("pageshow", (event) => { if (event.persisted) { reload(); listen(); } });
  listen();
})();
