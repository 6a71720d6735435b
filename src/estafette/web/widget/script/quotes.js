// The second step: which company, at which price.

class QuoteChoice {
  // `logos` are addresses by company; `before` the fees that were shown before, by company.
  constructor(words, route, quotes, { logos, before, chosen, cash, onchange, onconfirm }) {
    this.words = words;
    this.texts = words.texts.quotes;
    this.quotes = quotes;
    this.logos = logos;
    this.before = before ?? {};
    const wanted = quotes.find((quote) => quote.company_id === chosen) ?? quotes[0];
    this.options = quotes.map((quote) => this.#option(quote, quote === wanted));
    this.button = new Button("");
    this.title = heading(quotes.length ? this.texts.title : this.texts.noneTitle);
    this.place = make("div", { class: "notices" });
    this.element = make(
      "form",
      { novalidate: true, class: "step", onsubmit: (event) => {
        event.preventDefault();
        onconfirm(this.chosen);
      } },
      this.title, this.place, this.#address(route.destination, onchange),
      ...(quotes.length ? this.#offers(cash) : this.#nothing(onchange)),
    );
    this.#price();
  }

  get chosen() {
    const { value } = this.options.map(({ radio }) => radio).find(({ checked }) => checked) ?? {};
    return this.quotes.find((quote) => quote.quote_id === value);
  }

  #offers(cash) {
    const group = freshId();
    this.options.forEach(({ radio }) => radio.setAttribute("name", group));
    this.group = make(
      "fieldset",
      { onchange: () => this.#price() },
      make("legend", { class: "unseen" }, this.texts.legend),
      ...this.options.map(({ element }) => element),
    );
    const due = cash && make("p", { class: "cash" }, this.texts.cash(this.words.money(cash)));
    return [this.group, due, this.button.element];
  }

  #nothing(onchange) {
    const again = new Button(this.texts.changeLong, { type: "button", onclick: onchange });
    return [
      make("div", { class: "empty" }, icon("nowhere"), make("p", {}, this.texts.none)),
      again.element,
    ];
  }

  #address(destination, onchange) {
    const { contact, address_line, city, province } = destination;
    const area = city === province ? city : `${city}, ${province}`;
    this.changer = make(
      "button",
      { type: "button", class: "plain", "aria-label": this.texts.changeLong, onclick: onchange },
      this.texts.change,
    );
    return make(
      "div", { class: "address" },
      make("p", {},
        make("span", { class: "soft" }, this.texts.to),
        make("strong", {}, contact.name),
        make("span", {}, `${address_line}, ${area}`),
      ),
      this.changer,
    );
  }

  #option(quote, checked) {
    const id = freshId();
    const radio = make("input", { type: "radio", id, value: quote.quote_id, checked });
    const before = this.before[quote.company_id];
    const changed = before !== undefined && before !== quote.fee_aoa;
    const eta = this.texts.eta(this.words.duration(quote.eta_minutes));
    const element = make(
      "label", { class: "option", for: id },
      radio,
      this.#logo(quote),
      make("span", { class: "offer" },
        make("strong", { class: "company" }, quote.company_name),
        make("strong", { class: "price" }, this.words.money(quote.fee_aoa)),
        make("span", { class: "soft" }, eta),
        changed &&
          make(
            "span", { class: before > quote.fee_aoa ? "was lower" : "was" },
            this.texts.before(this.words.money(before)),
          ),
        quote.require_delivery_pin &&
          make("span", { class: "soft pin" }, icon("lock"), this.texts.pin),
      ),
    );
    return { element, radio };
  }

  // The company's logo; its initial until it is there, and where it never comes.
  #logo({ company_id, company_name }) {
    const place = make("span", { class: "logo", "aria-hidden": "true" }, [...company_name][0] ?? "");
    const address = this.logos[company_id];
    if (address) {
      const image = make("img", { alt: "", referrerpolicy: "no-referrer", decoding: "async" });
      image.addEventListener("load", () => place.replaceChildren(image));
      image.setAttribute("src", address);
    }
    return place;
  }

  #price() {
    if (this.chosen) this.button.say(this.texts.submit(this.words.money(this.chosen.fee_aoa)));
  }

  // Holds the visitor to their choice: it may have been carried out already.
  hold() {
    this.isHeld = true;
    this.group.classList.add("held");
    this.options.forEach(({ radio }) => (radio.disabled = !radio.checked));
    this.changer.disabled = true;
    this.button.say(this.texts.retry);
  }
}
