// Fills in where the reader is, when the reader asks for it. The form works without it.
(() => {
  "use strict";
  const WAIT = 20000; // milliseconds
  const button = document.getElementById("here");
  const told = document.getElementById("told");
  const point = document.getElementById("point");
  if (!button || !navigator.geolocation || !isSecureContext) return;
  const tell = (text) => { told.textContent = text; told.hidden = false; };
  button.hidden = false;
  button.addEventListener("click", () => {
    tell(button.dataset.asking);
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        point.value = `${coords.latitude.toFixed(6)}, ${coords.longitude.toFixed(6)}`;
        tell(button.dataset.found.replace("{metres}", String(Math.round(coords.accuracy))));
      },
      () => tell(button.dataset.denied),
      { enableHighAccuracy: true, timeout: WAIT, maximumAge: 0 },
    );
  });
})();
