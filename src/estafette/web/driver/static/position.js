// Where the driver is, while the shift goes on and the page is open: a browser tells nothing after.
import { refusalOf } from "./outbox.js";

const EVERY = 20000; // milliseconds between two batches
const MOST = 100;
const FAR = 15; // metres: what is nearer tells nothing new
const LONGEST_STILL = 60000; // milliseconds after which one that has not moved is told all the same

let watch = null;
let queue = [];
let timer = null;
let triedAt = 0; // when a batch was sent last, or was tried to
let driver = null;
let tell = () => {};
export const seen = { state: "off", at: null };

function far(a, b) {
  const x = (b.longitude - a.longitude) * Math.cos((a.latitude * Math.PI) / 180);
  return Math.hypot(x, b.latitude - a.latitude) * 111320;
}

function note(found) {
  const { latitude, longitude, accuracy, speed, heading } = found.coords;
  const one = { at: Date.now(), latitude, longitude, accuracy, speed, course: heading };
  const last = queue[queue.length - 1];
  if (last && far(last, one) < FAR && one.at - last.at < LONGEST_STILL) return;
  queue.push(one);
  if (queue.length > MOST) queue.shift();
  if (seen.state !== "on") { seen.state = "on"; tell(); }
  if (Date.now() - triedAt >= EVERY) send();
}

async function send() {
  if (!queue.length || !driver) return;
  const sent = queue;
  queue = [];
  triedAt = Date.now();
  try {
    const body = JSON.stringify({ driver, now: Date.now(), positions: sent });
    const answer = await fetch("/driver/positions", {
      method: "POST", body, headers: { "Content-Type": "application/json" }, redirect: "manual", cache: "no-store",
    });
    const refusal = await refusalOf(answer);
    if (!refusal && answer.status === 204) { seen.at = Date.now(); tell(); return; }
    if (refusal && (!refusal.again || refusal.code === "other_driver")) return;
  } catch {
    // kept for the next time
  }
  queue = [...sent, ...queue].slice(-MOST);
}

export function start(of, changed) {
  driver = of;
  tell = changed;
  if (watch !== null) return;
  if (!navigator.geolocation) { seen.state = "none"; return; }
  watch = navigator.geolocation.watchPosition(note, (error) => {
    seen.state = error.code === 1 ? "denied" : "none";
    tell();
  }, { enableHighAccuracy: true, maximumAge: 5000 });
  timer = setInterval(send, EVERY);
}

export function stop() {
  if (watch !== null) navigator.geolocation.clearWatch(watch);
  clearInterval(timer);
  watch = null;
  queue = [];
  triedAt = 0;
  seen.state = "off";
}

// The last known place, for what is told together with a tap.
export const last = () => queue[queue.length - 1] || null;

// The screen stays on while the driver is on the way, as long as the page is seen.
let lock = null;
let wanted = false;

async function hold() {
  if (!wanted || lock || document.visibilityState !== "visible" || !navigator.wakeLock) return;
  try {
    lock = await navigator.wakeLock.request("screen");
    lock.addEventListener("release", () => { lock = null; });
  } catch {
    // a battery that is nearly empty: the phone decides
  }
}

export function awake(on) {
  wanted = on;
  if (on) hold();
  else if (lock) lock.release();
}
export const canStayAwake = () => Boolean(navigator.wakeLock);
document.addEventListener("visibilitychange", hold);
