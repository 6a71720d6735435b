// The forms of a stop: what is shown at a pickup and a handing over, and why something failed.
import { button, field, h, money, sign, t } from "./parts.js";

const FAILED = ["nobody_there", "phone_silent", "wrong_address", "refused_by_recipient", "no_money", "damaged", "no_access", "other"];
const BACK = ["vehicle", "too_large", "too_far", "pickup_closed", "not_ready", "other"];

const title = (text) => h("h1", { tabindex: -1 }, text);

function close(acts, about) {
  return button(t("back"), () => acts.go(about ? `stop/${about}` : "cash"), { class: "bare" }, "chevron-left");
}

function fault(form, text) {
  let line = form.querySelector("[role=alert]");
  if (!line) { line = h("p", { role: "alert", class: "fault" }); form.prepend(line); }
  line.textContent = text;
  line.scrollIntoView({ block: "center" });
}

const photos = new WeakMap();
const pads = new WeakMap();

// A photo, taken by the phone's own camera and made small at once.
function photo(name) {
  const shown = h("img", { alt: t("photo_taken"), hidden: true });
  const input = h("input", { type: "file", accept: "image/*", capture: "environment", class: "unseen", id: name, change: async () => {
    const [file] = input.files;
    if (!file) return;
    const { scaled } = await import("./photo.js");
    const blob = await scaled(file);
    if (!blob) { fault(input.form, t("photo_unread")); return; }
    photos.set(input, blob);
    if (shown.src) URL.revokeObjectURL(shown.src);
    shown.src = URL.createObjectURL(blob);
    shown.hidden = false;
  } });
  return { input, view: h("div", { class: "photo" }, shown, input, h("label", { class: "button wide", for: name }, sign("camera"), h("span", {}, t("take_photo")))) };
}

function signature() {
  const canvas = h("canvas", { class: "pad", role: "img", "aria-label": t("signature_place") });
  const clear = button(t("clear"), () => pads.get(canvas)?.clear(), { class: "bare" });
  const view = h("div", { class: "signature" }, h("p", { class: "faint" }, t("signature_ask")), canvas, clear);
  const shown = new IntersectionObserver(async () => {
    if (pads.has(canvas) || !canvas.offsetWidth) return;
    shown.disconnect();
    const { open } = await import("./signature.js");
    pads.set(canvas, open(canvas));
  });
  shown.observe(canvas);
  return { canvas, view };
}

// Reads the parcel's code by the camera or in a photo, or takes what is typed.
function code(codes) {
  const input = h("input", { name: "code", autocomplete: "off", autocapitalize: "characters", spellcheck: "false", id: "code" });
  const video = h("video", { class: "camera", playsinline: true, muted: true, hidden: true });
  const said = h("p", { class: "faint", role: "status", id: "scanned" });
  const matches = () => !input.value.trim() || codes.some((one) => same(one, input.value));
  let stop = null;
  let left = false;
  const take = (text) => {
    video.hidden = true;
    input.value = text;
    said.textContent = matches() ? t("scan_done") : "";
    if (!matches()) fault(input.form, t("code_other"));
  };
  // Loads what reads codes, which is large and seldom needed; null: it is not to be had now.
  const scanner = async () => {
    input.form.querySelector("[role=alert]")?.remove();
    said.textContent = t("wait");
    try {
      const found = await import("./scan.js");
      await found.prepare();
      said.textContent = "";
      return found;
    } catch {
      said.textContent = "";
      fault(input.form, t("scan_none"));
      return null;
    }
  };
  const scan = button(t("scan"), async () => {
    stop?.();
    const scanning = await scanner();
    if (!scanning) return;
    if (!scanning.hasCamera()) { fault(input.form, t("scan_denied")); return; }
    video.hidden = false;
    try {
      stop = await scanning.open(video, take);
      if (left) stop();
    } catch {
      video.hidden = true;
      fault(input.form, t("scan_denied"));
    }
  }, { class: "wide" }, "scan-line");
  const picture = h("input", { type: "file", accept: "image/*", class: "unseen", id: "code-photo", change: async () => {
    const [file] = picture.files;
    const scanning = file && await scanner();
    if (!scanning) return;
    const text = await scanning.inPhoto(file).catch(() => null);
    picture.value = "";
    if (text) take(text);
    else fault(input.form, t("scan_nothing"));
  } });
  addEventListener("hashchange", () => { left = true; stop?.(); }, { once: true });
  const byPhoto = h("div", { class: "photo" }, picture, h("label", { class: "button wide", for: "code-photo" }, sign("camera"), h("span", {}, t("scan_photo"))));
  return { view: h("div", { class: "stack" }, scan, byPhoto, video, said, field(t("code"), input, t("code_hint"))), matches };
}

const plain = (text) => text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
const same = (one, other) => plain(one) !== "" && (plain(other) === plain(one) || plain(other).endsWith(plain(one)));

// The inputs of what is demanded at a stage, and how to read them.
function demanded(stop, kinds, always = []) {
  const parts = {};
  const views = [];
  for (const kind of [...new Set([...kinds, ...always])]) {
    const must = kinds.includes(kind);
    const name = must ? t(`proof_${kind}`) : t("optional", { what: t(`proof_${kind}`) });
    if (kind === "photo") parts.photo = photo("photo");
    else if (kind === "signature") parts.signature = signature();
    else {
      const given = { name: kind, id: `proof-${kind}`, required: must, maxlength: kind === "age" ? 3 : 100, autocomplete: "off" };
      if (kind === "pin") Object.assign(given, { inputmode: "numeric", maxlength: 12, class: "code" });
      if (kind === "age") given.inputmode = "numeric";
      parts[kind] = { input: h("input", given), view: null };
      views.push(field(name, parts[kind].input, kind === "pin" ? t("pin_hint") : null));
      continue;
    }
    views.push(h("fieldset", {}, h("legend", {}, name), parts[kind].view));
  }
  return { views, async read(form, stage) {
    const proofs = [];
    const facts = {};
    for (const [kind, part] of Object.entries(parts)) {
      const must = kinds.includes(kind);
      if (kind === "photo" || kind === "signature") {
        const pad = part.canvas && pads.get(part.canvas);
        const blob = kind === "photo" ? photos.get(part.input) : pad && !pad.isEmpty() ? await pad.blob() : null;
        if (!blob && must) { fault(form, t("missing", { what: t(`proof_${kind}`) })); return null; }
        if (blob) proofs.push({ proof: kind, stage, blob });
        continue;
      }
      const value = part.input.value.trim();
      if (!value && must) { fault(form, t("missing", { what: t(`proof_${kind}`) })); part.input.focus(); return null; }
      if (value && kind === "pin") facts.pin = value;
      else if (value) proofs.push({ proof: kind, stage, said: value });
    }
    return { proofs, facts };
  } };
}

function form(acts, stop, heading, views, submit, label, icon) {
  const made = h("form", { class: "stack", novalidate: true, submit: async (event) => {
    event.preventDefault();
    const sender = made.querySelector("button.main");
    if (sender.disabled) return;
    sender.disabled = true; // one tap of a finger that trembles is one
    if (!(await submit(made))) sender.disabled = false;
  } }, views, h("button", { class: "main big" }, sign(icon), h("span", {}, label)));
  return [close(acts, stop?.about), title(heading), stop && h("p", { class: "address" }, stop.address), made];
}

export const forms = {
  "pick-up": (stop, _state, acts) => {
    const asked = demanded(stop, stop.kind === "pickup" ? stop.proofs : []);
    const scanned = stop.codes.length ? code(stop.codes) : null;
    return form(acts, stop, t("do_picked_up"), [scanned && scanned.view, ...asked.views], async (made) => {
      if (scanned && !scanned.matches()) { fault(made, t("code_other")); return false; }
      const read = await asked.read(made, "pickup");
      if (!read) return false;
      await acts.tap("picked_up", stop.about, read.facts, read.proofs);
      acts.go("stops");
      return true;
    }, t("do_picked_up"), "package");
  },
  "hand-over": (stop, _state, acts) => {
    const stage = stop.is_return ? "return" : "dropoff";
    const asked = demanded(stop, stop.proofs, ["name"]);
    const paid = stop.cash ? h("label", { class: "switch cash" }, h("input", { type: "checkbox", id: "paid" }), h("span", {}, t("taken_cash", { sum: money(stop.cash, stop.currency) }))) : null;
    return form(acts, stop, t("do_handed_over"), [paid, ...asked.views], async (made) => {
      if (paid && !made.querySelector("#paid").checked) { fault(made, t("cash_first", { sum: money(stop.cash, stop.currency) })); return false; }
      const read = await asked.read(made, stage);
      if (!read) return false;
      if (stop.cash) read.facts.cash = stop.cash;
      await acts.tap("handed_over", stop.about, read.facts, read.proofs);
      acts.go("stops");
      return true;
    }, t("do_handed_over"), "package-check");
  },
  leave: (stop, _state, acts) => {
    const picture = photo("left-photo");
    return form(acts, stop, t("do_left_at_door"), [h("p", {}, t("leave_how")), picture.view], async (made) => {
      const blob = photos.get(picture.input);
      if (!blob) { fault(made, t("missing", { what: t("proof_photo") })); return false; }
      await acts.tap("left_at_door", stop.about, {}, [{ proof: "photo", stage: "dropoff", blob }]);
      acts.go("stops");
      return true;
    }, t("do_left_at_door"), "package");
  },
  failed: (stop, _state, acts) => reasons(stop, acts, "attempt_failed", FAILED, true),
  back: (stop, _state, acts) => reasons(stop, acts, "handed_back", BACK, false),
  declare: (_stop, state, acts) => {
    const most = state.day.cash?.in_hand || 0;
    const input = h("input", { name: "sum", id: "sum", inputmode: "numeric", value: String(most), class: "code", autocomplete: "off" });
    return form(acts, null, t("declare"), [h("p", {}, t("declare_detail")), field(t("sum"), input)], async (made) => {
      const sum = Number(input.value.replace(/\s/g, ""));
      if (!Number.isSafeInteger(sum) || sum < 1 || sum > most) { fault(made, t("sum_wrong", { sum: money(most) })); return false; }
      await acts.tap("cash_declared", null, { cash: sum });
      acts.go("cash");
      return true;
    }, t("declare"), "hand-coins");
  },
};

function reasons(stop, acts, kind, list, withPhoto) {
  const choices = list.map((reason) => h("label", { class: "choice" }, h("input", { type: "radio", name: "reason", value: reason }), h("span", {}, t(`reason_${reason}`))));
  const note = h("textarea", { name: "note", id: "note", rows: 3, maxlength: 500 });
  const picture = withPhoto ? photo("failed-photo") : null;
  return form(acts, stop, t(`do_${kind}`), [
    h("fieldset", { class: "choices" }, h("legend", {}, t("why")), choices), field(t("note"), note), picture && picture.view,
  ], async (made) => {
    const reason = new FormData(made).get("reason");
    if (!reason) { fault(made, t("reason_first")); return false; }
    const words = note.value.trim();
    if (reason === "other" && !words) { fault(made, t("note_first")); note.focus(); return false; }
    const blob = picture && photos.get(picture.input);
    const proofs = blob ? [{ proof: "photo", stage: "dropoff", blob }] : [];
    await acts.tap(kind, stop.about, { reason, ...(words ? { note: words } : {}) }, proofs);
    acts.go("stops");
    return true;
  }, t(`do_${kind}`), kind === "handed_back" ? "undo-2" : "circle-x");
}
