// Small pieces of pages: elements, signs, times, words in the reader's language.
const texts = JSON.parse(document.getElementById("texts").dataset.texts);
const page = document.documentElement;
const sprite = document.getElementById("app").dataset.signs;
// Some browsers know no Kazakh numbers and months: Russian ones come next to them.
export const language = { en: ["en-GB"], kk: ["kk", "ru"] }[page.lang] ?? [page.lang];

export function t(name, values = {}) {
  const text = texts[name] ?? name;
  return text.replace(/\{(\w+)\}/g, (whole, key) => (key in values ? values[key] : whole));
}

// An element with its attributes; a function is a listener, and what is null or false is left out.
export function h(name, given = {}, ...inside) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(given)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") made.addEventListener(key, value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...inside.flat(Infinity).filter((one) => one !== null && one !== undefined && one !== false && one !== ""));
  return made;
}

export function sign(name) {
  const space = "http://www.w3.org/2000/svg";
  const made = document.createElementNS(space, "svg");
  made.setAttribute("class", "sign");
  made.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `${sprite}#${name}`);
  made.append(use);
  return made;
}

let clock = { zone: undefined, currency: null };
export const setPlace = (zone, currency) => { clock = { zone: zone || undefined, currency }; };

export const time = (at) => new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hour12: false, timeZone: clock.zone }).format(at);
export const day = (at) => new Intl.DateTimeFormat(language, { day: "numeric", month: "long", timeZone: clock.zone }).format(at);

// The time alone, if it is of this day.
export const moment = (at) => (day(at) === day(Date.now()) ? time(at) : `${day(at)}, ${time(at)}`);

export function money(units, currency = clock.currency) {
  const number = new Intl.NumberFormat(language, { maximumFractionDigits: 0 }).format(units);
  return `${number}\u00a0${currency || ""}`.trim();
}

export const button = (text, act, given = {}, icon = null) => h("button", { type: "button", click: act, ...given }, icon && sign(icon), h("span", {}, text));

export const link = (text, href, icon, given = {}) => h("a", { href, rel: "noreferrer", ...given }, sign(icon), h("span", {}, text));

export const field = (text, input, hint) => h("label", { class: "field" }, h("span", {}, text), input, hint && h("small", {}, hint));
