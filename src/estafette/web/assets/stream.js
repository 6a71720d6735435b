// One event stream of an open page: it connects again after silence, and a hidden page lets go of it,
// because a browser has six connections for all pages of a host.
"use strict";

// Follows the stream at `address(seen)`, where `seen` is the id of the last event that had one.
// `on` has a function for each event, which is given its data and id; `on.live(bool)` is told whether
// the server is heard, and `on.refused()` that there is no stream now: it is tried again later.
function followStream(address, on) {
  const MISSED = 2.5; // pulses that do not come: the stream is dead, whatever the browser believes
  const REFUSED = 30000; // milliseconds until a refused stream is tried again, and half as much more
  let source = null;
  let later = null;
  let silence = null;
  let pulse = 15000; // milliseconds between two signs of life; the server tells
  let seen = "";
  let over = false;

  function letGo() {
    if (source) source.close();
    source = null;
    clearTimeout(silence);
    clearTimeout(later);
  }

  function stop() {
    over = true;
    letGo();
  }

  function hear() {
    on.live(true);
    clearTimeout(silence);
    silence = setTimeout(connect, pulse * MISSED);
  }

  function lose() {
    on.live(false);
    // a refused stream is not tried again by the browser
    if (!source || source.readyState !== EventSource.CLOSED) return;
    letGo();
    on.refused();
    if (!over) later = setTimeout(connect, REFUSED * (1 + Math.random() / 2));
  }

  function connect() {
    letGo();
    if (over || document.visibilityState === "hidden") return;
    on.live(false);
    silence = setTimeout(connect, pulse * MISSED);
    source = new EventSource(address(seen));
    source.addEventListener("pulse", (event) => { pulse = 1000 * event.data || pulse; hear(); });
    source.addEventListener("error", lose);
    for (const name of Object.keys(on)) {
      if (name === "live" || name === "refused") continue;
      source.addEventListener(name, (event) => {
        if (event.lastEventId) seen = event.lastEventId;
        hear();
        on[name](event.data);
      });
    }
  }

  document.addEventListener("visibilitychange", connect);
  addEventListener("online", connect);
  addEventListener("pagehide", letGo);
  addEventListener("pageshow", (event) => { if (event.persisted) connect(); });
  connect();
  return stop;
}
