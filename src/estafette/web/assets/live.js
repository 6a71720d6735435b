// Keeps the parts of an open page true that are marked `data-live`: at news of its stream the page is
// read again, and the parts that differ are put in their places. What somebody types stays.
"use strict";
{
  const APART = 2000; // milliseconds between two readings of the page, at least
  const mark = document.querySelector("[data-stream]");
  const parts = () => document.querySelectorAll("[data-live]");
  const shown = new Map();
  let waiting = null;
  let readAt = 0;
  let isDue = false; // there are news that the page does not show yet

  // Tokens of forms and buttons that a script shows differ without news.
  const said = (part) => part.innerHTML.replace(/name="once" value="[0-9a-f]*"| hidden=""/g, "");

  const fields = (part) => part.querySelectorAll("input:not([type=hidden]), textarea, select");
  const places = (part, one) => [...fields(part)].filter((other) => other.name === one.name && other.type === one.type);

  // Returns what puts back into a part what was typed, chosen, opened and focused in it.
  function kept(part) {
    const edited = [...fields(part)].map((field) => {
      const isTick = field.type === "checkbox" || field.type === "radio";
      const before = isTick ? field.defaultChecked : field.defaultValue ?? [...field.options].find((one) => one.defaultSelected)?.value;
      const now = isTick ? field.checked : field.value;
      return { name: field.name, type: field.type, value: field.value, isTick, now, isEdited: now !== (before ?? now), at: places(part, field).indexOf(field) };
    }).filter((one) => one.isEdited);
    const open = [...part.querySelectorAll("details")].map((one) => one.open);
    const active = part.contains(document.activeElement) ? document.activeElement : null;
    const focusable = "a, button, input:not([type=hidden]), textarea, select, summary";
    const focused = active && { at: [...part.querySelectorAll(focusable)].indexOf(active), href: active.getAttribute("href"), from: active.selectionStart, to: active.selectionEnd };
    return () => {
      for (const one of edited) {
        const found = one.isTick ? places(part, one).find((field) => field.value === one.value) : places(part, one)[one.at];
        if (found && one.isTick) found.checked = one.now;
        else if (found) found.value = one.now;
      }
      part.querySelectorAll("details").forEach((one, at) => { one.open = open[at] ?? one.open; });
      if (!focused) return;
      const all = [...part.querySelectorAll(focusable)];
      const again = (focused.href && all.find((one) => one.getAttribute("href") === focused.href)) || all[focused.at];
      if (!again) return;
      again.focus({ preventScroll: true });
      if (focused.from !== null && focused.from !== undefined && again.setSelectionRange) again.setSelectionRange(focused.from, focused.to);
    };
  }

  const isInUse = (part) => {
    const chosen = getSelection();
    return part.querySelector("form[data-sent], dialog[open]") !== null || (!chosen.isCollapsed && part.contains(chosen.anchorNode));
  };

  // Puts the parts of the page, as it is now, in their places; returns whether all could be.
  function put(page) {
    let isWhole = true;
    for (const part of parts()) {
      const fresh = page.getElementById(part.id);
      const text = fresh ? said(fresh) : "";
      if (text === shown.get(part.id)) continue;
      if (isInUse(part)) {
        isWhole = false;
        continue;
      }
      const putBack = kept(part);
      part.replaceChildren(...(fresh ? fresh.childNodes : []));
      shown.set(part.id, text);
      putBack();
      const voice = document.getElementById("said");
      if (part.dataset.live === "say" && voice) voice.textContent = part.textContent.trim().replace(/\s+/g, " ");
    }
    document.dispatchEvent(new Event("live:changed"));
    return isWhole;
  }

  function leave(place) {
    stop();
    if (place.startsWith("/sign-in?")) location.assign(`${place}&next=${encodeURIComponent(location.pathname + location.search)}`);
    else location.reload();
  }

  async function read() {
    readAt = Date.now();
    isDue = false;
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      if (new URL(answer.url).pathname.startsWith("/sign-in")) return leave("/sign-in?ended=yes");
      if (answer.status === 404 || answer.status === 403) return leave("");
      if (answer.ok && put(new DOMParser().parseFromString(await answer.text(), "text/html"))) return;
    } catch {
      // without a connection: the next sign of life asks again
    }
    isDue = true;
  }

  // Reads the page within so many milliseconds, but not much more often than it can be looked at.
  function readWithin(spread) {
    clearTimeout(waiting);
    const rest = Math.max(0, readAt + APART - Date.now());
    waiting = setTimeout(read, rest + Math.random() * spread);
  }

  let stop = () => {};
  if (mark) {
    for (const part of parts()) shown.set(part.id, said(part));
    stop = followStream(
      (seen) => `${mark.dataset.stream}?seen=${encodeURIComponent(seen || mark.dataset.seen)}`,
      {
        live(isLive) {
          mark.textContent = isLive ? mark.dataset.on : mark.dataset.lost;
          mark.classList.toggle("lost", !isLive);
          mark.hidden = false;
          if (isLive && isDue) readWithin(0);
        },
        refused: read,
        news(spread) {
          isDue = true;
          readWithin(Number(spread) || 0);
        },
        places(data) {
          document.dispatchEvent(new CustomEvent("live:places", { detail: data }));
        },
        over: leave,
      },
    );
  }
}
