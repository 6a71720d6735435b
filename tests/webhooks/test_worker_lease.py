"""What a worker does with messages that it has held ready for almost as long as it may."""

import asyncio
from datetime import datetime
from uuid import UUID

import orjson

from estafette.usecases.platform import Platform
from estafette.webhooks.retry import RetrySchedule
from estafette.webhooks.sender import ExchangeOutcome, Request, Result
from estafette.webhooks.worker import Limits
from tests.patience import until
from tests.rows import tables
from tests.usecases.stage import DIALECT, Tenant
from tests.webhooks.stage import PlainRenderer, listen_at, until_settled, working

_LEASE_SECONDS = 1.8


class _Outlasting:
    """Sends nothing. Keeps the second message until its lease is about to end.

    `ends` are the ends of the leases under which the messages were sent.
    """

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.first = asyncio.Event()
        self.ends: dict[UUID, datetime] = {}

    async def send(self, request: Request) -> Result:
        id = UUID(orjson.loads(request.body)["messageId"])
        pool, of = self.tenant.platform.pool, {"id": id}
        if id not in self.ends:
            self.ends[id] = await tables.value(pool, "messages", "due_at", of)
        if len(self.ends) == 1:
            await self.first.wait()
        elif len(self.ends) == 2:

            async def is_about_to_end() -> bool:
                left = await tables.seconds_until(pool, "messages", "due_at", of)
                return left < _LEASE_SECONDS / 6

            await until(is_about_to_end)
        return Result(ExchangeOutcome.DELIVERED, 0.001, 200, None, None, 1)


async def test_what_was_held_too_long_for_its_lease_is_claimed_anew_before_it_is_sent(
    platform: Platform, tenant: Tenant, fresh_database: str
) -> None:
    sender = _Outlasting(tenant)
    limits = Limits(lease_seconds=_LEASE_SECONDS, poll_seconds=0.1, per_endpoint=1)
    renderers = {
        DIALECT.name: PlainRenderer(RetrySchedule((60,), timeout_seconds=_LEASE_SECONDS / 1.5))
    }
    async with working(platform, fresh_database, renderers=renderers, limits=limits, sender=sender):
        await listen_at(tenant, "http://127.0.0.1:9/")
        for count in range(3):  # the endpoint is known after the first: the others come together
            await tenant.create(external_ref=f"L-{count}")
        sender.first.set()
        await until_settled(tenant, 3)
    _, second, third = sender.ends.values()
    assert third > second  # which were claimed together
