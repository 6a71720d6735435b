// Where a widget stands, and that it stands there again when the page has drawn that part anew: with
// all that was typed into it, and never as a second one.

const placements = new Set();
const adopted = new WeakSet();

// More often in a row than that, the page does not want it there.
const MOST_AT_ONCE = 10;
const AT_ONCE_MS = 250;

const addressOfPage = () => location.href.split("#")[0];

class Placement {
  #page;
  #at = 0;
  #again = 0;

  // `find` gives the element in which to stand, null while there is none.
  constructor(find, options, base) {
    Object.assign(this, { find, options, base, widget: null });
    placements.add(this);
    this.tend();
  }

  tend() {
    const place = this.find();
    if (this.widget?.isRemoved) placements.delete(this);
    else if (place && this.widget?.element.parentNode !== place) this.#stand(place);
  }

  #stand(place) {
    const now = performance.now();
    this.#again = now - this.#at < AT_ONCE_MS ? this.#again + 1 : 0;
    this.#at = now;
    if (this.#again > MOST_AT_ONCE) {
      warn("the page takes the widget away again and again; it stays away now");
      placements.delete(this);
      return;
    }
    // What was booked on another page of the shop is told there, and the next order begins anew.
    const isOver = this.widget?.isBooked && this.#page !== addressOfPage();
    if (this.widget && !isOver) {
      this.widget.standIn(place);
    } else {
      this.#page = addressOfPage();
      this.widget = new Widget(place, { ...this.options }, this.base);
    }
  }

  // The page has the tag once more, perhaps with an order that has changed.
  renew(options) {
    const isChanged = written(options) !== written(this.options);
    this.options = options;
    this.tend();
    if (!isChanged || this.widget?.isBooked) return;
    try {
      this.widget?.update(options);
    } catch (error) {
      warn(error.message);
    }
  }
}

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

const isScript = (tag) => /\/widget\.js(?:[?#]|$)/.test(tag.src);
const baseOf = (src) => new URL(".", src);

// Gives a tag its widget. One that came with a part of the page that was drawn anew, by which it is
// not run, takes the widget of the tag that it replaces.
function adopt(tag) {
  if (adopted.has(tag)) return;
  adopted.add(tag);
  const { target } = tag.dataset;
  const options = optionsOf(tag);
  const find = target ? () => document.querySelector(target) : beside(tag);
  for (const placement of placements) {
    if (placement.tag && !placement.tag.isConnected && placement.tag.dataset.target === target) {
      Object.assign(placement, { tag, find });
      placement.renew(options);
      return;
    }
  }
  const placement = new Placement(find, options, baseOf(tag.src));
  placement.tag = tag;
  if (!placement.widget) warn(`nothing on this page is at data-target="${target}" yet`);
}

// An element of our own behind a tag that names none.
function beside(tag) {
  const place = make("div");
  return () => {
    if (tag.isConnected && tag.nextSibling !== place) tag.after(place);
    return place.isConnected ? place : null;
  };
}

let isTending = false;

// Looks after all widgets once the page has finished what it is at.
function tendSoon() {
  if (isTending) return;
  isTending = true;
  setTimeout(() => {
    isTending = false;
    for (const tag of document.scripts) if (tag.dataset.key && isScript(tag)) adopt(tag);
    for (const placement of placements) placement.tend();
  });
}
