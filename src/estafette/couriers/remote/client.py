"""The HTTP client of another platform that speaks Entrega: its calls, its limits, its breakers."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import quote
from uuid import UUID

import aiohttp
import orjson
from aiohttp.abc import AbstractResolver
from pydantic import BaseModel
from yarl import URL

from estafette.couriers.remote import metrics
from estafette.couriers.remote.breaker import FIRST_REST_SECONDS, Breaker
from estafette.couriers.remote.failures import Declined, InDoubt, Late, NotSent, Unavailable
from estafette.couriers.remote.places import Manners
from estafette.couriers.remote.schemas import (
    OneDelivery,
    Page,
    Quotes,
    Timeline,
    UpstreamDelivery,
    UpstreamEvent,
    UpstreamQuote,
    problem,
    read,
)
from estafette.couriers.remote.shares import Asking, Shares
from estafette.http.moments import timestamp
from estafette.logs import Logger
from estafette.usecases.quotes.quote_companies import PATIENCE_SECONDS

CONNECT_SECONDS: Final = 1.0
HURRY_SECONDS: Final = PATIENCE_SECONDS - 0.1
"""How long somebody waits for a quote or a recall: less than who asks for it waits for us."""

CALM_SECONDS: Final = 10.0
"""How long the worker waits for an answer."""

ANSWER_BYTES: Final = 1024 * 1024
_HEAD_BYTES: Final = 16 * 1024
_PAGE: Final = 100
_FURTHEST: Final = 100_000  # as far as the contract lets a list be paged
_CERTAINLY_NOT: Final = frozenset({400, 401, 402, 403, 404, 405, 409, 410, 413, 415, 422, 429})
_OF_THE_PLATFORM_ITSELF: Final = frozenset({502, 503})  # its couriers failed, not the platform
_TOO_MANY: Final = 429
_SHORT_WAIT: Final = 1.0
_PROBLEM: Final = "application/problem+json"
_LONGEST_WAIT: Final = 3600.0
_AGENT: Final = "Estafette"

_Answer = TypeVar("_Answer", bound=BaseModel)
_log = Logger()


@dataclass(frozen=True, slots=True)
class Access:
    """How a company's platform is reached in one mode; `base_url` is without a slash at the end."""

    company_id: UUID
    slug: str
    base_url: str
    key: str = field(repr=False)


class _Request(NamedTuple):
    method: str
    path: str
    seconds: float
    body: Mapping[str, Any] | None = None
    idempotency_key: str | None = None


class _Reply(NamedTuple):
    status: int
    content_type: str
    retry_after: str | None
    body: bytes


class PlatformClient:
    """Calls other platforms. Every call raises NotSent, InDoubt, Late, Declined or CourierResting.

    One for a process; it opens its session with the first call. `close` it in the end.
    """

    def __init__(
        self,
        first_rest_seconds: float = FIRST_REST_SECONDS,
        resolver: AbstractResolver | None = None,
    ) -> None:
        """Nothing is opened yet. The breakers of failing platforms rest so long at first.

        `resolver` turns names into addresses; None: the few threads of the event loop.
        """
        self._resolver = resolver
        self._first_rest = first_rest_seconds
        self._session: aiohttp.ClientSession | None = None
        self._breakers: dict[UUID, Breaker] = {}
        self._shares: dict[UUID, Shares] = {}

    async def close(self) -> None:
        """Closes every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def manners(self, company_id: UUID) -> Manners:
        """How a company's platform has behaved towards this process."""
        breaker = self._breakers.get(company_id)
        if breaker is None:
            return Manners()
        return Manners(max(breaker.wants_rest_for, 0.0), breaker.answers)

    async def greet(self, access: Access) -> None:
        """Finds out whether the platform answers to the key, in a hurry."""
        await self._call(access, _Request("GET", "/v1/deliveries?limit=1", HURRY_SECONDS), Page)

    async def quotes(
        self, access: Access, body: Mapping[str, Any], account_id: UUID | None
    ) -> Sequence[UpstreamQuote]:
        """What its companies ask for a route: `POST /v1/quotes`, in a hurry, for an account.

        When the platform wants to be asked less and another account has asked most, it is asked
        once more as soon as it wants, if that is soon enough. Raises CourierResting besides when
        this account has to step back for the others.
        """
        until = time.monotonic() + HURRY_SECONDS
        try:
            return await self._quotes(access, body, account_id, HURRY_SECONDS)
        except Declined as no:
            wait = no.retry_in_seconds or _SHORT_WAIT
            left = until - time.monotonic() - wait
            if no.status != _TOO_MANY or left < _SHORT_WAIT:
                raise
        await asyncio.sleep(wait)
        return await self._quotes(access, body, account_id, left)

    async def _quotes(
        self, access: Access, body: Mapping[str, Any], account_id: UUID | None, seconds: float
    ) -> Sequence[UpstreamQuote]:
        breaker = self._breaker(access)
        asking = Asking(breaker, self._shares[access.company_id], account_id)
        request = _Request("POST", "/v1/quotes", seconds, body)
        return (await self._call(access, request, Quotes, asking)).data

    async def create(
        self, access: Access, body: Mapping[str, Any], idempotency_key: str
    ) -> UpstreamDelivery:
        """A delivery from a quote: `POST /v1/deliveries`."""
        request = _Request("POST", "/v1/deliveries", CALM_SECONDS, body, idempotency_key)
        return (await self._call(access, request, OneDelivery)).data

    async def find(self, access: Access, our_id: str, since: datetime) -> UpstreamDelivery | None:
        """The delivery there that was created for ours, among those created since then.

        Oldest first, so that what is created meanwhile moves nothing to a page already read. An
        entry that names ours and makes no sense besides leaves it in doubt.
        """
        for offset in range(0, _FURTHEST + 1, _PAGE):
            path = (
                f"/v1/deliveries?inserted_at_gte={timestamp(since)}&sort=inserted_at_asc"
                f"&limit={_PAGE}&offset={offset}"
            )
            page = await self._call(access, _Request("GET", path, CALM_SECONDS), Page)
            for delivery in page.data:
                if delivery.our_id != our_id:
                    continue
                if isinstance(delivery, UpstreamDelivery):
                    return delivery
                raise InDoubt("its list names the delivery, and makes no sense besides")
            if not page.pagination.has_more:
                return None
        raise InDoubt("its list goes on beyond what may be read")

    async def show(
        self, access: Access, upstream_id: str, seconds: float = CALM_SECONDS
    ) -> UpstreamDelivery:
        """A delivery as it is now: `GET /v1/deliveries/{id}`, within so many seconds."""
        request = _Request("GET", _path(upstream_id), seconds)
        return (await self._call(access, request, OneDelivery)).data

    async def events(self, access: Access, upstream_id: str) -> Sequence[UpstreamEvent]:
        """Its timeline, oldest first: `GET /v1/deliveries/{id}/events`."""
        request = _Request("GET", f"{_path(upstream_id)}/events", CALM_SECONDS)
        return (await self._call(access, request, Timeline)).data

    async def cancel(self, access: Access, upstream_id: str) -> UpstreamDelivery:
        """Calls a delivery off, in a hurry: `DELETE /v1/deliveries/{id}`."""
        request = _Request("DELETE", _path(upstream_id), HURRY_SECONDS)
        return (await self._call(access, request, OneDelivery)).data

    async def _call(
        self,
        access: Access,
        request: _Request,
        model: type[_Answer],
        asking: Asking | None = None,
    ) -> _Answer:
        """The answer to a request, which passes through the company's breaker."""
        breaker = asking or self._breaker(access)
        breaker.begin()
        try:
            reply = await self._exchange(access, request)
            left_out: list[str] = []
            answer = read(model, _checked(reply).body, left_out)
        except (Declined, Unavailable) as judged:
            breaker.succeeded()  # it lives, and judges
            if isinstance(judged, Declined) and judged.status == _TOO_MANY:
                breaker.asked_to_wait(judged.retry_in_seconds or _SHORT_WAIT)
            raise
        except (NotSent, InDoubt):
            breaker.failed()
            raise
        except BaseException:
            breaker.abandoned()
            raise
        breaker.succeeded()
        if left_out:
            _log.warning(
                "courier_told_nonsense",
                company=access.slug,
                left_out=len(left_out),
                reason=left_out[0],
            )
        return answer

    def _breaker(self, access: Access) -> Breaker:
        breaker = self._breakers.get(access.company_id)
        if breaker is None:

            def told(is_open: bool) -> None:
                metrics.BREAKER.labels(access.slug).set(is_open)
                _log.warning(
                    "courier_left_alone" if is_open else "courier_is_back", company=access.slug
                )

            metrics.BREAKER.labels(access.slug).set(False)  # there before it opens, to be watched
            breaker = Breaker(told=told, first_rest_seconds=self._first_rest)
            self._breakers[access.company_id] = breaker
            self._shares[access.company_id] = Shares(self._first_rest, told)
        return breaker

    async def _exchange(self, access: Access, request: _Request) -> _Reply:
        """Whatever was answered. Raises NotSent, InDoubt or Late."""
        headers = {"Authorization": f"Bearer {access.key}"}
        data = None
        if request.body is not None:
            data = orjson.dumps(request.body)
            headers["Content-Type"] = "application/json"
        if request.idempotency_key is not None:
            headers["Idempotency-Key"] = request.idempotency_key
        url = URL(f"{access.base_url}{request.path}", encoded=True)
        sending = self._opened().request(
            request.method, url, data=data, headers=headers, allow_redirects=False
        )
        try:
            async with asyncio.timeout(request.seconds), sending as response:
                retry_after = response.headers.get("Retry-After")
                body = await _bounded(response)
                return _Reply(response.status, response.content_type, retry_after, body)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NotSent(f"no connection: {error}") from None
        except TimeoutError:
            raise Late(f"nothing within {request.seconds:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise InDoubt(f"{type(error).__name__}: {error}") from None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=0, keepalive_timeout=4, ttl_dns_cache=30, resolver=self._resolver
                ),
                timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS),
                headers={"User-Agent": _AGENT, "Accept-Encoding": "identity"},
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,  # nothing is asked for compressed, so nothing can swell
                trust_env=False,
                max_line_size=_HEAD_BYTES,
                max_field_size=_HEAD_BYTES,
            )
        return self._session


def _path(upstream_id: str) -> str:
    return f"/v1/deliveries/{quote(upstream_id, safe='')}"


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    """The body. Raises InDoubt beyond the bound, whatever length was announced."""
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > ANSWER_BYTES:
            response.close()
            raise InDoubt(f"the answer is longer than {ANSWER_BYTES} bytes")
        parts.append(part)
    return b"".join(parts)


def _checked(reply: _Reply) -> _Reply:
    """A 2xx reply. Raises Declined for a certain no, InDoubt for anything else."""
    if 200 <= reply.status < 300:
        return reply
    told = problem(reply.body)
    if reply.status in _CERTAINLY_NOT:
        raise Declined(
            reply.status,
            (told and told.detail) or "",
            told.error if told else None,
            _wait(reply.retry_after),
            is_reasoned=told is not None and told.status == reply.status,
        )
    said = f"HTTP {reply.status} {(told and told.detail) or ''}".rstrip()
    if reply.status in _OF_THE_PLATFORM_ITSELF and reply.content_type == _PROBLEM:
        raise Unavailable(said)
    raise InDoubt(said)


def _wait(retry_after: str | None) -> float | None:
    """The seconds of a `Retry-After`; None without one, or in its other form, a date."""
    if retry_after is None or not retry_after.isascii() or not retry_after.isdigit():
        return None
    return min(float(retry_after[:9]), _LONGEST_WAIT)
