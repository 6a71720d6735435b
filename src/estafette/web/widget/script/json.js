// Writing JSON whatever a page's libraries have done to it: old ones give arrays, objects, dates and
// texts a toJSON, or JSON a stringify, that write something else.

const ESCAPED = /["\\\u0000-\u001f\u2028\u2029]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const BORROWED = [Object, Array, String, Number, Boolean, Date];

const quoted = (text) =>
  `"${text.replace(ESCAPED, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)}"`;

// The JSON of a value; undefined for what has none, as a function. Throws TypeError for a cycle.
function written(value, above = []) {
  if (value === null) return "null";
  if (typeof value === "string") return quoted(value);
  if (typeof value === "boolean") return value ? "true" : "false";
  if (typeof value === "number") return Number.isFinite(value) ? `${value}` : "null";
  if (typeof value === "bigint") throw new TypeError("a BigInt cannot be written as JSON");
  if (typeof value !== "object") return undefined;
  if (above.includes(value)) throw new TypeError("an object within itself cannot be written as JSON");
  const inside = [...above, value];
  if (Array.isArray(value)) {
    const cells = [];
    for (let at = 0; at < value.length; at += 1) cells.push(written(value[at], inside) ?? "null");
    return `[${cells.join(",")}]`;
  }
  if (value instanceof Date) return isNaN(value) ? "null" : quoted(value.toISOString());
  if (value instanceof String || value instanceof Number || value instanceof Boolean) {
    return written(value.valueOf(), inside);
  }
  const own = value.toJSON; // that of a class of its own says how it is written
  if (typeof own === "function" && BORROWED.every(({ prototype }) => prototype.toJSON !== own)) {
    return written(own.call(value), inside);
  }
  const fields = [];
  for (const name of Object.keys(value)) {
    const text = written(value[name], inside);
    if (text !== undefined) fields.push(`${quoted(name)}:${text}`);
  }
  return `{${fields.join(",")}}`;
}
