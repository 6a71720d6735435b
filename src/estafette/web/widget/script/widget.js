// One widget on a page: its steps, and what leads from one to the next.

const FINAL = new Set(["delivered", "cancelled", "failed"]);
const LOOK_MS = 15_000;
// Who has to wait longer than that was not merely too fast.
const MOMENT_S = 30;
// The quote is not to be had any more, whatever became of it: there are new ones.
const STALE = new Set(["quote_expired", "quote_not_found", "quote_already_used"]);

const widgets = new WeakMap(); // by their elements

class Widget {
  #confirmation = null;
  #looking;
  #options;
  #api;
  #logos = {};
  #takesTransfers = null;
  #keys = new Map(); // by quote: the Idempotency-Key of its creation, the same over every retry
  #busy = false;
  #route = null;
  #choice = null;
  #delivery = null;

  constructor(target, options, base) {
    this.#options = options;
    this.isRemoved = false;
    this.words = Words.of(options.lang, target);
    this.#build();
    this.standIn(target);
    DARK.addEventListener("change", () => this.#paint());
    const wrong = faultIn(options);
    if (wrong) {
      this.#block(new Problem("configuration", wrong));
      return;
    }
    this.#api = new Api(base, options.key);
    this.form = new AddressForm(
      this.words, options.destination, options.origin.province, () => this.#quote(),
    );
    this.#show(this.form, { focus: false });
    this.#meetCouriers();
  }

  #build() {
    const lang = this.words.locale;
    this.element = make("estafette-widget", { lang });
    const root = this.element.attachShadow({ mode: "open" });
    const style = new CSSStyleSheet();
    style.replaceSync(STYLE);
    root.adoptedStyleSheets = [style];
    this.live = make("p", { class: "unseen", role: "status" });
    this.stage = make("div", { class: "stage" });
    this.card = make("section", { class: "card", lang }, this.stage);
    // The page sees the widget where its fields are: its shortcuts would take what is typed.
    for (const type of ["keydown", "keypress", "keyup"]) this.card.addEventListener(type, keepKeys);
    root.append(this.card, this.live);
    widgets.set(this.element, this);
  }

  // Moves to another element, with all that it shows; one that stood there is removed.
  standIn(target) {
    this.target = target;
    for (const other of target.querySelectorAll(":scope > estafette-widget")) {
      if (other !== this.element) (widgets.get(other) ?? other).remove();
    }
    target.append(this.element);
    this.#paint();
    if (this.isBooked) this.#follow();
  }

  // Whether there is a delivery, of which it tells.
  get isBooked() {
    return this.#delivery !== null;
  }

  #paint() {
    const scheme = isDark(this.#options.theme, this.target) ? "dark" : "light";
    this.element.setAttribute("data-scheme", scheme);
    const accent = shownColour(getComputedStyle(this.card).accentColor);
    if (accent) this.element.setAttribute("data-accent", isBright(accent) ? "bright" : "deep");
  }

  #show(step, { focus = true } = {}) {
    this.step = step;
    this.#paint();
    this.stage.replaceChildren(step.element);
    if (focus) step.title.focus();
  }

  #say(text) {
    this.live.textContent = text;
  }

  #tell(name, detail) {
    const event = new CustomEvent(`estafette:${name}`, { bubbles: true, composed: true, detail });
    this.element.dispatchEvent(event);
  }

  // What the companies' own words add to the quotes, and whether this page may ask at all.
  async #meetCouriers() {
    try {
      const couriers = await this.#api.couriers();
      for (const { id, logo_url } of couriers) this.#logos[id] = logo_url;
      const able = couriers.filter(({ capabilities }) => capabilities.bank_transfer_enabled);
      this.#takesTransfers = new Set(able.map(({ id }) => id));
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (isOurs(problem)) this.#block(problem); // anything else may have passed when it matters
    }
  }

  // One thing at a time: what is pressed meanwhile is not heard.
  async #work(button, text, action) {
    if (this.#busy) return;
    this.#busy = true;
    button.work(text);
    this.#say(text);
    try {
      await action();
    } finally {
      this.#busy = false;
      button.rest();
    }
  }

  #quote() {
    const { form, words } = this;
    return this.#work(form.button, words.texts.form.busy, async () => {
      this.#remark(form);
      if (form.complainOfGaps()) {
        this.#showFaults();
        return;
      }
      const { origin, parcel } = this.#options;
      const route = { origin, destination: form.destination, parcel };
      try {
        this.#offer(route, await this.#api.quotes(route));
      } catch (problem) {
        this.#complain(problem, form);
      }
    });
  }

  #offer(route, quotes, { before, chosen, remark } = {}) {
    const { paymentMethod, cashCollect } = this.#options;
    const able = this.#takesTransfers;
    const fitting =
      paymentMethod === "bank_transfer" && able
        ? quotes.filter(({ company_id }) => able.has(company_id))
        : quotes;
    this.#route = route;
    this.#choice = new QuoteChoice(this.words, route, fitting, {
      logos: this.#logos,
      before,
      chosen,
      cash: cashCollect,
      onchange: () => this.#change(),
      onconfirm: (quote) => this.#create(quote),
    });
    this.#show(this.#choice);
    const { found, none } = this.words.texts.quotes;
    this.#say(remark ?? (fitting.length ? found(fitting.length) : none));
    if (remark) this.#remark(this.#choice, "info", remark);
    this.#tell("quotes", { quotes: fitting });
  }

  #change() {
    if (this.#busy) return;
    this.#choice = null;
    this.#remark(this.form);
    this.#show(this.form);
    this.#say("");
  }

  #create(quote) {
    const choice = this.#choice;
    return this.#work(choice.button, this.words.texts.quotes.busy, async () => {
      this.#remark(choice);
      const { quote_id, company_id } = quote;
      const { paymentMethod, cashCollect, metadata } = this.#options;
      const order = {
        ...this.#route,
        quote_id,
        company_id,
        ...(paymentMethod && { payment_method: paymentMethod }),
        ...(cashCollect && { cash_collect_aoa: cashCollect }),
        ...(metadata && { options: { metadata } }),
      };
      if (!this.#keys.has(quote_id)) this.#keys.set(quote_id, randomKey());
      try {
        this.#finish(await this.#api.create(order, this.#keys.get(quote_id)));
      } catch (problem) {
        if (STALE.has(problem.code)) await this.#requote(problem, choice);
        else if (problem.isInDoubt) this.#hold(problem, choice);
        else this.#complain(problem, choice);
      }
    });
  }

  // The delivery may be booked or not: only the same request, under the same key, can tell.
  #hold(problem, choice) {
    this.#say("");
    choice.hold();
    this.#remark(choice, "alert", this.words.texts.errors.inDoubt);
    this.#tell("error", problem.detail);
  }

  // New prices for the same route, to be looked at and confirmed again.
  async #requote(problem, choice, remark = this.words.texts.errors.expired) {
    const before = Object.fromEntries(choice.quotes.map((each) => [each.company_id, each.fee_aoa]));
    const chosen = choice.chosen?.company_id;
    const { parcel, origin } = this.#options;
    const route = { ...this.#route, origin, parcel };
    if (problem) this.#tell("error", problem.detail);
    try {
      const quotes = await this.#api.quotes(route);
      this.#offer(route, quotes, { before, chosen, remark });
    } catch (another) {
      this.#complain(another, choice);
    }
  }

  #finish(delivery) {
    this.#delivery = delivery;
    this.#confirmation = new Confirmation(this.words, delivery);
    this.#show(this.#confirmation);
    this.#say("");
    this.#tell("created", { delivery });
    this.#follow();
  }

  // Looks at the status as long as somebody may be looking at it.
  #follow() {
    clearInterval(this.#looking);
    this.#looking = setInterval(async () => {
      if (!this.element.isConnected || FINAL.has(this.#delivery.status)) {
        clearInterval(this.#looking);
      } else if (!document.hidden) {
        this.#delivery = await this.#api.delivery(this.#delivery.id).catch(() => this.#delivery);
        this.#confirmation.show(this.#delivery);
      }
    }, LOOK_MS);
  }

  #complain(problem, step) {
    if (!(problem instanceof Problem)) throw problem;
    const { errors } = this.words.texts;
    this.#say("");
    if (isOurs(problem)) {
      this.#block(problem);
      return;
    }
    this.#tell("error", problem.detail);
    if (problem.code === "invalid") {
      const others = this.form.complainOf(problem.fields);
      if (this.form.faults) this.#showFaults();
      else this.#remark(step, "alert", errors.unavailable);
      for (const { field, reason } of others) warn(`${field} ${reason}`);
      if (!problem.fields.length) warn(problem.message);
      return;
    }
    this.#remark(step, "alert", this.#told(problem));
  }

  #told({ code, wait }) {
    const { errors } = this.words.texts;
    if (code === "rate_limited" && wait > MOMENT_S) {
      return errors.full(this.words.duration(wait / 60)); // the shop's limit of an hour
    }
    return errors[REMARKS[code]] ?? errors.unknown;
  }

  #showFaults() {
    if (this.step !== this.form) this.#show(this.form, { focus: false });
    this.#say(this.words.texts.errors.fields(this.form.faults));
    this.form.focusFirstFault();
  }

  #remark(step, kind, text) {
    step.place.replaceChildren(...(text ? [notice(kind, text)] : []));
  }

  // Nothing can be sold here, and the visitor cannot help it: politely for them, plainly in the
  // console for who built the page.
  #block(problem) {
    const { blockedTitle, blocked } = this.words.texts.errors;
    warn(problem.message, REMEDIES[problem.code]?.());
    const title = heading(blockedTitle);
    const told = make("div", { class: "empty" }, icon("alert"), make("p", { role: "alert" }, blocked));
    this.#show({ title, element: make("div", { class: "step" }, title, told) }, { focus: false });
    this.#tell("error", problem.detail);
  }

  // The order has changed on the page: prices that are shown are asked for anew.
  update(options) {
    Object.assign(this.#options, options);
    const wrong = faultIn(this.#options);
    if (wrong) throw new TypeError(`Estafette: ${wrong}`);
    if (this.step !== this.#choice || this.#choice.isHeld) return;
    const choice = this.#choice;
    const { busy } = this.words.texts.form;
    const { updated } = this.words.texts.errors;
    this.#work(choice.button, busy, () => this.#requote(null, choice, updated));
  }

  remove() {
    this.isRemoved = true;
    this.element.remove();
  }
}

// What is wrong with the options, for who wrote them.
function faultIn({ key, origin, parcel, metadata }) {
  if (!key) return "a publishable key is missing (data-key)";
  if (key.startsWith("sk_")) {
    return "this is a SECRET key: everybody can read it here. Revoke it, and use the pk_ one";
  }
  if (typeof origin !== "object" || !origin) return "the pickup address is missing (data-origin)";
  if (typeof parcel !== "object" || !parcel) return "the parcel is missing (data-parcel)";
  try {
    written([origin, parcel, metadata]);
  } catch (error) {
    return `origin, parcel or metadata: ${error.message}`;
  }
  return null;
}

// Whether it is the page that is at fault: trying again changes nothing.
const isOurs = ({ code }) => code in REMEDIES;

const REMEDIES = {
  configuration: () => "Nothing is shown until that is right.",
  untrusted_origin: () =>
    `Trust it on the server: estafette accounts origins --account NAME --set ${location.origin}` +
    " (the list as a whole, with commas between)",
  unauthorized: () => "Is data-key a publishable key (pk_…) of this server, and not disabled?",
  forbidden: () => "Is data-key a publishable key (pk_…) that may do this, from everywhere?",
  pickup_not_allowed: () =>
    "data-origin is none of the key's pickup places: estafette keys limits --account NAME KEY",
  payment_method_not_allowed: () =>
    "data-payment-method is none of the key's: estafette keys limits --account NAME KEY",
  cash_collect_aoa_too_high: () =>
    "data-cash-collect is above the key's limit: estafette keys limits --account NAME KEY",
};

const REMARKS = {
  network: "network",
  upstream_failed: "upstream",
  unavailable: "unavailable",
  rate_limited: "busy",
  payment_method_not_supported: "method",
};

function keepKeys(event) {
  if (event.key !== "Tab" && event.key !== "Escape") event.stopPropagation();
}

function warn(...told) {
  console.error("Estafette:", ...told.filter(Boolean));
}
