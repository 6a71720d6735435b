// What is on the screen: the stops, a stop, its form, the cash, the messages, and the rest.
import { actions, isLater } from "./model.js";
import { button, day as dayOf, field, h, language, link, moment, money, sign, t, time } from "./parts.js";
import { canStayAwake, awake, seen } from "./position.js";
import { forms } from "./forms.js";

const TABS = [["stops", "list-checks"], ["cash", "banknote"], ["messages", "message-circle"], ["more", "menu"]];
const SIGNS = {
  arrived: "map-pin", picked_up: "package", on_the_way: "navigation", handed_over: "package-check",
  left_at_door: "package", attempt_failed: "circle-x", handed_back: "undo-2", accepted: "check",
};

let drawn = ""; // the screen that is there; a form that somebody writes in is left alone
let shown = []; // of each part what it shows: as long as that is the same, what is under a finger stays
let screenOn = false;

const byClock = (name, value) => (name === "later_until" ? undefined : value); // differs by milliseconds

export function draw(app, state, acts) {
  const [name, id] = state.screen.split("/");
  const isForm = name in forms;
  const status = h("header", { id: "status" }, statusOf(state));
  if (isForm && drawn === state.screen && state.day) {
    app.querySelector("#status")?.replaceWith(status);
    return;
  }
  const focused = document.activeElement?.id;
  const scroll = scrollY;
  const same = drawn === state.screen;
  const parts = [status, h("main", { id: "content" }, screen(name, id, state, acts)), bottom(name, state, acts)];
  const now = parts.map((one) => one.outerHTML);
  now[1] += JSON.stringify(state.now?.stops, byClock); // what its buttons know besides
  drawn = state.day ? state.screen : ""; // without a day it says only that it loads
  if (!same) app.replaceChildren(...parts);
  else parts.forEach((part, at) => { if (now[at] !== shown[at]) app.children[at].replaceWith(part); });
  shown = now;
  if (same) {
    scrollTo(0, scroll);
    if (focused) document.getElementById(focused)?.focus();
  }
  tick(app, state);
}

function screen(name, id, state, acts) {
  if (state.way === "signed-out") return signedOut(state);
  if (!state.day) return [h("h1", { tabindex: -1 }, t("loading")), h("p", {}, state.way === "offline" ? t("no_connection_yet") : t("wait"))];
  if (name in forms) {
    const stop = state.now.stops.find((one) => one.about === id) || state.day.stops.find((one) => one.about === id);
    if (stop || name === "declare") return forms[name](stop, state, acts);
  }
  if (name === "stop") return stopPage(id, state, acts);
  if (name === "cash") return cash(state, acts);
  if (name === "messages") return messages(state, acts);
  if (name === "more") return more(state, acts);
  return stops(state, acts);
}

// What is in the way, what waits, and whether the company sees where the driver is.
function statusOf(state) {
  const lines = [];
  const [message] = unread(state);
  if (message && !["stops", "messages"].includes(state.screen)) {
    lines.push(h("p", { class: "strip warning", role: "status" }, sign("message-circle"),
      h("a", { href: "#stops", id: "go-news" }, message.about ? `${t("taken")}: ${message.why}` : message.text)));
  }
  const waiting = state.now ? state.now.waiting.length : 0;
  if (state.way === "offline") lines.push(h("p", { class: "strip warning", role: "status" }, sign("wifi-off"), h("span", {}, t("offline"))));
  if (waiting) lines.push(h("p", { class: "strip", role: "status" }, sign("upload"), h("span", {}, t("waiting", { n: waiting }))));
  if (state.others) lines.push(h("p", { class: "strip", role: "status" }, sign("users"), h("span", {}, t("others_waiting", { n: state.others }))));
  if (state.now?.shift) lines.push(h("p", { class: "strip quiet" }, sign("map-pin"), h("span", { "data-tick": "position" }, positionText())));
  return lines;
}

function positionText() {
  if (seen.state === "denied") return t("position_denied");
  if (seen.state === "none") return t("position_none");
  if (!seen.at) return t("position_waiting");
  const minutes = Math.floor((Date.now() - seen.at) / 60000);
  return minutes < 1 ? t("position_now") : t("position_ago", { n: minutes });
}

function stops(state, acts) {
  const { now, day } = state;
  const parts = [h("h1", { tabindex: -1 }, t("today"), " ", h("small", {}, day.driver.name))];
  for (const item of now.refused) parts.push(refusal(item, day, acts));
  const [message] = unread(state);
  if (message) parts.push(news(message, day, acts));
  if (now.shift && day.paused) parts.push(h("p", { class: "sheet note" }, t("paused")));
  if (!now.shift) {
    parts.push(h("section", { class: "sheet rest" },
      h("p", {}, day.paused ? t("paused") : t("off_shift")),
      button(t("start_shift"), () => acts.tap("shift_started", null), { class: "main", id: "start-shift" }, "play")));
  }
  for (const offer of now.offers) parts.push(offerCard(offer, state, acts));
  for (const offer of now.accepted) parts.push(h("p", { class: "sheet quiet" }, t("accepted_waits", { address: offer.pickup.address })));
  if (now.shift && !now.stops.length && !now.offers.length && !now.accepted.length) {
    parts.push(h("p", { class: "sheet rest" }, t("no_stops")));
  }
  if (now.stops.length) {
    const ready = now.stops.findIndex((stop) => actions(stop).main && !isLater(stop));
    const next = ready < 0 ? now.stops.findIndex((stop) => actions(stop).main) : ready;
    parts.push(h("ol", { class: "stops" }, now.stops.map((stop, index) => h("li", {}, stopCard(stop, index === next, acts)))));
  }
  if (day.done) parts.push(h("p", { class: "faint" }, t("done_today", { n: day.done })));
  const ended = (day.lately || []).filter((one) => one.shown_until > Date.now());
  if (ended.length) parts.push(lately(ended));
  return parts;
}

// Whom to call of what was handed over a while ago: a forgotten bag, a wrong floor.
function lately(ended) {
  return h("section", { class: "sheet", id: "lately" },
    h("h2", {}, t("lately")),
    ended.map((one) => h("article", { class: "ended" },
      h("strong", {}, one.address), one.name && h("span", { class: "faint" }, one.name), contact(one))));
}

function refusal(item, day, acts) {
  const lost = day.messages.flatMap((one) => one.stops || []); // the stop may be gone with what was refused
  const stop = [...day.stops, ...lost].find((one) => one.about === item.about);
  const did = item.type === "tap" ? t(`do_${item.kind}`) : t(`proof_${item.proof}`);
  return h("section", { class: "sheet bad", role: "alert" },
    h("h2", {}, t("not_taken", { did })),
    stop && h("p", { class: "faint" }, stop.address),
    h("p", {}, t(`why_${item.why}`)),
    dispatcher(day),
    button(t("understood"), () => acts.dismiss(item.key), { class: "wide", id: `understood-${item.key}` }));
}

// The oldest message that was not read yet: the next one comes when this one is understood.
function news(one, day, acts) {
  return h("section", { class: "sheet news" },
    h("h2", {}, sign("message-circle"), h("span", {}, one.about ? t("taken") : t("message"))),
    messageText(one),
    one.stops?.some((stop) => stop.on_board && !stop.again) && [h("p", { class: "note" }, t("taken_on_board")), dispatcher(day)],
    button(t("understood"), () => acts.understood(one.id), { class: "wide", id: `understood-${one.id}` }));
}

// Of what others have taken, why, and where it was.
function messageText(one) {
  if (!one.about) return h("p", { class: "lines" }, one.text);
  if (!one.stops.length) return h("p", {}, one.text);
  return [h("p", {}, one.why),
    h("ul", { class: "lost" }, one.stops.map((stop) => h("li", {},
      h("span", { class: "faint" }, t(stop.kind), stop.reference && ` · ${stop.reference}`), h("strong", {}, stop.address), stop.again && h("span", {}, t("taken_again"))))),
    one.more > 0 && h("p", { class: "faint" }, t("taken_more", { n: one.more }))];
}

function offerCard(offer, state, acts) {
  const left = () => Math.max(0, Math.ceil((offer.answer_by - Date.now()) / 1000));
  const wait = () => Math.max(0, Math.min(10000, (left() * 1000) / 3));
  return h("section", { class: "sheet offer", "aria-label": t("offer") },
    h("div", { class: "row" }, h("h2", {}, t("offer")), h("strong", { class: "count", "data-until": offer.answer_by }, String(left()))),
    h("progress", { max: 60, value: Math.min(60, left()), "data-progress": offer.answer_by, "aria-hidden": "true" }),
    h("p", {}, h("span", { class: "faint" }, t("pickup")), h("br"), offer.pickup.address),
    h("p", {}, h("span", { class: "faint" }, t("dropoff")), h("br"), offer.dropoff.address),
    facts(offer),
    h("div", { class: "pair" },
      button(t("refuse"), () => acts.tap("offer_refused", offer.about, {}, [], wait()), { class: "big" }),
      button(t("accept"), () => acts.tap("offer_accepted", offer.about, {}, [], wait()), { class: "main big" }, "check")));
}

// A name in the middle of a sentence, which keeps its own direction.
const isolated = (text) => `\u2068${text}\u2069`;

function facts(of) {
  const list = [];
  if (of.cash) list.push(h("li", { class: "cash" }, sign("banknote"), t("to_take", { sum: money(of.cash, of.currency) })));
  if (of.grams) list.push(h("li", {}, sign("package"), t("kilograms", { n: (of.grams / 1000).toLocaleString(language, { maximumFractionDigits: 1 }) })));
  if (of.skills?.length) list.push(h("li", {}, sign("circle-check"), h("span", {}, t("demanded", { skills: of.skills.map(isolated).join(", ") }))));
  if (of.by && !of.window) list.push(h("li", {}, sign("clock"), t("until", { time: moment(of.by) })));
  if (of.tried) list.push(h("li", {}, sign("circle-x"), t("tried", { n: of.tried })));
  if (of.planned && !of.window) list.push(h("li", {}, sign("route"), t("planned", { time: moment(of.planned) })));
  return list.length ? h("ul", { class: "facts" }, list) : null;
}

// Said plainly: it is not brought when it was promised first.
const otherTime = ({ window }) => window && h("p", { class: "note" }, t("window", { day: dayOf(window[0]), start: time(window[0]), end: time(window[1]) }));

function stopCard(stop, isNext, acts) {
  const { main } = actions(stop);
  return h("article", { class: `sheet stop${isNext ? " next" : ""}` },
    h("a", { class: "whole", href: `#stop/${stop.about}/${stop.kind}`, id: `stop-${stop.about}-${stop.kind}` },
      h("span", { class: "number" }, String(stop.number)),
      h("span", {}, h("span", { class: "kind" }, t(stop.kind)), h("strong", {}, stop.address), stop.name && h("span", { class: "faint" }, stop.name)),
      sign("chevron-right")),
    otherTime(stop),
    facts(stop),
    isNext && main && [contact(stop), act(stop, main, acts, "main big")],
    isLater(stop) && h("p", { class: "faint" }, t("later", { time: moment(stop.window[0]) })),
    !main && h("p", { class: "faint" }, t("after_pickup")));
}

// The button for a step; one that asks for something leads to its form.
function act(stop, kind, acts, classes) {
  const form = needsForm(stop, kind);
  const given = { class: classes, id: `do-${kind}-${stop.about}` };
  if (form) return button(t(`do_${kind}`), () => acts.go(`${form}/${stop.about}`), given, SIGNS[kind]);
  return button(t(`do_${kind}`), () => { if (kind === "on_the_way") stayOn(true); acts.tap(kind, stop.about); }, given, SIGNS[kind]);
}

function needsForm(stop, kind) {
  if (kind === "attempt_failed" || kind === "handed_back") return kind === "attempt_failed" ? "failed" : "back";
  if (kind === "handed_over") return "hand-over";
  if (kind === "left_at_door") return "leave";
  if (kind === "picked_up" && stop.kind === "pickup" && stop.proofs.length) return "pick-up";
  return null;
}

function stayOn(on) { screenOn = on; awake(on); }

function contact(stop) {
  const links = [];
  const to = navigation(stop);
  if (to) links.push(h("a", { href: to, rel: "noreferrer", target: "_blank", click: () => stayOn(true) }, sign("navigation"), h("span", {}, t("navigate"))));
  if (stop.phone) {
    links.push(link(t("call"), `tel:${stop.phone}`, "phone"));
    links.push(link("WhatsApp", `https://wa.me/${stop.phone.replace(/\D/g, "")}`, "message-circle", { target: "_blank" }));
  }
  return links.length ? h("div", { class: "contact" }, links) : null;
}

// Android asks which map; iPhones have one; elsewhere it is a page.
function navigation(stop) {
  const place = stop.point ? `${stop.point[0]},${stop.point[1]}` : null;
  const words = encodeURIComponent(stop.address);
  if (/Android/.test(navigator.userAgent)) return place ? `geo:${place}?q=${place}(${words})` : `geo:0,0?q=${words}`;
  if (/iPhone|iPad/.test(navigator.userAgent)) return `https://maps.apple.com/?daddr=${place || words}`;
  return place ? `https://www.openstreetmap.org/directions?to=${place}` : `https://www.openstreetmap.org/search?query=${words}`;
}

function stopPage(id, state, acts) {
  const kind = state.screen.split("/")[2];
  const stop = state.now.stops.find((one) => one.about === id && one.kind === kind) || state.now.stops.find((one) => one.about === id);
  if (!stop) {
    const why = state.day.messages.find((one) => one.about?.includes(id));
    return [h("h1", { tabindex: -1 }, t("stop_over")), h("p", {}, why ? why.why : t("stop_over_detail")), back(acts)];
  }
  const { main, others } = actions(stop);
  return [
    back(acts),
    h("h1", { tabindex: -1 }, `${stop.number}. `, t(stop.kind)),
    h("section", { class: "sheet" },
      h("p", { class: "address" }, stop.address),
      stop.name && h("p", {}, stop.name, stop.phone && [" ", h("span", { class: "faint" }, stop.phone)]),
      otherTime(stop),
      stop.note && h("p", { class: "note" }, stop.note),
      facts(stop),
      contact(stop)),
    stop.reference && h("p", { class: "faint" }, t("reference", { text: stop.reference })),
    main ? act(stop, main, acts, "main big") : h("p", { class: "sheet quiet" }, t("after_pickup")),
    stop.kind === "pickup" && button(t("scan"), () => acts.go(`pick-up/${stop.about}`), { class: "wide" }, "scan-line"),
    h("div", { class: "others" }, others.map((kind) => act(stop, kind, acts, "wide"))),
    stop.kind === "dropoff" && main && placeFound(stop, acts),
    canStayAwake() && h("label", { class: "switch" },
      h("input", { type: "checkbox", checked: screenOn, change: (event) => stayOn(event.target.checked) }), h("span", {}, t("screen_on"))),
  ];
}

// The door is where the driver stands: remembered for the next delivery there.
function placeFound(stop, acts) {
  if (!navigator.geolocation) return null;
  const told = h("p", { class: "fault", role: "alert", hidden: true });
  const here = button(t("do_place_found"), () => navigator.geolocation.getCurrentPosition(
    ({ coords }) => acts.tap("place_found", stop.about, { point: `${coords.latitude.toFixed(6)}, ${coords.longitude.toFixed(6)}` }),
    () => { told.textContent = t("no_position"); told.hidden = false; },
    { enableHighAccuracy: true, timeout: 20000, maximumAge: 5000 }), { class: "wide" }, "map-pin");
  return [here, told];
}

export const back = (acts, to = "stops") => button(t("back"), () => acts.go(to), { class: "bare" }, "chevron-left");

function cash(state, acts) {
  const { cash } = state.day;
  const parts = [h("h1", { tabindex: -1 }, t("cash"))];
  if (!cash) return [...parts, h("p", { class: "sheet rest" }, t("no_cash"))];
  parts.push(h("section", { class: "sheet" },
    h("p", { class: "faint" }, t("in_hand")), h("p", { class: "sum" }, money(cash.in_hand)),
    cash.limit !== null && h("p", {}, t("limit", { sum: money(cash.limit) })),
    cash.declared ? h("p", { class: "note" }, t("declared", { sum: money(cash.declared) })) : null));
  if (cash.in_hand > 0 && !cash.declared) parts.push(button(t("declare"), () => acts.go("declare"), { class: "main big" }, "hand-coins"));
  return parts;
}

const dispatcher = ({ company }) => company.phone && link(t("call_company", { name: company.name }), `tel:${company.phone}`, "phone", { class: "button wide" });

function messages(state, acts) {
  const list = state.day.messages;
  if (unread(state).length) acts.read(list[0].id);
  return [h("h1", { tabindex: -1 }, t("messages")),
    dispatcher(state.day),
    list.length ? h("ul", { class: "messages" }, list.map((one) => h("li", { class: "sheet" }, messageText(one), h("p", { class: "faint" }, moment(one.at)))))
      : h("p", { class: "sheet rest" }, t("no_messages"))];
}

function more(state, acts) {
  const { day, now } = state;
  const form = (action, ...inside) => h("form", { method: "post", action, class: "stack" }, inside);
  const choice = h("select", { name: "language", id: "language" },
    Object.entries(JSON.parse(document.getElementById("app").dataset.languages)).map(([code, name]) => h("option", { value: code, lang: code, selected: code === day.language }, name)));
  const unsent = now.waiting.length;
  return [
    h("h1", { tabindex: -1 }, day.driver.name),
    h("p", { class: "faint" }, day.company.name),
    dispatcher(day),
    now.shift && h("section", { class: "sheet" },
      h("p", {}, t("on_shift_since", { time: time(now.shift.began) })),
      button(t("end_shift"), () => { acts.tap("shift_ended", null); acts.go("stops"); }, { class: "wide", disabled: now.stops.some((stop) => !isLater(stop)) }, "power"),
      now.stops.some((stop) => !isLater(stop)) && h("p", { class: "faint" }, t("end_shift_after"))),
    h("section", { class: "sheet" }, form("/driver/language", field(t("language"), choice), h("button", { class: "wide" }, t("save")))),
    h("section", { class: "sheet" },
      h("h2", {}, t("app_positions")),
      h("p", {}, day.has_token ? t("app_positions_on") : t("app_positions_off")),
      h("a", { class: "button wide", href: "/driver/app" }, t("app_positions_how"))),
    h("section", { class: "sheet" },
      unsent > 0 && h("p", { class: "note" }, t("sign_out_unsent", { n: unsent })),
      form("/driver/sign-out", h("button", { class: "wide" }, sign("log-out"), h("span", {}, t("sign_out"))))),
  ];
}

function signedOut(state) {
  return [h("h1", { tabindex: -1 }, t("signed_out")),
    h("p", {}, t("signed_out_detail")),
    state.items.length > 0 && h("p", { class: "sheet note" }, t("signed_out_kept", { n: state.items.filter((item) => item.type === "tap").length })),
    h("a", { class: "button main big", href: "/driver/sign-in" }, h("span", {}, t("sign_in")))];
}

// The bar with what was tapped last and can be taken back, and the four places of the page.
function bottom(name, state, acts) {
  const tabs = TABS.filter(([place]) => place !== "messages" || state.day?.messages.length);
  const places = h("nav", { "aria-label": t("places") }, tabs.map(([place, icon]) => h("a", {
    href: `#${place}`, id: `go-${place}`, "aria-current": (name === place || (place === "stops" && (name === "stop" || name in forms))) ? "page" : null,
  }, sign(icon), h("span", {}, t(place)), place === "messages" && unread(state).length ? h("b", {}, String(unread(state).length)) : null)));
  const last = state.now?.waiting.filter((item) => !item.sequence && item.ripe > Date.now()).at(-1);
  const bar = last && h("div", { class: "undo", role: "status" },
    h("span", {}, t(`did_${last.kind}`)),
    button(t("undo"), () => acts.undo(last.group), { id: "undo" }, "undo-2"),
    h("progress", { max: 10, value: 10, "data-ripe": last.ripe, "aria-hidden": "true" }));
  return h("footer", { class: "bottom" }, bar, places);
}

// The oldest first, as they are read.
const unread = (state) => (state.day ? state.day.messages.filter((one) => !one.read).reverse() : []);

// Each second: what counts down, and what says how long ago something was.
export function tick(app, state) {
  for (const each of app.querySelectorAll("[data-until]")) {
    const left = Math.ceil((each.dataset.until - Date.now()) / 1000);
    each.textContent = t("seconds", { n: Math.max(0, left) });
    if (left <= 0) for (const one of each.closest(".offer").querySelectorAll("button")) one.disabled = true;
  }
  for (const each of app.querySelectorAll("[data-progress]")) each.value = Math.max(0, Math.min(60, (each.dataset.progress - Date.now()) / 1000));
  for (const each of app.querySelectorAll("[data-ripe]")) {
    const left = (each.dataset.ripe - Date.now()) / 1000;
    each.value = Math.max(0, left);
    if (left <= 0) each.closest(".undo").remove();
  }
  const place = app.querySelector("[data-tick=position]");
  if (place) place.textContent = positionText();
}
