// The last step: the delivery is booked.

class Confirmation {
  constructor(words, delivery) {
    this.words = words;
    this.texts = words.texts.done;
    this.title = heading(delivery.held ? this.texts.titleHeld : this.texts.title);
    this.status = make("span", { role: "status" });
    const track = make(
      "a",
      { class: "primary", href: delivery.tracking_url, target: "_blank", rel: "noopener" },
      make("span", { class: "label" }, this.texts.track), icon("out"),
      make("span", { class: "unseen" }, ` (${this.texts.newWindow})`),
    );
    this.element = make(
      "div", { class: "step done" },
      make("div", { class: "seal" }, icon("check")),
      this.title,
      make("p", { class: "lead" }, this.#lead(delivery)),
      this.#facts(delivery),
      ...this.#bank(delivery.bank_transfer),
      delivery.require_delivery_pin && notice("info", this.texts.pin),
      track,
    );
    this.show(delivery);
  }

  #lead({ status, held, company_name, eta_minutes }) {
    if (held) return this.texts.leadHeld;
    if (status === "awaiting_payment") return this.texts.leadUnpaid;
    if (eta_minutes == null) return this.texts.leadPlain(company_name);
    return this.texts.lead(company_name, this.words.duration(eta_minutes));
  }

  #facts({ reference, company_name, courier_fee_aoa, cash_collect_aoa }) {
    const { texts, words } = this;
    return make(
      "dl", {},
      ...fact(texts.reference, make("dd", { class: "number short" }, reference)),
      ...fact(texts.status, make("dd", {}, this.status)),
      ...fact(texts.company, company_name),
      ...fact(texts.fee, words.money(courier_fee_aoa)),
      ...(cash_collect_aoa ? fact(texts.cash, words.money(cash_collect_aoa)) : []),
    );
  }

  #bank(bank) {
    if (!bank) return [];
    const { texts, words } = this;
    return [
      make("h3", {}, texts.bank),
      make(
        "dl", {},
        ...fact(texts.bankName, bank.bank_name),
        ...fact(texts.iban, make("dd", { class: "number" }, bank.bank_iban)),
        ...fact(texts.holder, bank.bank_account_holder),
        ...fact(texts.amount, words.money(bank.amount_aoa)),
        ...fact(texts.transferReference, make("dd", { class: "number short" }, bank.reference)),
        ...(bank.due_at ? fact(texts.due, words.moment(bank.due_at)) : []),
      ),
    ];
  }

  // Tells the status, if it has changed.
  show({ status, held }) {
    const told = this.words.texts.statuses[held ? "held" : status] ?? status;
    if (this.status.textContent !== told) this.status.replaceChildren(told);
  }
}

// A term with its description, a text or a ready `dd`.
const fact = (term, told) => [
  make("dt", {}, term),
  typeof told === "string" ? make("dd", {}, told) : told,
];
