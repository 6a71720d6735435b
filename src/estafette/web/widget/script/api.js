// Asking Entrega's widget API. Whatever goes wrong is a Problem with a code for the page.

// Below the server's address: where Entrega is mounted, and its paths for pages.
const ENTREGA = "v1/widget";

const WAIT_MS = 30_000;

class Problem extends Error {
  // `code` is the API's own where it has one; `fields` are {field, reason}; `status` 0: no answer;
  // `wait` are the seconds after which it may be tried again, NaN where that is not told.
  constructor(code, message, status = 0, fields = [], wait = NaN) {
    super(message);
    Object.assign(this, { code, status, fields, wait });
  }

  // Whether the request may have been carried out all the same.
  get isInDoubt() {
    return this.code === "network" || this.status >= 500;
  }

  get detail() {
    return { code: this.code, status: this.status, message: this.message, fields: this.fields };
  }
}

const CODES = {
  401: "unauthorized",
  403: "forbidden",
  404: "not_found",
  409: "conflict",
  422: "invalid",
  429: "rate_limited",
  502: "upstream_failed",
  503: "unavailable",
};

class Api {
  #reached = false;

  // `base` is the address of the server that gave this script, with a slash at the end.
  constructor(base, key) {
    Object.assign(this, { base, key });
  }

  couriers() {
    return this.#ask("GET", "couriers");
  }

  quotes(route) {
    return this.#ask("POST", "quotes", route);
  }

  create(order, idempotencyKey) {
    return this.#ask("POST", "deliveries", order, { "Idempotency-Key": idempotencyKey });
  }

  delivery(id) {
    return this.#ask("GET", `deliveries/${encodeURIComponent(id)}`);
  }

  async #ask(method, path, value, headers = {}) {
    const body = value && written(value);
    const response = await this.#send(method, path, body, headers);
    const told = await response.json().catch(() => null);
    if (response.ok && told) return told.data;
    if (response.ok) throw new Problem("network", "the answer broke off");
    const message = told?.detail ?? `HTTP ${response.status}`;
    const code = told?.error ?? CODES[response.status] ?? "unexpected";
    const wait = parseInt(response.headers.get("Retry-After"), 10);
    throw new Problem(code, message, response.status, told?.errors ?? [], wait);
  }

  async #send(method, path, body, headers) {
    try {
      return await this.#fetch(method, path, body, headers);
    } catch (error) {
      // A browser tells a page no more than "failed", be it the network or an untrusted origin.
      if (this.#reached || !(await this.#isThere())) throw new Problem("network", String(error));
    }
    try {
      return await this.#fetch(method, path, body, headers);
    } catch {
      const told = `the account of this key does not trust the origin ${location.origin}`;
      throw new Problem("untrusted_origin", told, 403);
    }
  }

  async #fetch(method, path, body, headers) {
    // A text, since what wraps or stands in for fetch may not know URL objects.
    const response = await fetch(new URL(`${ENTREGA}/${path}`, this.base).href, {
      method,
      headers: {
        Authorization: `Bearer ${this.key}`,
        ...(body && { "Content-Type": "application/json" }),
        ...headers,
      },
      body,
      cache: "no-store",
      credentials: "omit",
      signal: AbortSignal.timeout(WAIT_MS),
    });
    this.#reached = true;
    return response;
  }

  // Whether the server answers at all: without reading the answer, any page may ask.
  async #isThere() {
    const wanted = { method: "HEAD", mode: "no-cors", cache: "no-store", credentials: "omit" };
    const signal = AbortSignal.timeout(WAIT_MS);
    return fetch(new URL("widget.js", this.base).href, { ...wanted, signal }).then(
      () => true,
      () => false,
    );
  }
}

// A key of 128 random bits; crypto.randomUUID is missing on pages without TLS.
function randomKey() {
  let key = "";
  for (const byte of crypto.getRandomValues(new Uint8Array(16))) {
    key += byte.toString(16).padStart(2, "0");
  }
  return key;
}
