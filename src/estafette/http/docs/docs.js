"use strict";
// Keys are kept in memory alone: whoever sits here next, and every other script of this origin, would
// find them in the browser's storage, where earlier versions of this page put them.
try {
  window.localStorage.removeItem("authorized");
} catch {
  // a browser that keeps nothing has nothing to forget
}
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const paint = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
paint();
dark.addEventListener("change", paint);
window.SwaggerUIBundle({
  url: document.getElementById("viewer").dataset.contract,
  dom_id: "#viewer",
  presets: [window.SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: null,
});
