// The driver's page: shows the day, takes taps, and sends them when there is a way.
import * as store from "./store.js";
import * as outbox from "./outbox.js";
import * as model from "./model.js";
import * as position from "./position.js";
import * as screens from "./screens.js";
import { t, setPlace } from "./parts.js";

const EVERY = 15000; // milliseconds between two looks for what is new, while the page is seen
const LONGEST = 60000; // while the server is not to be had

const app = document.getElementById("app");
const spoken = document.getElementById("said");

const state = {
  driver: null, // the id, as the server told it last
  day: null,
  items: [],
  way: "unknown", // ok, offline, signed-out
  others: 0, // taps of other drivers that are kept on this phone
  screen: location.hash.slice(1) || "stops",
};
let readUntil = null; // the last message that was understood here and of which the server does not know
let lastUnderstood = 0;
const said = new Set(); // the messages that were said aloud
let pause = EVERY;
let timer = null;

async function changed() {
  state.items = state.driver ? await store.items(state.driver) : [];
  const all = await store.everyItem();
  state.others = all.filter((item) => item.driver !== state.driver && item.type === "tap" && item.state === "waiting").length;
  state.now = state.day ? model.now(state.day, state.items) : null;
  // What is told before the server knows of the shift would be thrown away there.
  if (state.now && state.now.shift && state.day.shift) position.start(state.driver, draw);
  else position.stop();
  draw();
}

function draw() {
  screens.draw(app, state, acts);
}

// How long is left for an offer, or until a window, is the server's to say: this phone's clock may be
// wrong by hours.
function byOwnClock(day, askedAt) {
  const ahead = askedAt - day.now;
  for (const offer of day.offers) offer.answer_by += ahead;
  for (const stop of day.stops) stop.later_until = stop.wanted_from ? stop.wanted_from + ahead : null;
}

// Takes the day that is here now; `answered` are the taps that it knows of.
async function use(day, answered) {
  if (day.driver.id !== state.driver) {
    state.driver = day.driver.id;
    state.day = null;
    await store.put("current", day.driver.id);
    navigator.serviceWorker?.controller?.postMessage("renew");
  }
  if (day.language !== document.documentElement.dataset.language) return again(day);
  await markRead(day);
  state.day = day;
  setPlace(day.time_zone, day.currency);
  await store.put(`day:${day.driver.id}`, day);
  await outbox.settle(answered);
  sayNews(day);
}

// What was understood on this phone is not shown again, whether or not the server could be told of it.
async function markRead(day) {
  const until = await store.get(`read:${day.driver.id}`);
  const more = until ? day.messages.filter((one) => !one.read && one.id <= until) : [];
  for (const one of more) one.read = true;
  readUntil = more.length ? until : null;
}

// Tells the server of it; what it does not take is told again with the next day.
async function tellRead() {
  const until = readUntil;
  if (!until) return;
  readUntil = null;
  const body = new URLSearchParams({ driver: state.driver, until });
  await outbox.ask("/driver/messages", { method: "POST", body }).catch(() => null);
}

// Says what is new, once: the stop that somebody is on the way to may be gone.
function sayNews(day) {
  const fresh = day.messages.filter((one) => !one.read && !said.has(one.id)).reverse();
  for (const one of fresh) said.add(one.id);
  if (!fresh.length) return;
  say(fresh.map((one) => (one.about ? `${t("taken")}: ${one.text}` : one.text)).join("\n"));
  if (navigator.vibrate) navigator.vibrate([200, 100, 200]);
}

// The page is in another language than the driver's: it is fetched anew, once.
async function again(day) {
  await store.put(`day:${day.driver.id}`, day);
  if (sessionStorage.getItem("again") === day.language) { state.day = day; return; }
  sessionStorage.setItem("again", day.language);
  const registered = await navigator.serviceWorker?.getRegistration("/driver");
  if (registered) for (const name of await caches.keys()) if (name.startsWith("driver-")) await (await caches.open(name)).delete("/driver");
  location.reload();
}

async function read() {
  const of = state.driver;
  const answered = of ? await outbox.answered(of) : [];
  const askedAt = Date.now();
  const answer = await outbox.ask("/driver/day");
  const refusal = await outbox.refusalOf(answer);
  if (refusal?.code === "signed_out") { state.way = "signed-out"; return; }
  if (refusal) throw new Error(refusal.code);
  state.way = "ok";
  const day = await answer.json();
  byOwnClock(day, askedAt);
  await use(day, day.driver.id === of ? answered : []);
}

let looking = false;

// Sends what is ripe and reads the day; then again in a while, sooner where a tap ripens.
async function look() {
  if (looking) return;
  looking = true;
  clearTimeout(timer);
  try {
    if (state.driver && state.way !== "signed-out") {
      const sent = await outbox.send(state.driver, state.way === "ok");
      if (sent === "signed-out") state.way = "signed-out";
    }
    await read();
    await tellRead();
    pause = EVERY;
  } catch {
    state.way = "offline";
    pause = Math.min(pause * 2, LONGEST);
  }
  looking = false;
  await changed();
  plan();
}

function plan() {
  clearTimeout(timer);
  if (document.visibilityState === "hidden" && !state.items.some((item) => item.state === "waiting")) return;
  const ripe = state.items.filter((item) => item.state === "waiting").map((item) => item.ripe - Date.now());
  timer = setTimeout(look, Math.max(250, Math.min(pause, ...ripe.filter((left) => left > 0).map((left) => left + 50))));
}

function say(text) { spoken.textContent = text; }

const acts = {
  async tap(kind, about, facts, proofs, wait) {
    const at = position.last();
    const where = at ? { latitude: at.latitude, longitude: at.longitude } : {};
    await outbox.tap(state.driver, kind, about, facts, (proofs || []).map((one) => ({ ...one, ...where })), wait);
    if (navigator.vibrate) navigator.vibrate(30);
    say(t(`did_${kind}`));
    await changed();
    plan();
  },
  async undo(group) {
    if (await outbox.undo(state.driver, group)) say(t("undone"));
    await changed();
  },
  async dismiss(key) {
    await outbox.dismiss(state.driver, key);
    await changed();
  },
  // Every message until this one is read, whether there is a connection or not.
  async read(until) {
    await store.put(`read:${state.driver}`, until);
    await markRead(state.day);
    await store.put(`day:${state.driver}`, state.day);
    draw();
    tellRead();
  },
  async understood(id) {
    if (Date.now() - lastUnderstood < 700) return; // the second tap of two was for the one before
    lastUnderstood = Date.now();
    await acts.read(id);
    (app.querySelector(".news button") || app.querySelector("h1"))?.focus();
  },
  go(screen) {
    if (state.screen === screen) return;
    location.hash = screen;
  },
  look: () => { pause = EVERY; return look(); },
};

addEventListener("hashchange", () => {
  state.screen = location.hash.slice(1) || "stops";
  draw();
  scrollTo(0, 0);
  app.querySelector("h1, h2")?.focus();
});
addEventListener("online", acts.look);
addEventListener("offline", () => { state.way = "offline"; draw(); });
document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") acts.look(); });
setInterval(() => screens.tick(app, state), 1000);

(async () => {
  state.driver = (await store.get("current")) || null;
  if (state.driver) {
    const kept = await store.get(`day:${state.driver}`);
    if (kept) { await markRead(kept); state.day = kept; setPlace(kept.time_zone, kept.currency); }
  }
  await changed();
  await look();
  if (navigator.storage?.persist) navigator.storage.persist();
  navigator.serviceWorker?.register("/driver/worker.js", { scope: "/driver" }).catch(() => {});
})();
