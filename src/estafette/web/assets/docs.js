"use strict";
// Keys are kept in memory alone: whoever sits here next, and every other script of this origin, would
// find them in the browser's storage, where an earlier viewer of this page put them.
try {
  localStorage.removeItem("authorized");
} catch {
  // a browser that keeps nothing has nothing to forget
}
const place = document.getElementById("viewer");
const dark = matchMedia("(prefers-color-scheme: dark)");
const configuration = () => ({
  url: place.dataset.contract,
  theme: "none", // docs.css gives it our colours
  layout: "modern",
  darkMode: dark.matches,
  forceDarkModeState: dark.matches ? "dark" : "light",
  hideDarkModeToggle: true,
  hideClientButton: true,
  documentDownloadType: "none", // the head of the page links to it
  defaultOpenAllTags: true,
  persistAuth: false,
  // It asks nobody else for anything: neither typefaces nor an assistant, nor tells how it is used.
  withDefaultFonts: false,
  telemetry: false,
  agent: { disabled: true },
  mcp: { disabled: true },
  showDeveloperTools: "never",
});
place.textContent = "";
const reference = window.Scalar.createApiReference(place, configuration());
dark.addEventListener("change", () => {
  reference.updateConfiguration(configuration());
  document.body.classList.toggle("dark-mode", dark.matches);
  document.body.classList.toggle("light-mode", !dark.matches);
});
