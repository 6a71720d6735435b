"""The root over HTTP: one small page, and a plain answer for paths that nobody serves."""

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from estafette.http.limiter import limits_of
from estafette.http.pages import PACKAGE, as_texts, page_headers, template
from estafette.http.trace import trace_of


class HomeLink(NamedTuple):
    """Somewhere to go from here: a path or a URL, its name, and what is there."""

    path: str
    name: str
    about: str


def build(places: Sequence[HomeLink]) -> Route:
    """Returns the page at `/`, which lists `places`; it raises RateLimited."""
    style = (PACKAGE / "web/home/templates/home.css").read_text("utf-8")
    html = template("web/home/templates/home.html").render(places=places, style=style).encode()
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    headers = as_texts(page_headers(style=f"'sha256-{digest}'"))

    async def home(request: Request) -> Response:
        trace_of(request.scope).route = "/"
        limits_of(request.scope).ask(request.scope)
        return Response(html, headers=headers)

    return Route("/", home)
