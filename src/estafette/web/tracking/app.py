"""The tracking page over HTTP: the page, its stream of updates, its files, and its refusals."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from estafette.core.deliveries.delivery import FINAL
from estafette.core.errors import Busy, Unavailable
from estafette.http.events import HEARTBEAT_SECONDS
from estafette.http.files import FOR_EVER
from estafette.http.limiter import caller, limits_of
from estafette.http.pages import as_texts
from estafette.http.refusals import PathUnknown, RateLimited
from estafette.http.trace import trace_of
from estafette.usecases.accounts import logo
from estafette.usecases.deliveries import places, tracking
from estafette.usecases.deliveries.reschedule import reschedule
from estafette.usecases.deliveries.tracking import TrackedDelivery
from estafette.usecases.fleet.approach import approaches
from estafette.usecases.platform import Platform
from estafette.web.live.stream import EventStream, with_streams
from estafette.web.tiles import path_of
from estafette.web.tracking import language, render
from estafette.web.tracking.forms import Asked, RecipientForm, serve
from estafette.web.tracking.grounds import (
    CLINGING,
    GUARDS,
    LONGEST_LINK,
    PRIVATE,
    expired,
    html_of,
    links_of,
    parameter,
    put_off,
    refuse,
    stumble,
    texts_of,
    written_id,
)
from estafette.web.tracking.live import Watched
from estafette.web.tracking.render import FILES, Links
from estafette.web.tracking.stream import stream
from estafette.web.tracking.texts import LANGUAGES
from estafette.web.tracking.view import present
from estafette.web.tracking.when import Reschedule, WhenForm
from estafette.web.tracking.where import Say, WhereForm

PublicId = Callable[[str], UUID | None]
"""Reads an id as any dialect writes it; None when none does."""

_PAGE = "/{public_id}"
_STREAM = f"{_PAGE}/events"  # open for as long as the page is: measured separately
_MANIFEST = f"{_PAGE}/page.webmanifest"
_LONGEST_ID = 100
_DIGEST = re.compile(r"[0-9a-f]{32}")
_COLOUR = re.compile(r"[0-9a-f]{6}")


def _now() -> datetime:
    return datetime.now(UTC)


Logo = Callable[[str, str], Awaitable[bytes | None]]
"""Finds a logo by its digest, for a client address as it is counted by limits."""


async def _no_logo(_digest: str, _visitor: str) -> bytes | None:
    return None


Find = Callable[[UUID, str], Awaitable[TrackedDelivery | None]]
"""Finds a delivery by its id, for a client address as it is counted by limits."""


class TrackingPages(Starlette):
    """The tracking pages as one application, to be mounted anywhere (at `/track`).

    `track` reads a delivery by its id, `watched` reads it again when it has changed, `public_id`
    parses the id in a path, and `clock` gives the time by which "today" is meant. A stream sends
    something at least every `heartbeat` seconds. `origin` is where the world reaches us, without a
    slash at the end; `logo` gives the picture of a digest, `tiles` the path of those of maps.
    """

    def __init__(
        self,
        track: Find,
        watched: Watched,
        *,
        public_id: PublicId,
        clock: Callable[[], datetime] = _now,
        heartbeat: float = HEARTBEAT_SECONDS,
        origin: str = "",
        logo: Logo = _no_logo,
        say: Say | None = None,
        tiles: Callable[[], str | None] = lambda: None,
        reschedule: Reschedule | None = None,
    ) -> None:
        self._tiles = tiles
        self._origin = origin
        self._logo_of = logo
        self._forms: dict[str, RecipientForm] = {}
        if say is not None:
            self._forms["where"] = WhereForm(say)
        if reschedule is not None:
            self._forms["when"] = WhenForm(reschedule)
        self._track = track
        self._watched = watched
        self._parse = public_id
        self._clock = clock
        self._heartbeat = heartbeat
        super().__init__(
            routes=[
                Route("/static/{edition}/{name}", _file),
                Route("/worker.js", _worker),
                Route("/logo/{digest}.webp", self._logo),
                Route("/colour/{colour}.css", _colours),
                Route(_MANIFEST, self._manifest),
                Route(_PAGE, self._page),
                Route(_STREAM, self._events),
                *(
                    Route(f"{_PAGE}/{name}", partial(self._form, name), methods=["GET", "POST"])
                    for name in ("where", "when")
                ),
                Route(f"{_PAGE}/{{end:path}}", self._page),  # a redirect would lead out of TLS
            ],
            exception_handlers={
                HTTPException: refuse,
                Busy: put_off,
                Unavailable: put_off,
                500: stumble,
            },
        )
        self.router.redirect_slashes = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves a request; its streams run apart from it."""
        await with_streams(super().__call__, scope, receive, send)

    @property
    def watched(self) -> Watched:
        """The open streams and what they watch."""
        return self._watched

    async def close_streams(self) -> None:
        """Ends every open stream and accepts no more.

        The caller calls this as soon as the process is to end: a server that waits until its
        connections have finished would otherwise wait for streams that never end.
        """
        await self._watched.close()

    async def _find(self, request: Request) -> tuple[TrackedDelivery, Links]:
        """Returns the delivery of a path, and its pages; malformed and unknown ids refuse alike."""
        _admit(request)
        text, id = self._read(written_id(request))
        delivery = await self._track(id, caller(request.scope)) if id is not None else None
        if delivery is None:
            raise HTTPException(404)
        links = links_of(request, text, self._origin)
        return delivery, replace(links, tiles=self._tiles())

    def _read(self, written: str) -> tuple[str, UUID | None]:
        """Returns the id of an address, as a dialect writes it and as it is read, if it is one.

        A link that came in capitals is read in small letters where that is what a dialect writes.
        """
        if len(written) > _LONGEST_ID:
            return written, None
        small = written.lower()
        exact, folded = self._parse(written), self._parse(small)
        if exact is None or exact == folded:
            return small, folded
        return written, exact

    async def _page(self, request: Request) -> Response:
        _measure(request, _PAGE)
        if CLINGING.sub("", request.path_params.get("end", "")[:LONGEST_LINK]):
            raise HTTPException(404)
        delivery, links = await self._find(request)
        texts = texts_of(request, language.of_market(delivery.market, LANGUAGES))
        if delivery.is_erased:
            return expired(texts, links, delivery)
        html = render.page(present(delivery, texts, self._clock()), links)
        return html_of(html, texts)

    async def _events(self, request: Request) -> Response:
        _measure(request, _STREAM)
        delivery, links = await self._find(request)
        texts = texts_of(request, language.of_market(delivery.market, LANGUAGES))
        if delivery.is_erased:
            return Response(status_code=204, headers=PRIVATE)  # tells EventSource to stay away

        def rendered(latest: TrackedDelivery) -> tuple[str, str]:
            return render.fragment(present(latest, texts, self._clock()), links)

        seen = request.headers.get("last-event-id") or parameter(request, "seen")
        if delivery.status in FINAL and rendered(delivery)[1] == seen:
            return Response(status_code=204, headers=PRIVATE)  # tells EventSource to stay away
        if request.method == "HEAD":
            return Response(media_type=EventStream.media_type, headers=PRIVATE)
        return stream(
            self._watched,
            delivery,
            rendered,
            seen=seen,
            headers=PRIVATE,
            heartbeat=self._heartbeat,
        )

    async def _form(self, name: str, request: Request) -> Response:
        """Shows a form of the recipient, or does what was filled in."""
        _measure(request, f"{_PAGE}/{name}")
        delivery, links = await self._find(request)
        texts = texts_of(request, language.of_market(delivery.market, LANGUAGES))
        if delivery.is_erased:
            return expired(texts, links, delivery)
        asked = Asked(delivery, texts, links, self._clock(), caller(request.scope))
        return await serve(self._forms.get(name), request, asked)

    async def _manifest(self, request: Request) -> Response:
        _measure(request, _MANIFEST)
        _admit(request)
        text, id = self._read(written_id(request))
        if id is None:
            raise HTTPException(404)
        texts = texts_of(request, language.DEFAULT)
        body = render.manifest(texts, links_of(request, text, self._origin))
        return Response(body, media_type="application/manifest+json", headers=PRIVATE)

    async def _logo(self, request: Request) -> Response:
        _measure(request, "/logo/{digest}.webp")
        _admit(request)
        digest = str(request.path_params["digest"])
        found = None
        if _DIGEST.fullmatch(digest):
            found = await self._logo_of(digest, caller(request.scope))
        if found is None:
            raise HTTPException(404)
        headers = GUARDS | {"Cache-Control": FOR_EVER}
        return Response(found, media_type="image/webp", headers=headers)


def build(platform: Platform, *, public_id: PublicId, streams: int = 2000) -> TrackingPages:
    """Returns the tracking pages over `platform`.

    `public_id` parses a delivery's public id, in any dialect's form, and returns None for
    anything else. At most `streams` readers are told of news at the same time. The caller mounts
    the result and calls its `close_streams` at shutdown.
    """
    track = partial(tracking.track, platform)
    watched = Watched(
        track,
        partial(tracking.versions, platform),
        approaches=partial(approaches, platform),
        most=streams,
    )
    return TrackingPages(
        track,
        watched,
        public_id=public_id,
        origin=platform.public_url,
        logo=partial(logo.logo, platform),
        say=partial(places.say_where, platform),
        tiles=partial(path_of, platform),
        reschedule=partial(reschedule, platform),
    )


def _measure(request: Request, route: str) -> None:
    """Lets a request be measured under the template of its path."""
    trace_of(request.scope).route = f"{request.scope.get('root_path', '')}{route}"


def _admit(request: Request) -> None:
    """Counts a request by its address, and refuses it after too many."""
    try:
        limits_of(request.scope).ask(request.scope)
    except RateLimited as refusal:
        raise HTTPException(429, headers={"Retry-After": str(refusal.retry_after)}) from None


async def _file(request: Request) -> Response:
    _admit(request)
    given = request.path_params
    try:
        reply = FILES.reply(request.scope, given["name"], given["edition"])
    except PathUnknown:
        raise HTTPException(404) from None
    return Response(reply.body, headers=GUARDS | as_texts(reply.headers))


async def _worker(request: Request) -> Response:
    _admit(request)
    headers = GUARDS | {"Cache-Control": "no-cache"}
    return Response(render.worker(), media_type="text/javascript; charset=utf-8", headers=headers)


async def _colours(request: Request) -> Response:
    _measure(request, "/colour/{colour}.css")
    _admit(request)
    colour = str(request.path_params["colour"])
    if not _COLOUR.fullmatch(colour):
        raise HTTPException(404)
    headers = GUARDS | {"Cache-Control": FOR_EVER}
    return Response(render.colours(colour), media_type="text/css; charset=utf-8", headers=headers)
