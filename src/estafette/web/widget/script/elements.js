// Making elements without HTML text or style attributes, so that any Content-Security-Policy and
// Trusted Types allow it.

let elementsMade = 0;

// An id within a widget's own shadow tree.
const freshId = () => `e${(elementsMade += 1)}`;

// An element: `on…` properties are listeners, true and false are attributes there or not.
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null && child !== false));
  return element;
}

const ICONS = {
  alert: "M12 8v5m0 3.2v.1M12 3 2.8 19.5h18.4z",
  info: "M12 11v5.5M12 7.6v.1M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z",
  check: "m5 12.5 4.6 4.6L19 7.5",
  chevron: "m6 9.5 6 6 6-6",
  lock: "M7.5 11V8a4.5 4.5 0 0 1 9 0v3M6 11h12v9H6z",
  out: "M14 4h6v6m0-6-9 9M18 14v6H4V6h6",
  nowhere: "M12 21.500s7-6.500 7-11.800a7 7 0 0 0-14 0C5 15 12 21.500 12 21.500zm-2-13.700 4 4m0-4-4 4",
};

// A line drawing; who looks with other senses loses nothing without it.
function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", ICONS[name]);
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", `icon ${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(path);
  return svg;
}

// A heading that takes the focus when its step begins.
const heading = (text) => make("h2", { tabindex: "-1" }, text);

// A remark within a step; an alert is read out at once.
function notice(kind, text) {
  const role = kind === "alert" && "alert";
  return make("div", { class: `notice ${kind}`, role }, icon(kind), make("p", {}, text));
}

// A button that tells when it is at work. It stays focusable: who pressed it is not thrown out.
class Button {
  constructor(text, properties = {}) {
    this.label = make("span", { class: "label" }, text);
    this.element = make("button", { class: "primary", type: "submit", ...properties }, this.label);
    this.text = text;
  }

  say(text) {
    this.text = text;
    this.label.textContent = text;
  }

  work(text) {
    this.element.setAttribute("aria-disabled", "true");
    this.element.classList.add("busy");
    this.label.textContent = text;
  }

  rest() {
    this.element.removeAttribute("aria-disabled");
    this.element.classList.remove("busy");
    this.label.textContent = this.text;
  }
}
