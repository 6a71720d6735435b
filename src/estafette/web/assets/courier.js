// Draws the courier and the recipient's area on the tracking page, over the operator's tiles if there
// are any. The map stands in one element, which goes from one rendering of the page to the next.
import * as gl from "./maplibre.js";

gl.setWorkerUrl(new URL("./maplibre-worker.js", import.meta.url).href);

const styled = new Promise((resolve, reject) => {
  const sheet = document.createElement("link");
  sheet.rel = "stylesheet";
  sheet.href = new URL("./maplibre.css", import.meta.url).href;
  sheet.onload = resolve;
  sheet.onerror = reject;
  document.head.append(sheet);
});

const mark = (name) => {
  const element = document.createElement("div");
  element.className = name;
  return new gl.Marker({ element });
};

function framed({ courier, stop }) {
  const box = new gl.LngLatBounds(courier, courier);
  return stop ? box.extend(stop) : box;
}

const FRAME = { padding: 44, maxZoom: 14 };

export class CourierMap {
  constructor() {
    this.element = document.createElement("div");
    this.element.className = "map-inside";
    this.courier = mark("map-courier");
    this.stop = mark("map-stop");
    this.map = null;
  }

  // Shows in `slot` what was found: points as [longitude, latitude]; `stop` may be null.
  async show(slot, found) {
    await styled;
    this.ground ||= slot.dataset.tiles ? (await import("./tiles.js")).groundOf(gl, slot.dataset.tiles) : { sources: {}, layers: [], credit: "" };
    const ground = await this.ground;
    if (!slot.isConnected) return;
    slot.append(this.element);
    slot.hidden = false;
    slot.nextElementSibling.hidden = false;
    if (this.map) {
      this.map.resize();
      const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
      this.map.fitBounds(framed(found), { ...FRAME, duration: still ? 0 : 600 });
    } else {
      this.map = new gl.Map({
        container: this.element,
        style: { version: 8, sources: ground.sources, layers: ground.layers },
        bounds: framed(found),
        fitBoundsOptions: FRAME,
        interactive: false,
        attributionControl: false,
      });
      this.map.addControl(new gl.ScaleControl({ maxWidth: 90 }));
      if (ground.credit) (await import("./tiles.js")).name(this.map, ground.credit);
    }
    if (found.stop) this.stop.setLngLat(found.stop).addTo(this.map);
    this.courier.setLngLat(found.courier).addTo(this.map);
  }

  remove() {
    if (this.map) this.map.remove();
    this.map = null;
    this.element.remove();
  }
}
