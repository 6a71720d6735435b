// The outbox: each tap waits here until the server has answered it, whatever becomes of the page.
import * as store from "./store.js";

export const UNDO = 10000; // milliseconds that a tap waits before it leaves
const AT_ONCE = 20;
const SECONDS = 20; // for one request, which a bad network may hold for ever

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

// Taps that were answered are forgotten once a day that was read after that is on the phone.
export async function settle(driver, readAt) {
  await store.change([], (await store.items(driver)).filter((item) => item.state === "sent" && item.sentAt < readAt));
}

async function post(path, body, type) {
  const headers = type ? { "Content-Type": type } : {};
  const signal = AbortSignal.timeout ? AbortSignal.timeout(SECONDS * 1000) : undefined;
  return fetch(path, { method: "POST", body, headers, redirect: "manual", cache: "no-store", signal });
}

// What an answer means for all that is to be sent: null, it was taken.
function trouble(answer) {
  if (answer.type === "opaqueredirect") return "signed-out";
  if (answer.status === 409) return "other-driver";
  if (answer.ok || answer.status === 400 || answer.status === 413 || answer.status === 422) return null;
  return "later";
}

async function sendProof(driver, item) {
  const form = new FormData();
  const said = { driver, key: item.key, about: item.about, kind: item.proof, stage: item.stage, at: item.at, now: Date.now() };
  for (const [name, value] of Object.entries(said)) form.append(name, value);
  for (const name of ["said", "latitude", "longitude"]) if (item[name] != null) form.append(name, item[name]);
  if (item.blob) form.append("file", item.blob, `${item.proof}.${item.blob.type === "image/png" ? "png" : "jpg"}`);
  const answer = await post("/driver/proofs", form);
  const why = trouble(answer);
  if (why) return why;
  if (answer.ok) await store.change([{ ...item, state: "sent", sentAt: Date.now(), blob: null }]);
  else await store.change([{ ...item, state: "refused", why: "picture", blob: null }]);
  return null;
}

async function sendTaps(driver, chosen, afresh = false) {
  const device = await store.numbered(driver, chosen, afresh);
  const taps = chosen.map((item) => ({
    key: item.key, sequence: item.sequence, kind: item.kind, about: item.about, at: item.at, facts: item.facts,
  }));
  const answer = await post("/driver/taps", JSON.stringify({ driver, device, now: Date.now(), taps }), "application/json");
  const why = trouble(answer);
  if (why) return why;
  if (!answer.ok) { // something in it cannot be read: one alone is found by sending each by itself
    if (chosen.length > 1) return sendTaps(driver, chosen.slice(0, 1));
    await store.change([{ ...chosen[0], state: "refused", why: "not_now" }]);
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
    else changed.push({ ...item, state: "sent", sentAt: Date.now() });
  }
  await store.change(changed);
  if (!early) return null;
  return afresh ? "later" : sendTaps(driver, chosen.filter((item) => !changed.some((one) => one.key === item.key)), true);
}

let sending = false;

// Sends what is ripe, in order. Returns "sent", "nothing", or what is in the way.
export async function send(driver) {
  if (sending) return "nothing";
  sending = true;
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
    const ripe = waiting.filter((item) => item.due <= now || item.ripe > now + 600000); // or the clock went back
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
