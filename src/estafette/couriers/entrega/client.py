"""Entrega's API as its client calls it: what is asked, and how its answers are understood."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar
from urllib.parse import quote
from uuid import UUID

from aiohttp.abc import AbstractResolver
from pydantic import BaseModel

from estafette.couriers.entrega.schemas import (
    OneDelivery,
    Quotes,
    Timeline,
    UpstreamDelivery,
    UpstreamEvent,
    UpstreamPage,
    UpstreamQuote,
    problem,
    read,
)
from estafette.couriers.platforms.breaker import FIRST_REST_SECONDS
from estafette.couriers.platforms.calls import SHORT_WAIT, TOO_MANY, Calls, Reply, Request
from estafette.couriers.platforms.failures import (
    Declined,
    InDoubt,
    PlatformUnavailable,
    QuoteTrouble,
)
from estafette.couriers.platforms.reach import Access
from estafette.couriers.platforms.shares import Asking
from estafette.http.moments import timestamp
from estafette.usecases.platform import Patience

HURRY_SECONDS: Final = Patience().quote - 0.1
"""How long somebody waits for a quote or a recall: less than who asks for it waits for us."""

CALM_SECONDS: Final = 10.0
"""How long the worker waits for an answer."""

_PAGE: Final = 100
_FURTHEST: Final = 100_000  # as far as the contract lets a list be paged
_OF_THE_PLATFORM_ITSELF: Final = frozenset({502, 503})  # its couriers failed, not the platform
_PROBLEM: Final = "application/problem+json"
_QUOTE_TROUBLES: Final = {
    "quote_expired": QuoteTrouble.GONE,
    "quote_not_found": QuoteTrouble.GONE,
    "quote_payload_mismatch": QuoteTrouble.GONE,  # it binds contacts, of which it was not told
    "quote_already_used": QuoteTrouble.USED,
}

_Answer = TypeVar("_Answer", bound=BaseModel)


class EntregaClient:
    """Calls platforms that speak Entrega.

    Every call raises NotSent, InDoubt, Late, Declined or CourierResting. One for a process;
    `close` it in the end.
    """

    def __init__(
        self,
        first_rest_seconds: float = FIRST_REST_SECONDS,
        resolver: AbstractResolver | None = None,
        *,
        hurry_seconds: float = HURRY_SECONDS,
        calm_seconds: float = CALM_SECONDS,
    ) -> None:
        """Takes the arguments of `Calls`; opens no connection yet.

        `hurry_seconds` and `calm_seconds` are how long an answer is waited for at most.
        """
        self.calls = Calls(first_rest_seconds, resolver)
        self.hurry_seconds = hurry_seconds
        self._calm_seconds = calm_seconds

    async def close(self) -> None:
        """Closes every connection."""
        await self.calls.close()

    async def greet(self, access: Access) -> None:
        """Finds out whether the platform answers to the key, in a hurry."""
        await self._call(
            access, Request("GET", "/v1/deliveries?limit=1", self.hurry_seconds), UpstreamPage
        )

    async def quotes(
        self, access: Access, body: Mapping[str, Any], account_id: UUID | None
    ) -> Sequence[UpstreamQuote]:
        """What its companies ask for a route: `POST /v1/quotes`, in a hurry, for an account.

        When the platform wants to be asked less and another account has asked most, it is asked
        once more as soon as it wants, if that is soon enough. Raises CourierResting besides when
        this account has to step back for the others.
        """
        until = time.monotonic() + self.hurry_seconds
        try:
            return await self._quotes(access, body, account_id, self.hurry_seconds)
        except Declined as no:
            wait = no.retry_in_seconds or SHORT_WAIT
            left = until - time.monotonic() - wait
            if no.status != TOO_MANY or left < SHORT_WAIT:
                raise
        await asyncio.sleep(wait)
        return await self._quotes(access, body, account_id, left)

    async def _quotes(
        self, access: Access, body: Mapping[str, Any], account_id: UUID | None, seconds: float
    ) -> Sequence[UpstreamQuote]:
        asking = self.calls.asking(access, account_id)
        request = Request("POST", "/v1/quotes", seconds, body)
        return (await self._call(access, request, Quotes, asking)).data

    async def create(
        self, access: Access, body: Mapping[str, Any], idempotency_key: str
    ) -> UpstreamDelivery:
        """Returns a delivery from a quote: `POST /v1/deliveries`."""
        headers = {"Idempotency-Key": idempotency_key}
        request = Request("POST", "/v1/deliveries", self._calm_seconds, body, headers)
        return (await self._call(access, request, OneDelivery)).data

    async def find(self, access: Access, our_id: str, since: datetime) -> UpstreamDelivery | None:
        """Returns the delivery there that was created for ours, among those created since then.

        Oldest first, so that what is created meanwhile moves nothing to a page already read. An
        entry that names ours and makes no sense besides leaves it in doubt.
        """
        for offset in range(0, _FURTHEST + 1, _PAGE):
            path = (
                f"/v1/deliveries?inserted_at_gte={timestamp(since)}&sort=inserted_at_asc"
                f"&limit={_PAGE}&offset={offset}"
            )
            page = await self._call(access, Request("GET", path, self._calm_seconds), UpstreamPage)
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
        self, access: Access, upstream_id: str, seconds: float | None = None
    ) -> UpstreamDelivery:
        """Returns a delivery as it is now: `GET /v1/deliveries/{id}`, within so many seconds."""
        request = Request("GET", _path(upstream_id), seconds or self._calm_seconds)
        return (await self._call(access, request, OneDelivery)).data

    async def events(self, access: Access, upstream_id: str) -> Sequence[UpstreamEvent]:
        """Returns its timeline, oldest first: `GET /v1/deliveries/{id}/events`."""
        request = Request("GET", f"{_path(upstream_id)}/events", self._calm_seconds)
        return (await self._call(access, request, Timeline)).data

    async def cancel(self, access: Access, upstream_id: str) -> UpstreamDelivery:
        """Calls a delivery off, in a hurry: `DELETE /v1/deliveries/{id}`."""
        request = Request("DELETE", _path(upstream_id), self.hurry_seconds)
        return (await self._call(access, request, OneDelivery)).data

    async def _call(
        self,
        access: Access,
        request: Request,
        model: type[_Answer],
        asking: Asking | None = None,
    ) -> _Answer:
        def understood(reply: Reply, left_out: list[str]) -> _Answer:
            return read(model, _checked(reply).body, left_out)

        headers = {"Authorization": f"Bearer {access.key}", **request.headers}
        return await self.calls.call(access, request._replace(headers=headers), understood, asking)


def _path(upstream_id: str) -> str:
    return f"/v1/deliveries/{quote(upstream_id, safe='')}"


def _checked(reply: Reply) -> Reply:
    """Returns a 2xx reply. Raises Declined for a certain no, InDoubt for anything else."""
    if reply.is_success:
        return reply
    found = problem(reply.body)
    if reply.is_certain_no:
        code = found.error if found else None
        raise Declined(
            reply.status,
            (found and found.detail) or "",
            code,
            reply.wait_seconds,
            is_reasoned=found is not None and found.status == reply.status,
            quote=_QUOTE_TROUBLES.get(code or ""),
        )
    said = f"HTTP {reply.status} {(found and found.detail) or ''}".rstrip()
    if reply.status in _OF_THE_PLATFORM_ITSELF and reply.content_type == _PROBLEM:
        raise PlatformUnavailable(said)
    raise InDoubt(said)
