// The words of one visitor: their language, and how it writes money, durations and moments.

class Words {
  constructor(language) {
    this.language = language;
    this.texts = TEXTS[language];
    this.locale = LOCALES[language];
  }

  // The first language of the option, the page and the browser that we speak; else Portuguese.
  static of(wanted, target) {
    const page = target.closest("[lang]")?.lang;
    const browser = navigator.languages ?? [navigator.language];
    const known = [wanted, page, ...browser]
      .map((tag) => (tag ?? "").toLowerCase().split(/[-_]/)[0])
      .find((code) => Object.hasOwn(TEXTS, code));
    return new Words(known ?? "pt");
  }

  // A sum in whole kwanza.
  money(sum) {
    return new Intl.NumberFormat(this.locale, {
      style: "currency",
      currency: "AOA",
      currencyDisplay: "narrowSymbol",
      maximumFractionDigits: 0,
      useGrouping: "always",
    }).format(sum);
  }

  // "45 min", "2 h 15 min", "2 dias": the longer, the rounder, and never too early.
  duration(minutes) {
    const { minutes: inMinutes, hours: inHours, days } = this.texts.units;
    if (minutes > 36 * 60) return days(Math.ceil(minutes / (24 * 60)));
    const step = minutes < 60 ? 5 : minutes < 6 * 60 ? 15 : 60;
    const whole = Math.max(step, Math.ceil(minutes / step) * step);
    if (whole < 60) return inMinutes(whole);
    const [hours, rest] = [Math.floor(whole / 60), whole % 60];
    return rest ? `${inHours(hours)}\u00a0${inMinutes(rest)}` : inHours(hours);
  }

  moment(iso) {
    const shown = { dateStyle: "medium", timeStyle: "short" };
    return new Intl.DateTimeFormat(this.locale, shown).format(new Date(iso));
  }
}
