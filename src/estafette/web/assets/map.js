// Draws the map of a board: stops, drivers and their names, over the operator's tiles if there are any.
// The map leaves out names for which there is no room; who presses a driver reads the names of all who
// are there. What it shows stands in the lists beside it too. Points come from the page, and move with
// its stream.
import * as gl from "./maplibre.js";
import { groundOf, name } from "./tiles.js";

const NEAR = 12; // pixels around a finger, or a pointer, in which something counts as pressed
const MARK = 40; // pixels of the picture of a driver, two of which are one of the page
const FIT = { padding: { top: 40, right: 110, bottom: 40, left: 40 }, maxZoom: 14 }; // names stand at the right
const LONGEST = 24; // characters of a name on the map

const place = document.getElementById("map");
const said = document.getElementById("map-said");
const words = JSON.parse(place.dataset.words);
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

gl.setWorkerUrl(new URL("./maplibre-worker.js", import.meta.url).href);

export let map = null; // as soon as there is something to draw
let isBegun = false;
let isMoved = false; // by a person
let drivers = new Map(); // by their ids

const points = () => JSON.parse(document.querySelector("#points [data-points]").dataset.points);

const features = (all) => ({
  type: "FeatureCollection",
  features: all.map(({ lon, lat, ...properties }) => ({ type: "Feature", geometry: { type: "Point", coordinates: [lon, lat] }, properties })),
});

const short = (name) => (name.length > LONGEST ? `${name.slice(0, LONGEST - 1)}…` : name);
const marks = () => features([...drivers.values()].map((one) => ({ ...one, label: short(one.name) })));

function style({ stops, track }, ground) {
  return {
    version: 8,
    sources: {
      ...ground.sources,
      stops: { type: "geojson", data: features(stops) },
      drivers: { type: "geojson", data: marks() },
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
      {
        id: "names", // below the drivers: what is above is placed first, and names keep clear of it
        type: "symbol",
        source: "drivers",
        layout: {
          "text-field": ["get", "label"], "text-font": ["sans-serif"], "text-size": 12, "text-max-width": 14,
          "text-variable-anchor": ["left", "right", "top", "bottom"], "text-radial-offset": 1.4, "text-justify": "auto",
          "symbol-sort-key": ["case", ["get", "on"], 0, 1],
        },
        paint: { "text-color": colour("--ink"), "text-halo-color": colour("--sheet"), "text-halo-width": 2 },
      },
      {
        id: "drivers",
        type: "symbol",
        source: "drivers",
        layout: { "icon-image": ["case", ["get", "on"], "on", "off"], "icon-overlap": "always", "symbol-sort-key": ["case", ["get", "on"], 1, 0] },
      },
    ],
  };
}

// Returns the picture of a driver.
function mark(fill) {
  const pen = Object.assign(document.createElement("canvas"), { width: MARK, height: MARK }).getContext("2d");
  for (const [radius, ink] of [[18, "--edge"], [16, "--sheet"], [12, fill]]) {
    pen.fillStyle = colour(ink);
    pen.beginPath();
    pen.arc(MARK / 2, MARK / 2, radius, 0, 2 * Math.PI);
    pen.fill();
  }
  return pen.getImageData(0, 0, MARK, MARK);
}

// Names who is at a place; a name is text, never markup, and leads to the driver's day.
function tellWho(found, at) {
  const list = Object.assign(document.createElement("ul"), { className: "map-who" });
  for (const id of new Set(found.map((one) => one.properties.id).filter((id) => drivers.has(id)))) {
    const link = Object.assign(document.createElement("a"), { dir: "auto", textContent: drivers.get(id).name });
    link.href = document.querySelector(`a[data-driver="${CSS.escape(id)}"]`)?.href ?? "#drivers";
    const line = document.createElement("li");
    line.append(link);
    list.append(line);
  }
  new gl.Popup({ maxWidth: "16rem" }).setLngLat(at).setDOMContent(list).addTo(map);
}

function press({ point: { x, y }, lngLat }) {
  const around = [[x - NEAR, y - NEAR], [x + NEAR, y + NEAR]];
  const who = map.queryRenderedFeatures(around, { layers: ["drivers"] });
  if (who.length) return tellWho(who, lngLat);
  const [stop] = map.queryRenderedFeatures(around, { layers: ["stops"] });
  const row = stop && document.querySelector(`[data-delivery="${CSS.escape(stop.properties.id)}"]`);
  if (row) row.focus();
}

// Begins where the work is: what is far from all else, as with wrong coordinates, is on the map too.
async function begin(found) {
  isBegun = true;
  const ground = await groundOf(gl, place.dataset.tiles);
  place.hidden = false;
  try {
    map = new gl.Map({
      container: place,
      style: style(found, ground),
      bounds: found.frame,
      fitBoundsOptions: FIT,
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      locale: words,
    });
  } catch {
    place.hidden = true;
    said.textContent = words.none; // without WebGL
    return;
  }
  said.hidden = true;
  map.addControl(new gl.NavigationControl({ showCompass: false }));
  name(map, ground.credit);
  map.setMissingStyleImageResolver((id) => map.addImage(id, mark(id === "on" ? "--good-mark" : "--quiet-mark"), { pixelRatio: 2 }));
  map.on("load", draw);
  map.on("click", press);
  map.on("movestart", (event) => { isMoved ||= Boolean(event.originalEvent); });
  for (const layer of ["drivers", "stops"]) {
    map.on("mouseenter", layer, () => { map.getCanvas().style.cursor = "pointer"; });
    map.on("mouseleave", layer, () => { map.getCanvas().style.cursor = ""; });
  }
}

// Whether nothing of the work is seen: it has begun elsewhere, or what was first had wrong coordinates.
function isElsewhere([west, south, east, north]) {
  const seen = map.getBounds();
  return east < seen.getWest() || west > seen.getEast() || north < seen.getSouth() || south > seen.getNorth();
}

const move = () => map?.getSource("drivers")?.setData(marks());

// Shows what the page says now; the map begins with the first point.
function draw() {
  const found = points();
  drivers = new Map(found.drivers.map((one) => [one.id, one]));
  if (isBegun) {
    map?.getSource("stops")?.setData(features(found.stops));
    if (map && found.frame && !isMoved && isElsewhere(found.frame)) map.fitBounds(found.frame, { ...FIT, animate: false });
    return move();
  }
  if (found.frame) begin(found);
  else said.textContent = words.nothing;
}

document.addEventListener("live:changed", draw);
document.addEventListener("live:places", (event) => {
  for (const { id, lon, lat } of JSON.parse(event.detail)) if (drivers.has(id)) Object.assign(drivers.get(id), { lon, lat });
  move();
});
draw();
