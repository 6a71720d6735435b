"""`/widget.js` over HTTP: the script in one file, made of the parts under script/ when we start.

Nothing in it depends on the request: who embeds it says everything in its own tag.
"""

import hashlib
from importlib.resources import files

import orjson
from starlette.routing import Route
from starlette.types import Receive, Scope

from estafette.core.errors import Refusal
from estafette.http.limiter import open_to_all
from estafette.http.plain import method_refused
from estafette.http.refusals import HttpRefusal, MethodRefused
from estafette.http.reply import Header, HttpReply
from estafette.http.request import header_values
from estafette.http.resource import Resource

_PARTS = (
    "texts",
    "words",
    "elements",
    "scheme",
    "json",
    "api",
    "form",
    "quotes",
    "done",
    "widget",
    "placement",
    "start",
)
"""The parts, in the order in which they are read; start.js runs what the others declare."""


def _assembled() -> bytes:
    """Returns the parts within one function, so that they add no names to the page."""
    folder = files("estafette.web.widget") / "script"
    style = orjson.dumps((folder / "widget.css").read_text("utf-8")).decode()
    parts = [(folder / f"{part}.js").read_text("utf-8") for part in _PARTS]
    return "\n".join(
        ['(() => {\n"use strict";', f"const STYLE = {style};", *parts, "})();\n"]
    ).encode()


SCRIPT = _assembled()
"""The script as it is served."""

_ETAG = b'"' + hashlib.sha256(SCRIPT).hexdigest()[:32].encode() + b'"'
_LASTING: tuple[Header, ...] = (
    # The address stays the same over updates: a shop has the new script within ten minutes.
    (b"cache-control", b"public, max-age=600, stale-while-revalidate=86400"),
    (b"etag", _ETAG),
    (b"cross-origin-resource-policy", b"cross-origin"),
    # The script is no secret: with crossorigin="anonymous" a page sees its errors whole.
    (b"access-control-allow-origin", b"*"),
    (b"x-content-type-options", b"nosniff"),
)
_FILE: tuple[Header, ...] = ((b"content-type", b"text/javascript; charset=utf-8"), *_LASTING)


async def _script(scope: Scope, _: Receive) -> HttpReply:
    if _is_known(header_values(scope, b"if-none-match")):
        return HttpReply(304, b"", _LASTING)
    return HttpReply(200, SCRIPT, _FILE)


def _is_known(conditions: list[bytes]) -> bool:
    """Returns whether the browser has this script, by its `If-None-Match` (RFC 9110, 13.1.2)."""
    tags = [tag.strip().removeprefix(b"W/") for tag in b",".join(conditions).split(b",")]
    return _ETAG in tags or tags == [b"*"]


def _refused(refusal: Refusal | HttpRefusal) -> HttpReply:
    if not isinstance(refusal, MethodRefused):
        raise refusal
    return method_refused(refusal)


def build() -> Route:
    """Returns the script at `/widget.js`."""
    return Route("/widget.js", Resource("/widget.js", {"GET": open_to_all(_script)}, _refused))
