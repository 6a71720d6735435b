"""The root over HTTP: one small page, and a plain answer for paths that nobody serves."""

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from importlib.resources import files
from typing import NamedTuple

from jinja2 import Environment, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from estafette.http.limiter import limits_of
from estafette.http.trace import trace_of


class Place(NamedTuple):
    """Somewhere to go from here: a path or a URL, its name, and what is there."""

    path: str
    name: str
    about: str


def build(places: Sequence[Place]) -> Route:
    """Returns the page at `/`, which lists `places`; it raises RateLimited."""
    templates = files("estafette.web.home") / "templates"
    style = (templates / "home.css").read_text("utf-8")
    page = Environment(autoescape=True, undefined=StrictUndefined).from_string(
        (templates / "home.html").read_text("utf-8")
    )
    html = page.render(places=places, style=style)
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    headers = {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none';"
            " form-action 'none'; frame-ancestors 'none'"
        ),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-cache",
    }

    async def home(request: Request) -> Response:
        trace_of(request.scope).route = "/"
        limits_of(request.scope).ask(request.scope)
        return HTMLResponse(html, headers=headers)

    return Route("/", home)
