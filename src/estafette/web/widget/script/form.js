// The first step: who receives, and where.

const FIELDS = {
  name: { path: "destination.contact.name", autocomplete: "name", autocapitalize: "words" },
  phone: { path: "destination.contact.phone", autocomplete: "tel", type: "tel" },
  address_line: { path: "destination.address_line", autocomplete: "street-address" },
  city: { path: "destination.city", autocomplete: "address-level2", autocapitalize: "words" },
  province: { path: "destination.province", autocomplete: "address-level1" },
};

class Field {
  constructor(name, label, hint, control) {
    Object.assign(this, { name, control });
    control.id = freshId();
    this.hint = hint && make("p", { class: "hint", id: freshId() }, hint);
    this.error = make("p", { class: "error", id: freshId(), hidden: true });
    const labelled = make("label", { for: control.id }, label);
    const framed = control.localName === "select" ? [control, icon("chevron")] : [control];
    const frame = make("div", { class: "control" }, ...framed);
    this.element = make("div", { class: `field ${name}` }, labelled, frame, this.hint, this.error);
    control.addEventListener("input", () => this.complain(null));
    this.complain(null);
  }

  get value() {
    return this.control.value.trim();
  }

  complain(reason) {
    this.error.replaceChildren(...(reason ? [icon("alert"), make("span", {}, reason)] : []));
    this.error.hidden = !reason;
    const told = [reason && this.error, this.hint].filter(Boolean).map((element) => element.id);
    if (told.length) this.control.setAttribute("aria-describedby", told.join(" "));
    else this.control.removeAttribute("aria-describedby");
    if (reason) this.control.setAttribute("aria-invalid", "true");
    else this.control.removeAttribute("aria-invalid");
  }
}

class AddressForm {
  // `known` is an address in the API's words that the shop knows already; `province` a guess.
  constructor(words, known, province, submitted) {
    this.texts = words.texts.form;
    this.known = known ?? {};
    const { name, phone } = this.known.contact ?? {};
    this.fields = {
      name: this.#field("name", this.texts.name, null, name),
      phone: this.#field("phone", this.texts.phone, this.texts.phoneHint, phone),
      address_line: this.#field(
        "address_line", this.texts.line, this.texts.lineHint, this.known.address_line,
      ),
      city: this.#field("city", this.texts.city, null, this.known.city),
      province: this.#provinces(this.known.province ?? province),
    };
    this.button = new Button(this.texts.submit);
    this.title = heading(this.texts.title);
    this.place = make("div", { class: "notices" });
    const fields = Object.values(this.fields).map((field) => field.element);
    this.element = make(
      "form",
      { novalidate: true, class: "step", onsubmit: (event) => {
        event.preventDefault();
        submitted();
      } },
      this.title, this.place, make("div", { class: "fields" }, ...fields), this.button.element,
    );
  }

  #field(name, label, hint, value) {
    const { path, ...hints } = FIELDS[name];
    const control = make("input", {
      type: "text", name, required: true, maxlength: "500", ...hints, value: value ?? "",
    });
    return new Field(name, label, hint, control);
  }

  #provinces(chosen) {
    const names = !chosen || PROVINCES.includes(chosen) ? PROVINCES : [chosen, ...PROVINCES];
    const { autocomplete } = FIELDS.province;
    const options = names.map((name) =>
      make("option", { value: name, selected: name === chosen }, name),
    );
    const none = make("option", { value: "" }, this.texts.choose);
    const control = make("select", { name: "province", required: true, autocomplete }, none, ...options);
    return new Field("province", this.texts.province, null, control);
  }

  // The address as the API wants it.
  get destination() {
    const { name, phone, address_line, city, province } = this.fields;
    const address = { address_line: address_line.value, city: city.value, province: province.value };
    const contact = { ...this.known.contact, name: name.value, phone: phone.value };
    const moved = Object.entries(address).some(([part, value]) => value !== this.known[part]);
    const { coordinates } = this.known;
    return { ...address, contact, ...(coordinates && !moved && { coordinates }) };
  }

  // Complains of every empty field; returns how many there are.
  complainOfGaps() {
    const empty = Object.values(this.fields).filter((field) => !field.value);
    empty.forEach((field) => field.complain(this.#reason(field, "")));
    return empty.length;
  }

  // Shows the API's complaints beside their fields; returns those that are of no field here.
  complainOf(faults) {
    return faults.filter(({ field: path, reason }) => {
      const field = Object.values(this.fields).find(({ name }) => FIELDS[name].path === path);
      field?.complain(this.#reason(field, reason));
      return !field;
    });
  }

  #reason(field, told) {
    const { texts } = this;
    if (!field.value) {
      return field.name === "province" ? texts.missingProvince : texts.missing(texts.labels[field.name]);
    }
    const [, limit] = /at most (\d+) characters/.exec(told) ?? [];
    if (limit) return texts.tooLong(limit);
    return field.name === "phone" ? texts.badPhone : texts.bad;
  }

  focusFirstFault() {
    Object.values(this.fields).find(({ error }) => !error.hidden)?.control.focus();
  }

  get faults() {
    return Object.values(this.fields).filter(({ error }) => !error.hidden).length;
  }
}
