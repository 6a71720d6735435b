// The outbox: each tap waits here until the server has answered it, whatever becomes of the page.
import * as store from "./store.js";

export const UNDO = 10000; // milliseconds that a tap waits before it leaves
const AT_ONCE = 20;
const SECONDS = 20; // for one request, which a bad network may hold for ever
const PICTURE_SECONDS = 60; // for one with a picture, where a network brings 50 kbit a second

// An item is `waiting`, then `sent` until a day that was read after it is here, or `refused`.
export async function tap(driver, kind, about, facts = {}, proofs = [], wait = UNDO) {
  const now = Date.now();
  const group = crypto.randomUUID();
  const item = { driver, group, about, at: now, ripe: now + wait, state: "waiting" };
  for (const proof of proofs) await store.add({ ...item, ...proof, type: "proof", key: crypto.randomUUID() });
  await store.add({ ...item, type: "tap", key: group, kind, facts });
  return group;
}

// What one thing waits for another of the same delivery must not overtake.
function inOrder(items) {
  const ripeOf = new Map();
  for (const item of items) {
    item.due = Math.max(item.ripe, ripeOf.get(item.about) || 0);
    ripeOf.set(item.about, item.due);
  }
  return items.toSorted ? items.toSorted((a, b) => a.due - b.due || a.order - b.order)
    : [...items].sort((a, b) => a.due - b.due || a.order - b.order);
}

export async function undo(driver, group) {
  const chosen = (await store.items(driver)).filter((item) => item.group === group && item.state === "waiting");
  if (chosen.some((item) => item.sequence)) return false; // it is on its way
  await store.change([], chosen);
  return chosen.length > 0;
}

export async function dismiss(driver, key) {
  await store.change([], (await store.items(driver)).filter((item) => item.key === key && item.state === "refused"));
}

// Taps that were answered are forgotten once a day that was asked for after that is on the phone:
// `answered` tells them before it is asked for, whatever the clock shows.
export const answered = async (driver) => (await store.items(driver)).filter((item) => item.state === "sent");
export const settle = (items) => store.change([], items);

// A request that is given up after a while, answer included.
export function ask(path, given = {}, seconds = SECONDS) {
  const control = new AbortController();
  setTimeout(() => control.abort(), seconds * 1000);
  return fetch(path, { redirect: "manual", cache: "no-store", signal: control.signal, ...given });
}

// Why an answer refuses, as the server says it (web/driver/refusals.py); null: it does not. What is
// between the phone and the server refuses in its own way, which passes, but for what is too large.
export async function refusalOf(answer) {
  if (answer.ok) return null;
  if (answer.type === "opaqueredirect") return { code: "signed_out", again: true }; // of an older server
  const said = await answer.json().catch(() => null);
  if (said && typeof said.code === "string") return { ...said, again: said.again === true };
  return answer.status === 413 ? { code: "too_large", again: false } : { code: "unavailable", again: true };
}

const WAYS = { signed_out: "signed-out", other_driver: "other-driver" };
const MOST_FAULTS = 30; // of a server that is well otherwise, at one item: then it is left, and others go on
let isWell = false;

// What a refusal means for all that is to be sent; null: it is these items' alone, which are refused.
async function trouble(refusal, chosen) {
  if (refusal.code !== "fault") return refusal.again ? WAYS[refusal.code] || "later" : null;
  const [first] = chosen;
  if (isWell) first.faults = (first.faults || 0) + 1;
  if (first.faults > MOST_FAULTS) return null;
  await store.change([first]);
  return "later";
}

function whyOf(refusal, item) {
  if (refusal.code === "fault" || refusal.code === "foreign_page") return refusal.code;
  return item.blob ? "picture" : "unreadable";
}

async function sendProof(driver, item) {
  const form = new FormData();
  const said = { driver, key: item.key, about: item.about, kind: item.proof, stage: item.stage, at: item.at, now: Date.now() };
  for (const [name, value] of Object.entries(said)) form.append(name, value);
  for (const name of ["said", "latitude", "longitude"]) if (item[name] != null) form.append(name, item[name]);
  if (item.blob) form.append("file", item.blob, `${item.proof}.${item.blob.type === "image/png" ? "png" : "jpg"}`);
  const answer = await ask("/driver/proofs", { method: "POST", body: form }, item.blob ? PICTURE_SECONDS : SECONDS);
  const refusal = await refusalOf(answer);
  if (!refusal) {
    if ((await answer.json()).key !== item.key) return "later"; // it is not the server that has answered
    await store.change([{ ...item, state: "sent", blob: null }]);
    return null;
  }
  const why = await trouble(refusal, [item]);
  if (why) return why;
  await store.change([{ ...item, state: "refused", why: whyOf(refusal, item), blob: null }]);
  return null;
}

async function sendTaps(driver, chosen, afresh = false) {
  const device = await store.numbered(driver, chosen, afresh);
  const taps = chosen.map((item) => ({
    key: item.key, sequence: item.sequence, kind: item.kind, about: item.about, at: item.at, facts: item.facts,
  }));
  const body = JSON.stringify({ driver, device, now: Date.now(), taps });
  const answer = await ask("/driver/taps", { method: "POST", body, headers: { "Content-Type": "application/json" } });
  const refusal = await refusalOf(answer);
  if (refusal) { // of several, the one that it is about is found by sending each by itself
    if (chosen.length > 1 && !(refusal.again && refusal.code !== "fault")) return sendTaps(driver, chosen.slice(0, 1));
    const why = await trouble(refusal, chosen);
    if (why) return why;
    await store.change([{ ...chosen[0], state: "refused", why: whyOf(refusal, chosen[0]) }]);
    await store.drop(`device:${driver}`);
    return null;
  }
  const answers = new Map((await answer.json()).taps.map((one) => [one.key, one]));
  const changed = [];
  let early = 0;
  for (const item of chosen) {
    const said = answers.get(item.key);
    if (!said || said.outcome === "early") early++;
    else if (said.outcome === "refused") changed.push({ ...item, state: "refused", why: said.why });
    else changed.push({ ...item, state: "sent" });
  }
  await store.change(changed);
  if (!early) return null;
  return afresh ? "later" : sendTaps(driver, chosen.filter((item) => !changed.some((one) => one.key === item.key)), true);
}

let sending = false;

// Sends what is ripe, in order. Returns "sent", "nothing", or what is in the way. `well` says whether
// the server answered well when it was asked last.
export async function send(driver, well = false) {
  if (sending) return "nothing";
  sending = true;
  isWell = well;
  try {
    const work = () => sendAll(driver);
    return await (navigator.locks ? navigator.locks.request("estafette-outbox", work) : work());
  } catch {
    return "offline";
  } finally {
    sending = false;
  }
}

async function sendAll(driver) {
  let done = false;
  for (;;) {
    const now = Date.now();
    const waiting = inOrder((await store.items(driver)).filter((item) => item.state === "waiting"));
    const ripe = waiting.filter((item) => item.due <= now || item.ripe > now + 2 * UNDO); // or the clock went back
    if (!ripe.length) return done ? "sent" : "nothing";
    let why;
    if (ripe[0].type === "proof") why = await sendProof(driver, ripe[0]);
    else {
      const next = ripe.findIndex((item) => item.type !== "tap");
      why = await sendTaps(driver, ripe.slice(0, next < 0 ? AT_ONCE : Math.min(next, AT_ONCE)));
    }
    if (why) return why;
    done = true;
  }
}
