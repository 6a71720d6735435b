"""The root over HTTP: what this installation offers, and where somebody who signed in may go."""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from estafette.http.limiter import limits_of
from estafette.http.pages import as_texts
from estafette.http.shell import Group, Link, Shell, query_of, reader_of, render
from estafette.http.texts import N_, Reader, gettext, read_by
from estafette.http.trace import trace_of

ABOUT_API = N_("Read the reference and try every call.")
ABOUT_SANDBOX = N_("Outcomes on demand, and deliveries moved by hand.")


class Offer(NamedTuple):
    """An API of this installation: the path or URL of its page, and its name."""

    path: str
    name: str


class Guest(NamedTuple):
    """Somebody who signed in: their name, where they may go, and how they read."""

    name: str
    places: Sequence[Link]
    reader: Reader


Greet = Callable[[Request], Awaitable[Guest | None]]
"""Finds who comes; None where nobody has signed in."""


async def _nobody(_: Request) -> Guest | None:
    return None


def build(offers: Sequence[Offer], *, sign_in: str = "", greet: Greet = _nobody) -> Route:
    """Returns the page at `/`, which lists `offers`; it raises RateLimited.

    `sign_in` is the path where people sign in, "" where nobody can. `greet` finds who comes.
    """

    async def home(request: Request) -> Response:
        trace_of(request.scope).route = "/"
        limits_of(request.scope).ask(request.scope)
        guest = await greet(request)
        reader = guest.reader if guest else reader_of(request.scope)
        with read_by(reader):
            groups = _groups(offers, guest)
        reply = render(
            "web/home/templates/home.html",
            reader,
            Shell(query=query_of(request.scope)),
            groups=groups,
            person=guest.name if guest else "",
            sign_in=sign_in,
        )
        return Response(reply.body, reply.status, as_texts(reply.headers))

    return Route("/", home)


def _groups(offers: Sequence[Offer], guest: Guest | None) -> list[Group]:
    apis = [
        Link(one.path, gettext("%(name)s API", name=one.name), "code-xml", about=gettext(ABOUT_API))
        for one in offers
    ]
    sandbox = Link(
        "/sandbox/docs", gettext("Sandbox"), "flask-conical", about=gettext(ABOUT_SANDBOX)
    )
    offered = Group([*apis, sandbox], gettext("For developers"))
    if guest is None:
        return [offered]
    return [Group(guest.places, gettext("Your organisations")), offered]
