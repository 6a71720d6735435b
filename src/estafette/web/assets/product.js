// What pages can do beyond HTML: copy, open dialogs as modal ones, close menus, send a form once.
// Every page works without it.
"use strict";

const closest = (event, selector) => event.target instanceof Element && event.target.closest(selector);

function show(dialog) {
  if (!dialog || dialog.open) return;
  dialog.showModal();
  const first = dialog.querySelector("[autofocus], input:not([type=hidden]), select, textarea");
  if (first) first.focus();
}

async function copy(button) {
  const source = button.dataset.copyFrom ? document.getElementById(button.dataset.copyFrom) : null;
  try {
    await navigator.clipboard.writeText(source ? source.textContent : button.dataset.copy);
  } catch {
    return; // the text is there to be selected
  }
  const said = document.getElementById("said");
  if (said) said.textContent = button.dataset.done;
  button.classList.add("done");
  setTimeout(() => button.classList.remove("done"), 1500);
}

document.addEventListener("click", (event) => {
  const copying = closest(event, "[data-copy], [data-copy-from]");
  if (copying) return void copy(copying);

  const opener = closest(event, "[data-dialog]");
  if (opener) {
    event.preventDefault();
    return show(document.getElementById(opener.dataset.dialog));
  }
  const closer = closest(event, "dialog [data-close]");
  if (closer) {
    event.preventDefault();
    const dialog = closer.closest("dialog");
    dialog.close();
    if (location.hash === `#${dialog.id}`) history.replaceState(null, "", location.pathname + location.search);
    return;
  }
  if (event.target instanceof HTMLDialogElement) event.target.close(); // the ground behind it

  for (const menu of document.querySelectorAll("details.menu[open], details.who[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    const menu = document.querySelector("details.menu[open], details.who[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
    return;
  }
  const typing = closest(event, "input, select, textarea, [contenteditable], dialog");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const search = document.querySelector("input[type=search]");
    if (search) {
      event.preventDefault();
      search.focus();
      search.select();
    }
  }
});

// A form that is on its way is not sent again; the server holds the same, by its token.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post" || form.target) return;
  if (form.dataset.sent) return void event.preventDefault();
  form.dataset.sent = "yes";
  for (const button of form.querySelectorAll("button:not([type=button])")) button.setAttribute("aria-disabled", "true");
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("[aria-disabled]")) button.removeAttribute("aria-disabled");
  }
});

// A choice that has a form of its own needs no button.
document.addEventListener("change", (event) => {
  const chosen = closest(event, "[data-auto]");
  if (chosen && chosen.form) chosen.form.requestSubmit();
});

const begin = () => {
  for (const button of document.querySelectorAll(".copy[hidden]")) button.hidden = false;
  // an element of its own beside a link: a navigation column that a phone shows closed
  const drawer = document.querySelector("details.drawer");
  if (drawer && matchMedia("(min-width: 60rem)").matches) drawer.open = true;
  if (location.hash.length > 1) {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target instanceof HTMLDialogElement) show(target);
  }
};
begin();
document.addEventListener("live:changed", begin);
