"""Calls to other platforms over HTTP: their limits, their breakers, the bounds of an answer.

The module of each API decides what a request says and how an answer is understood.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, TypeVar
from uuid import UUID

import aiohttp
import orjson
from aiohttp.abc import AbstractResolver
from yarl import URL

from estafette.couriers.platforms import metrics
from estafette.couriers.platforms.breaker import FIRST_REST_SECONDS, Breaker
from estafette.couriers.platforms.failures import (
    Declined,
    InDoubt,
    Late,
    NotSent,
    PlatformUnavailable,
)
from estafette.couriers.platforms.reach import Access
from estafette.couriers.platforms.shares import Asking, Shares
from estafette.couriers.platforms.slots import Manners
from estafette.logs import Logger

CONNECT_SECONDS: Final = 2.5
"""Long enough for a first packet that is lost: it is sent again after 1 s (RFC 6298)."""

ANSWER_BYTES: Final = 1024 * 1024
TOO_MANY: Final = 429
SHORT_WAIT: Final = 1.0
"""How many seconds a platform rests that wants to be asked less and does not say for how long."""

_HEAD_BYTES: Final = 16 * 1024
_CERTAINLY_NOT: Final = frozenset({400, 401, 402, 403, 404, 405, 409, 410, 413, 415, 422, 429})
_LONGEST_WAIT: Final = 3600.0
_AGENT: Final = "Estafette"

_log = Logger()


class Request(NamedTuple):
    """A request to a platform, which may take so many seconds. `body` is sent as JSON."""

    method: str
    path: str
    seconds: float
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = {}


class Reply(NamedTuple):
    """The answer to a request, whatever it is."""

    status: int
    content_type: str
    retry_after: str | None
    body: bytes

    @property
    def is_success(self) -> bool:
        """Whether the status is a success."""
        return 200 <= self.status < 300

    @property
    def is_certain_no(self) -> bool:
        """Whether the answer says that certainly nothing was done."""
        return self.status in _CERTAINLY_NOT

    @property
    def wait_seconds(self) -> float | None:
        """The pause that it asks for, in seconds; None where it has none, or gives a date."""
        text = self.retry_after
        if text is None or not text.isascii() or not text.isdigit():
            return None
        return min(float(text[:9]), _LONGEST_WAIT)


Answer = TypeVar("Answer")

Read = Callable[[Reply, list[str]], Answer]
"""Understands a reply. Raises Declined, Unavailable or InDoubt.

The list gets a reason for each part that was left out because it makes no sense.
"""


class Calls:
    """Calls the platforms of companies. A process has one.

    It opens its session with the first call; `close` ends it.
    """

    def __init__(
        self,
        first_rest_seconds: float = FIRST_REST_SECONDS,
        resolver: AbstractResolver | None = None,
    ) -> None:
        """Opens no connection yet. `first_rest_seconds` is the first rest of a breaker that opens.

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
        """Returns how a company's platform has behaved towards this process."""
        breaker = self._breakers.get(company_id)
        if breaker is None:
            return Manners()
        return Manners(max(breaker.wants_rest_for, 0.0), breaker.answers)

    async def call(
        self, access: Access, request: Request, read: Read[Answer], asking: Asking | None = None
    ) -> Answer:
        """Sends a request through the company's breaker; returns what `read` makes of the answer.

        `asking` is used in place of the breaker where the accounts of a company have shares. Raises
        NotSent, InDoubt, Late, Declined or CourierResting.
        """
        breaker = asking or self._breaker(access)
        breaker.begin()
        try:
            reply = await self._exchange(access, request)
            left_out: list[str] = []
            answer = read(reply, left_out)
        except (Declined, PlatformUnavailable) as judged:
            breaker.succeeded()  # the platform works: it has judged the request
            if isinstance(judged, Declined) and judged.status == TOO_MANY:
                breaker.asked_to_wait(judged.retry_in_seconds or SHORT_WAIT)
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

    def asking(self, access: Access, account_id: UUID | None) -> Asking:
        """Returns one account's request for a price, which may have to wait for other accounts'."""
        breaker = self._breaker(access)
        return Asking(breaker, self._shares[access.company_id], account_id)

    def _breaker(self, access: Access) -> Breaker:
        breaker = self._breakers.get(access.company_id)
        if breaker is None:

            def on_change(is_open: bool) -> None:
                metrics.BREAKER.labels(access.slug).set(is_open)
                _log.warning(
                    "courier_left_alone" if is_open else "courier_is_back", company=access.slug
                )

            metrics.BREAKER.labels(access.slug).set(False)  # exists before it opens
            breaker = Breaker(on_change=on_change, first_rest_seconds=self._first_rest)
            self._breakers[access.company_id] = breaker
            self._shares[access.company_id] = Shares(self._first_rest, on_change)
        return breaker

    async def _exchange(self, access: Access, request: Request) -> Reply:
        """Sends a request and returns its answer, whatever it is. Raises NotSent, InDoubt, Late."""
        headers, data = dict(request.headers), None
        if request.body is not None:
            data = orjson.dumps(request.body)
            headers["Content-Type"] = "application/json"
        url = URL(f"{access.base_url}{request.path}", encoded=True)
        sending = self._opened().request(
            request.method, url, data=data, headers=headers, allow_redirects=False
        )
        try:
            async with asyncio.timeout(request.seconds), sending as response:
                retry_after = response.headers.get("Retry-After")
                body = await _bounded(response)
                return Reply(response.status, response.content_type, retry_after, body)
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
                auto_decompress=False,  # so that no small answer becomes a large one
                trust_env=False,
                max_line_size=_HEAD_BYTES,
                max_field_size=_HEAD_BYTES,
            )
        return self._session


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    """Returns the body. Raises InDoubt when it exceeds the bound, whatever its announced length."""
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > ANSWER_BYTES:
            response.close()
            raise InDoubt(f"the answer is longer than {ANSWER_BYTES} bytes")
        parts.append(part)
    return b"".join(parts)
