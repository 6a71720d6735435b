// Draws the map of a board: stops and drivers, over the operator's tiles if there are any. What it shows
// stands in the lists beside it too. Points come from the page, and move with its stream.
import * as gl from "./maplibre.js";
import { groundOf, name } from "./tiles.js";

const place = document.getElementById("map");
const words = JSON.parse(place.dataset.words);
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

gl.setWorkerUrl(new URL("./maplibre-worker.js", import.meta.url).href);

const points = () => JSON.parse(document.querySelector("#points [data-points]").dataset.points);

const features = (stops) => ({
  type: "FeatureCollection",
  features: stops.map((one) => ({
    type: "Feature",
    geometry: { type: "Point", coordinates: [one.lon, one.lat] },
    properties: { id: one.id, kind: one.kind, state: one.state, name: one.name },
  })),
});

function style(stops, track, ground) {
  return {
    version: 8,
    sources: {
      ...ground.sources,
      stops: { type: "geojson", data: features(stops) },
      track: { type: "geojson", data: { type: "Feature", properties: {}, geometry: { type: "LineString", coordinates: track } } },
    },
    layers: [
      { id: "ground", type: "background", paint: { "background-color": colour("--sunk") } },
      ...ground.layers,
      { id: "track", type: "line", source: "track", paint: { "line-color": colour("--accent"), "line-width": 3 } },
      {
        id: "stops",
        type: "circle",
        source: "stops",
        paint: {
          "circle-radius": ["match", ["get", "kind"], "pickup", 5, 7],
          "circle-color": ["match", ["get", "state"], "stalled", colour("--bad-mark"), "nobody", colour("--warning-mark"), colour("--info-mark")],
          "circle-stroke-width": 2,
          "circle-stroke-color": colour("--sheet"),
        },
      },
    ],
  };
}

const drivers = new Map(); // id → { marker, element }

// Puts a driver where the position says; a name is text, never markup.
function drive(map, one) {
  let known = drivers.get(one.id);
  if (!known) {
    const element = document.createElement("div");
    element.className = "map-driver";
    element.append(Object.assign(document.createElement("span"), { dir: "auto" }));
    const marker = new gl.Marker({ element }).setLngLat([one.lon, one.lat]).addTo(map);
    drivers.set(one.id, (known = { marker, element }));
  }
  known.marker.setLngLat([one.lon, one.lat]);
  if (one.name !== undefined) known.element.firstChild.textContent = one.name;
  if (one.on !== undefined) known.element.classList.toggle("off", !one.on);
}

function bounds(found) {
  const box = new gl.LngLatBounds();
  for (const one of [...found.stops, ...found.drivers]) box.extend([one.lon, one.lat]);
  for (const place of found.track) box.extend(place);
  return box;
}

const found = points();
const box = bounds(found);
if (box.isEmpty()) {
  document.getElementById("map-said").textContent = words.nothing;
} else {
  const ground = await groundOf(gl, place.dataset.tiles);
  const map = new gl.Map({
    container: place,
    style: style(found.stops, found.track, ground),
    bounds: box,
    fitBoundsOptions: { padding: 40, maxZoom: 14 },
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    locale: words,
  });
  map.addControl(new gl.NavigationControl({ showCompass: false }));
  name(map, ground.credit);
  document.getElementById("map-said").hidden = true;
  for (const one of found.drivers) drive(map, one);

  map.on("click", "stops", (event) => {
    const { id } = event.features[0].properties;
    const row = document.querySelector(`[data-delivery="${CSS.escape(id)}"]`);
    if (row) row.focus();
  });
  document.addEventListener("live:changed", () => {
    const now = points();
    const source = map.getSource("stops");
    if (source) source.setData(features(now.stops));
    for (const one of now.drivers) drive(map, one);
  });
  document.addEventListener("live:places", (event) => {
    for (const one of JSON.parse(event.detail)) if (drivers.has(one.id)) drive(map, one);
  });
}
