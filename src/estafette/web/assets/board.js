// On a board, the time that is left to answer an offer is counted down, and a delivery that is dragged
// onto a driver is given to that driver: by the same form as with a tick, a choice and a button, which
// do the same by keyboard.
"use strict";
{
  const form = () => document.getElementById("assign");

  function give(delivery, driver) {
    const sent = form();
    if (!sent) return;
    const boxes = [...sent.querySelectorAll("[name=delivery]")];
    const own = boxes.find((box) => box.dataset.delivery === delivery);
    if (!own) return;
    // One of those that are ticked takes them all along; another goes alone.
    if (!own.checked) for (const box of boxes) box.checked = box === own;
    sent.querySelector("[name=driver]").value = driver;
    sent.requestSubmit(sent.querySelector("[name=do][value=assign]"));
  }

  document.addEventListener("dragstart", (event) => {
    const row = event.target.closest?.("[data-delivery]")?.closest("tr");
    if (!row) return;
    event.dataTransfer.setData("text/x-delivery", row.querySelector("[data-delivery]").dataset.delivery);
    event.dataTransfer.effectAllowed = "move";
  });
  const over = (event) => event.target.closest?.("#drivers tr")?.querySelector("[data-driver]");
  document.addEventListener("dragover", (event) => {
    if (event.dataTransfer.types.includes("text/x-delivery") && over(event)) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    const driver = over(event);
    const delivery = event.dataTransfer.getData("text/x-delivery");
    if (!driver || !delivery) return;
    event.preventDefault();
    give(delivery, driver.dataset.driver);
  });

  const ends = new WeakMap(); // by this page's own clock, which need not be right
  function countDown() {
    for (const shown of document.querySelectorAll("[data-left]")) {
      if (!ends.has(shown)) ends.set(shown, performance.now() + 1000 * shown.dataset.left);
      const left = Math.max(Math.round((ends.get(shown) - performance.now()) / 1000), 0);
      shown.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    }
  }
  countDown();
  setInterval(countDown, 1000);
}
