// Mounting: by the attributes of the script's own tag, or by a call.

// A second copy of this script leaves everything to the first.
const FIRST = Symbol.for("estafette.widget");

// The tag of this script. Modules, and scripts that a library evaluates, are not told theirs.
function ownTag() {
  const told = document.currentScript;
  if (told?.src) return told;
  const tags = [...document.scripts].filter(isScript);
  return tags.find(({ dataset }) => dataset.key) ?? tags[0];
}

const OWN = ownTag();
const SOURCE = OWN?.src ?? /https?:[^\s()]*\/widget\.js/.exec(new Error().stack)?.[0];

// Shows a widget in an element or the first that a selector finds; see docs/widget.md.
function mount(target, options) {
  isMounted = true;
  const element = typeof target === "string" ? document.querySelector(target) : target;
  if (!(element instanceof Element)) throw new TypeError(`Estafette: nothing is at ${target}`);
  if (!SOURCE) throw new TypeError("Estafette: load widget.js from its server, with a script tag");
  const find = typeof target === "string" ? () => document.querySelector(target) : null;
  const placement = find
    ? new Placement(find, { ...options }, baseOf(SOURCE))
    : { widget: new Widget(element, { ...options }, baseOf(SOURCE)) };
  return {
    get element() {
      return placement.widget.element;
    },
    update: (changed) => placement.widget.update(changed),
    remove: () => placement.widget.remove(),
  };
}

let isMounted = false;
const WAIT_FOR_MOUNT_MS = 500;

// Tag managers and editors take attributes away, and then nothing happens.
function warnIfIdle() {
  setTimeout(() => {
    if (isMounted || placements.size) return;
    console.warn(
      "Estafette: widget.js is here, but no widget: its tag has no data-key, and nothing on the page" +
        " has called Estafette.mount. Write data-key, data-target, data-origin and data-parcel into" +
        " the tag; where a tag manager or an editor takes them away, call" +
        ' Estafette.mount("#place", { key: "pk_…", origin: {…}, parcel: {…} }) instead.',
    );
  }, WAIT_FOR_MOUNT_MS);
}

function start() {
  if (OWN?.dataset.key) adopt(OWN); // some loaders take the tag away at once
  new MutationObserver(tendSoon).observe(document, { childList: true, subtree: true });
  tendSoon();
}

if (!window.Estafette?.[FIRST]) {
  window.Estafette = Object.freeze({ mount, [FIRST]: true });
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
  if (document.readyState === "complete") warnIfIdle();
  else addEventListener("load", warnIfIdle);
}
document.dispatchEvent(new CustomEvent("estafette:ready", { detail: window.Estafette }));
