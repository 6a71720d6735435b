"""The root over HTTP: what this installation offers, and where somebody who signed in may go."""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from estafette.core.people.organisation import OrganisationKind
from estafette.http.limiter import limits_of
from estafette.http.pages import as_texts
from estafette.http.reply import NO_STORE
from estafette.http.shell import Group, Link, Shell, query_of, reader_of, render
from estafette.http.texts import N_, gettext, read_by
from estafette.http.trace import trace_of
from estafette.usecases.people.sessions import Stage
from estafette.web.people.words import role_name
from estafette.web.visit import Visit

ABOUT_API = N_("Read the reference and try every call.")
ABOUT_SANDBOX = N_("Outcomes on demand, and deliveries moved by hand.")


class Offer(NamedTuple):
    """An API of this installation: the path or URL of its page, and its name."""

    path: str
    name: str


Known = Callable[[Request], Awaitable[Visit | None]]
"""Returns the visit of whoever has signed in; None where nobody has."""


async def _nobody(_: Request) -> Visit | None:
    return None


def build(offers: Sequence[Offer], known: Known = _nobody) -> Route:
    """Returns the page at `/`, which lists `offers`; it raises RateLimited.

    `known` finds who comes: they are led to their organisations.
    """

    async def home(request: Request) -> Response:
        trace_of(request.scope).route = "/"
        limits_of(request.scope).ask(request.scope)
        visit = await known(request)
        if visit is not None and visit.session.stage is not Stage.OPEN:
            visit = None
        reader = visit.reader if visit else reader_of(request.scope)
        with read_by(reader):
            groups = _groups(offers, visit)
        reply = render(
            "web/home/templates/home.html",
            reader,
            Shell(query=query_of(request.scope)),
            groups=groups,
            person=visit.person.name if visit else "",
            headers=(NO_STORE, (b"vary", b"cookie, accept-language")),
        )
        return Response(reply.body, reply.status, as_texts(reply.headers))

    return Route("/", home)


def _groups(offers: Sequence[Offer], visit: Visit | None) -> list[Group]:
    apis = [
        Link(one.path, gettext("%(name)s API", name=one.name), "code-xml", about=gettext(ABOUT_API))
        for one in offers
    ]
    sandbox = Link(
        "/sandbox/docs", gettext("Sandbox"), "flask-conical", about=gettext(ABOUT_SANDBOX)
    )
    offered = Group([*apis, sandbox], gettext("For developers"))
    if visit is None:
        return [offered]
    doors = [
        Link(
            door.path,
            door.name,
            "building-2" if door.organisation.kind is OrganisationKind.PLATFORM else "store",
            about=role_name(door.role),
        )
        for door in visit.doors
    ]
    return [Group(doors, gettext("Your organisations")), offered]
