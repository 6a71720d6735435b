// The ground of a map: the operator's tiles, where there are any, in a small style of our own. They are
// one file, of which parts are read (web/tiles.py). Names are set in fonts of the reader's device.

const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
const INK = isDark
  ? { land: "#1b2233", green: "#1f2f2c", water: "#16304a", road: "#39425a", major: "#56607c", building: "#262f45", edge: "#6b7594", name: "#c9d2e8", halo: "#141a29" }
  : { land: "#f1efe9", green: "#dcebd5", water: "#b9d9ee", road: "#ffffff", major: "#f3d9a4", building: "#e2ddd3", edge: "#a79fb4", name: "#3b4256", halo: "#ffffff" };

// What a layer of the file is drawn as, by the names of the two schemas that extracts mostly have.
const FILLS = { earth: "land", land: "land", landcover: "green", landuse: "green", park: "green", water: "water", building: "building", buildings: "building" };
const LINES = { water: "water", waterway: "water", waterways: "water", roads: "road", transportation: "road", boundary: "edge", boundaries: "edge" };
const NAMES = ["places", "place"];
const GREEN = ["park", "wood", "forest", "grass", "grassland", "garden", "nature_reserve", "cemetery", "scrub", "farmland", "meadow"];
const MAJOR = ["highway", "major_road", "medium_road", "motorway", "trunk", "primary", "secondary"];

const kind = ["coalesce", ["get", "kind"], ["get", "class"], ""];
const isMajor = ["in", kind, ["literal", MAJOR]];
const byZoom = (...stops) => ["interpolate", ["exponential", 1.5], ["zoom"], ...stops];

function fill(id, ink) {
  const filter = ["all", ["==", ["geometry-type"], "Polygon"]];
  if (ink === "green") filter.push(["in", kind, ["literal", GREEN]]);
  const layer = { id: `${id}-fill`, type: "fill", source: "tiles", "source-layer": id, filter, paint: { "fill-color": INK[ink] } };
  if (ink === "building") layer.minzoom = 13;
  return layer;
}

function line(id, ink) {
  const paint = { "line-color": INK[ink], "line-width": byZoom(6, 0.5, 16, 3) };
  if (ink === "road") {
    paint["line-color"] = ["case", isMajor, INK.major, INK.road];
    paint["line-width"] = byZoom(6, ["case", isMajor, 0.8, 0.1], 12, ["case", isMajor, 2.5, 0.8], 18, ["case", isMajor, 18, 12]);
  }
  if (ink === "edge") paint["line-dasharray"] = [3, 2];
  return { id: `${id}-line`, type: "line", source: "tiles", "source-layer": id, filter: ["==", ["geometry-type"], "LineString"], layout: { "line-cap": "round", "line-join": "round" }, paint };
}

function names(id) {
  const own = document.documentElement.lang;
  return {
    id: `${id}-names`, type: "symbol", source: "tiles", "source-layer": id,
    layout: { "text-field": ["coalesce", ["get", `name:${own}`], ["get", "name"], ""], "text-font": ["sans-serif"], "text-size": byZoom(6, 11, 14, 15), "text-max-width": 8 },
    paint: { "text-color": INK.name, "text-halo-color": INK.halo, "text-halo-width": 1.5 },
  };
}

function layersOf(listed) {
  const drawn = (which, draw) => Object.entries(which).filter(([id]) => listed.includes(id)).map(([id, ink]) => draw(id, ink));
  return [...drawn(FILLS, fill), ...drawn(LINES, line), ...NAMES.filter((id) => listed.includes(id)).map(names)];
}

const RASTER = [2, 3, 4, 5]; // kinds of tiles in the file's header: pictures; 1 is vectors

let loaded = null;

// Has what reads the file, which is no module.
function reader() {
  loaded ??= new Promise((done, fail) => {
    const script = document.createElement("script");
    script.src = new URL("./pmtiles.js", import.meta.url).href;
    script.onload = () => done(globalThis.pmtiles);
    script.onerror = () => { loaded = null; fail(new Error("pmtiles.js")); };
    document.head.append(script);
  });
  return loaded;
}

// Returns the sources and layers of the tiles at a path, and who has to be named for them; nothing of
// it where they cannot be had: a map without ground still shows what it is for.
export async function groundOf(gl, path) {
  const none = { sources: {}, layers: [], credit: "" };
  if (!path) return none;
  try {
    const { PMTiles, Protocol } = await reader();
    const file = new PMTiles(new URL(path, location.href).href);
    const [head, about] = await Promise.all([file.getHeader(), file.getMetadata()]);
    const protocol = new Protocol();
    protocol.add(file);
    gl.addProtocol("pmtiles", protocol.tile);
    const isRaster = RASTER.includes(head.tileType);
    const source = { type: isRaster ? "raster" : "vector", url: `pmtiles://${file.source.getKey()}` };
    if (isRaster) source.tileSize = 256;
    const listed = (about.vector_layers || []).map((one) => one.id);
    const dim = isDark ? { "raster-brightness-max": 0.7, "raster-saturation": -0.3 } : {};
    const layers = isRaster ? [{ id: "tiles", type: "raster", source: "tiles", paint: dim }]
      : [{ id: "tiles-land", type: "background", paint: { "background-color": INK.land } }, ...layersOf(listed)];
    return { sources: { tiles: source }, layers, credit: textOf(about.attribution || "") };
  } catch {
    return none;
  }
}

// The file's own words, which may be a page's: their text alone.
const textOf = (html) => new DOMParser().parseFromString(String(html), "text/html").body.textContent.trim().slice(0, 200);

// Says on a map who made its ground.
export function name(map, credit) {
  if (!credit) return;
  const line = Object.assign(document.createElement("div"), { className: "map-credit", dir: "auto" });
  line.textContent = credit;
  map.getContainer().append(line);
}
