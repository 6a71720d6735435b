// From the day as the server told it, and the taps that it does not know yet, to what is shown now.

const STEPS = ["accepted", "arrived", "picked_up", "on_the_way"];
const ENDS = ["handed_over", "left_at_door", "attempt_failed", "handed_back"];

// What can be done at a stop next: the button for it, and whatever else is possible there.
export function actions(stop) {
  const state = STEPS.indexOf(stop.state);
  if (stop.kind === "pickup") {
    return { main: state < 1 ? "arrived" : "picked_up", others: state < 1 ? ["picked_up", "handed_back"] : ["handed_back"] };
  }
  if (state < 2) return { main: null, others: [] };
  const main = state < 3 ? "on_the_way" : "handed_over";
  const ends = stop.may_leave ? ["left_at_door", "attempt_failed"] : ["attempt_failed"];
  return { main, others: state < 3 ? ["handed_over", ...ends] : ends };
}

// Whether a parcel on board is brought at another time than now: it does not keep anybody at work.
export function isLater(stop, now = Date.now()) {
  return stop.kind === "dropoff" && STEPS.indexOf(stop.state) >= 2 && Boolean(stop.later_until) && stop.later_until > now;
}

export function now(day, items) {
  const state = new Map(); // of each delivery, as the taps will leave it
  const over = new Set();
  const answered = new Map();
  let shift = day.shift;
  for (const item of items) {
    if (item.type !== "tap" || item.state === "refused") continue;
    if (item.kind === "shift_started") shift = shift || { began: item.at };
    else if (item.kind === "shift_ended") shift = null;
    else if (item.kind === "offer_accepted" || item.kind === "offer_refused") answered.set(item.about, item.kind);
    else if (ENDS.includes(item.kind)) over.add(item.about);
    else if (STEPS.includes(item.kind)) state.set(item.about, item.kind);
  }
  const stops = [];
  for (const stop of day.stops) {
    if (over.has(stop.about)) continue;
    const known = STEPS.indexOf(stop.state), tapped = STEPS.indexOf(state.get(stop.about));
    const at = STEPS[Math.max(known, tapped)] || stop.state;
    if (stop.kind === "pickup" && STEPS.indexOf(at) >= 2) continue;
    stops.push({ ...stop, state: at });
  }
  return {
    shift,
    stops: stops.map((stop, index) => ({ ...stop, number: index + 1 })),
    offers: day.offers.filter((offer) => !answered.has(offer.about)),
    accepted: day.offers.filter((offer) => answered.get(offer.about) === "offer_accepted"),
    waiting: items.filter((item) => item.type === "tap" && item.state === "waiting"),
    refused: items.filter((item) => item.state === "refused"),
  };
}
