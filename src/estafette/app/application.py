"""Builds the HTTP side: every dialect, the pages beside them, and the layer that watches all."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import structlog
from prometheus_client import REGISTRY, CollectorRegistry
from starlette.types import ASGIApp

from estafette import health
from estafette.app import APIS, reader_of_ids
from estafette.core.deliveries.dialect import event_types
from estafette.couriers import entrega, sandbox
from estafette.dialects import DialectRecord, changelog
from estafette.http import assets, plain
from estafette.http.address import ClientAddresses
from estafette.http.fallback import Fallback, plain_words
from estafette.http.limiter import AddressLimits, PersonLimits, RateLimiter
from estafette.http.mounts import Mount, Mounted, Mounts
from estafette.http.observe import Observer
from estafette.http.pages import ASSETS_PREFIX
from estafette.metrics import CourierMetrics, RequestMetrics
from estafette.usecases.accounts.request_log import RequestLog
from estafette.usecases.deliveries.create import Creator
from estafette.usecases.platform import Platform
from estafette.web import driver, files, home, tiles, tracking, widget
from estafette.web.app import PREFIXES, PeoplePages
from estafette.web.console.by_hand import ByHand
from estafette.web.developers import Spoken
from estafette.web.developers import addresses as addresses_of_webhooks
from estafette.web.people.provider import Provider

_OF_PERSON_PER_SECOND = 20
"""How many pages a person who signed in may ask for a second, in the long run."""


@dataclass(frozen=True)
class Application:
    """The server's application, and the functions to call when the process is to end."""

    asgi: ASGIApp
    fallback: Fallback
    pages: tracking.TrackingPages
    people: PeoplePages
    requests: RequestLog

    def look(self) -> None:
        """Has open pages of people learn soon what has changed, because a signal said so."""
        self.people.following.wake()

    async def close_streams(self) -> None:
        """Ends every open stream and accepts no more, because the process is to end."""
        await self.pages.close_streams()
        await self.people.following.close()


def build(
    platform: Platform,
    dialects: Sequence[DialectRecord],
    *,
    processes: int = 1,
    registry: CollectorRegistry = REGISTRY,
    addresses: ClientAddresses | None = None,
    limits: AddressLimits | None = None,
    streams: int = 2000,
    metrics_token: str | None = None,
    provider: Provider | None = None,
    sends_letters: bool = False,
) -> Application:
    """Returns the whole HTTP side over `platform`, which speaks `dialects`.

    `processes` share each key's rate limit. Requests are measured in `registry`. `addresses` finds
    the callers' addresses; without it no proxy is trusted. `limits` are those of callers without a
    key; without them such callers, and people who signed in, are not limited. At most `streams`
    tracking pages, and as many of people who signed in, are kept up to date at the same time.
    `/metrics` needs `metrics_token`. People may also sign in at `provider`. `sends_letters` is
    whether e-mails reach people. Raises ValueError where two dialects are mounted at one place.
    """
    platform = replace(platform, observe_courier=CourierMetrics(registry).observe)
    limiter = RateLimiter(processes)
    of_person = PersonLimits(_OF_PERSON_PER_SECOND, processes) if limits else None
    pages = tracking.build(platform, public_id=reader_of_ids(dialects), streams=streams)
    people = PeoplePages(
        platform, of_person, provider, sends_letters=sends_letters, streams=streams
    )
    people.starlette.state.by_hand = _by_hand(dialects)
    people.starlette.state.spoken = _spoken(platform.public_url, dialects)
    ids = {one.name: one.ids.delivery for one in dialects}
    drivers = driver.DriverPages(platform, ids, of_person, processes=processes)
    served = [
        *_dialects(platform, dialects, limiter),
        *_apis(platform, limiter),
        *(Mounted(Mount(prefix), people, plain_words) for prefix in PREFIXES),
        Mounted(Mount(driver.PREFIX), drivers, plain_words),
        Mounted(Mount("/track"), pages, plain_words),
        *_besides(platform, dialects, limiter),
    ]
    rest = plain.application(
        [
            home.build(_offers(platform.public_url, dialects), people.known),
            widget.build(),
            addresses_of_webhooks.build(platform),
            *health.routes(platform, metrics_token),
        ]
    )
    mounts = Mounts(platform.public_url, served, otherwise=rest)
    requests = RequestLog(platform.pool)
    observer = Observer(
        mounts,
        logger=structlog.stdlib.get_logger("estafette.http").bind(),  # once, not for each line
        metrics=RequestMetrics(registry),
        fallback=mounts.fallback,
        addresses=addresses,
        limits=limits,
        requests=requests,
    )
    return Application(observer, mounts.fallback, pages, people, requests)


def _dialects(
    platform: Platform, dialects: Sequence[DialectRecord], limiter: RateLimiter
) -> Iterator[Mounted]:
    """Returns each dialect, mounted as its record says, and the other pages that it serves."""
    creator = Creator(platform)
    for one in dialects:
        words = one.errors(platform.public_url).words
        yield Mounted(one.introduction.mount, one.build(platform, creator, limiter), words)
        for prefix, build_page in one.pages.items():
            yield Mounted(Mount(prefix), build_page(platform.public_url), words)


def _apis(platform: Platform, limiter: RateLimiter) -> Iterator[Mounted]:
    """Returns the APIs of our own, mounted as their records say."""
    for one in APIS:
        words = one.errors(platform.public_url).words
        yield Mounted(one.introduction.mount, one.build(platform, limiter), words)


def _besides(
    platform: Platform, dialects: Sequence[DialectRecord], limiter: RateLimiter
) -> Iterator[Mounted]:
    """Returns what is served besides APIs and pages: files, and what couriers' platforms reach."""
    simulation = sandbox.build(
        platform, limiter, public_id=reader_of_ids(dialects), mentions=_mentions(dialects)
    )
    yield Mounted(Mount("/sandbox"), simulation, sandbox.ERRORS.words)
    yield Mounted(Mount(ASSETS_PREFIX, everywhere=True), assets.build(), plain_words)
    yield Mounted(Mount(files.PREFIX), files.build(platform), plain_words)
    yield Mounted(Mount(tiles.PREFIX), tiles.build(platform), plain_words)
    yield Mounted(Mount("/upstream"), entrega.build(platform), entrega.ERRORS.words)


def _by_hand(dialects: Sequence[DialectRecord]) -> ByHand:
    """Returns how the dialects read orders that people type, and write the ids of deliveries."""
    known = {one.name: one for one in dialects}
    orders = {name: one.orders for name, one in known.items() if one.orders is not None}
    return ByHand(
        rules=lambda name: orders[name](),
        shown_id=lambda name, id: known[name].ids.delivery(id),
        parse_id=lambda name, text: known[name].ids.parse(text),
    )


def _spoken(server_url: str, dialects: Sequence[DialectRecord]) -> dict[str, Spoken]:
    """Returns the facts of each dialect for the pages of developers."""
    return {
        one.name: Spoken(
            title=one.introduction.title,
            url=one.introduction.mount.url(server_url),
            docs_url=one.introduction.docs_url(server_url),
            types=event_types(one.dialect),
            show_delivery=one.ids.delivery,
            parse_delivery=one.ids.parse,
            show_event=one.ids.event,
            changelog=changelog(one.name),
        )
        for one in dialects
    }


def _mentions(dialects: Sequence[DialectRecord]) -> list[sandbox.Mention]:
    """Returns where merchants name a scenario, by dialect."""
    known = [one.introduction for one in dialects if one.introduction.scenario_where]
    return [sandbox.Mention(one.title, one.scenario_where, one.scenario_example) for one in known]


def _offers(public_url: str, dialects: Sequence[DialectRecord]) -> list[home.Offer]:
    """Returns the APIs to which the page at the root leads."""
    return [
        home.Offer(_link(one.introduction.docs_url(public_url), public_url), one.introduction.title)
        for one in dialects
    ]


def _link(url: str, public_url: str) -> str:
    """Returns a URL as a link from the root: only its path if it is on the same host."""
    path = url.removeprefix(public_url)
    return path if path.startswith("/") else url
