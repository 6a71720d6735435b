// Mounting: by the attributes of the script's own tag, or by a call.

const OWN =
  document.currentScript ?? document.querySelector('script[data-key][src*="/widget.js"]');
const BASE = new URL(".", OWN?.src ?? location.href);

// The options in a tag's attributes; those that are objects are JSON in the API's own words.
function optionsOf({ dataset }) {
  const { key, lang, theme, paymentMethod, cashCollect } = dataset;
  const options = { key, lang, theme, paymentMethod };
  if (cashCollect) options.cashCollect = Number(cashCollect);
  for (const name of ["origin", "parcel", "destination", "metadata"]) {
    if (!dataset[name]) continue;
    try {
      options[name] = JSON.parse(dataset[name]);
    } catch (error) {
      warn(`data-${name} is not JSON:`, error.message);
    }
  }
  return options;
}

// Shows a widget in an element or the first that a selector finds; see docs/widget.md.
function mount(target, options) {
  const element = typeof target === "string" ? document.querySelector(target) : target;
  if (!(element instanceof Element)) throw new TypeError(`Estafette: nothing is at ${target}`);
  const widget = new Widget(element, { ...options }, BASE);
  return {
    element: widget.element,
    update: (changed) => widget.update(changed),
    remove: () => widget.remove(),
  };
}

// Beside the tag itself where it names no target.
function mountByTag() {
  const { target } = OWN.dataset;
  const place = target ? document.querySelector(target) : make("div");
  if (!place) {
    warn(`nothing on this page is at data-target="${target}"`);
    return;
  }
  if (!target) OWN.after(place);
  mount(place, optionsOf(OWN));
}

window.Estafette = Object.freeze({ mount });
if (OWN?.dataset.key) {
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", mountByTag);
  else mountByTag();
}
document.dispatchEvent(new CustomEvent("estafette:ready", { detail: window.Estafette }));
