"""What the tests of the worker stand on: a renderer of the plainest kind, a worker under way.

The renderer's body says everything that a test may want to know; its signature is the one of
Kaspi's, over the time and the body.
"""

import asyncio
import hmac
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network
from typing import Any
from uuid import UUID

import orjson

from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.event import Actor
from estafette.store import signals
from estafette.store.pool import open_pool
from estafette.usecases.deliveries.advance import Move
from estafette.usecases.platform import Platform
from estafette.usecases.webhooks import endpoints
from estafette.usecases.webhooks.endpoints import EndpointSettings
from estafette.webhooks.guard import Guard
from estafette.webhooks.message import Message, Rendered
from estafette.webhooks.retry import RetrySchedule, doubling
from estafette.webhooks.sender import Sender
from estafette.webhooks.signing import hmac_sha256_hex
from estafette.webhooks.worker import Limits, WebhookWorker
from tests.moving import advance
from tests.patience import until
from tests.receivers import ReceivedRequest
from tests.rows import tables
from tests.rows import webhooks as rows
from tests.usecases.stage import DIALECT, Tenant

# Kaspi's, but for the time that an exchange may take: as long as the lease of a worker allows. What
# a busy machine exceeds is a failure, and is sent again after a minute.
SCHEDULE = RetrySchedule(
    doubling(60, 10), timeout_seconds=20, jitter=0.1, last_attempt_seconds=86_400
)
LOOPBACK = Guard(allow=[ip_network("127.0.0.0/8")])


@dataclass(frozen=True)
class PlainRenderer:
    """Renders every fact as JSON."""

    schedule: RetrySchedule = SCHEDULE
    order_seconds: float = 0.0

    def render(self, message: Message, now_unix_seconds: int) -> Rendered:
        body = orjson.dumps(
            {
                "eventId": str(message.event_id),
                "messageId": str(message.id),
                "type": message.type,
                "attempt": message.attempt,
                "deliveryId": message.delivery_id and str(message.delivery_id),
                "externalRef": message.external_ref,
                "seq": message.seq,
                "ordinal": message.ordinal,
                "status": message.status,
                "isTest": message.is_test,
            }
        )
        signed = f"{now_unix_seconds}.".encode() + body
        signature = {
            "X-Time": str(now_unix_seconds),
            "X-Signature": hmac_sha256_hex(message.secret.encode(), signed),
        }
        headers = {"Content-Type": "application/json"}
        return Rendered(str(message.event_id), headers, body, signature)


class PoisonedRenderer(PlainRenderer):
    """Fails on every message of one type."""

    def render(self, message: Message, now_unix_seconds: int) -> Rendered:
        if message.type == "created":
            raise ZeroDivisionError("nobody foresaw this message")
        return super().render(message, now_unix_seconds)


def said(request: ReceivedRequest) -> dict[str, Any]:
    """What the body of a webhook says."""
    return orjson.loads(request.body)


def is_signed_by(request: ReceivedRequest, secret: str) -> bool:
    """Whether the signature is the one that `secret` makes."""
    signed = f"{request.headers['x-time']}.".encode() + request.body
    made = hmac_sha256_hex(secret.encode(), signed)
    return hmac.compare_digest(request.headers["x-signature"], made)


@asynccontextmanager
async def working(
    platform: Platform,
    dsn: str,
    *,
    renderers: Mapping[str, Any] | None = None,
    limits: Limits | None = None,
    sender: Any = None,
    decrypt: Callable[[bytes, bytes], str] | None = None,
    cancelled: bool = False,
) -> AsyncGenerator[WebhookWorker]:
    """A worker under way, which is stopped in an orderly way at the end, or `cancelled`."""
    stop = asyncio.Event()
    own = await open_pool(dsn, size=4)
    async with Sender(LOOPBACK) as real:
        worker = WebhookWorker(
            own,
            dsn,
            renderers if renderers is not None else {DIALECT.name: PlainRenderer()},
            sender or real,
            decrypt or platform.cipher.decrypt,
            limits,
        )
        task = asyncio.create_task(worker.run(stop))
        try:
            yield worker
        finally:
            stop.set()
            if cancelled:
                task.cancel()
            try:
                async with asyncio.timeout(60):
                    await asyncio.gather(task, return_exceptions=cancelled)
            finally:
                await own.close()


async def listen_at(tenant: Tenant, url: str | None, name: str = "default") -> EndpointSettings:
    """Gives the account an endpoint."""
    return await endpoints.set_endpoint(tenant.platform, tenant.scope, url, name)


async def move(tenant: Tenant, delivery_id: UUID, *steps: Status) -> None:
    """Moves a delivery, an event for each step."""
    for step in steps:
        moves = [Move(step, Actor.OPERATOR)]
        await advance(tenant.platform, tenant.scope, DIALECT, delivery_id, moves)


async def messages(tenant: Tenant) -> list[dict[str, Any]]:
    """The account's messages, oldest event first."""
    return await rows.messages_of(tenant.platform.pool, tenant.scope.account_id)


async def attempts(tenant: Tenant) -> list[dict[str, Any]]:
    """The account's attempts, oldest first."""
    return await rows.attempts_of(tenant.platform.pool, tenant.scope.account_id)


async def until_settled(tenant: Tenant, count: int) -> None:
    """Waits until so many of the account's messages carry no lease after an attempt."""

    async def settled() -> bool:
        return await rows.count_settled(tenant.platform.pool, tenant.scope.account_id) >= count

    await until(settled)


async def make_due(tenant: Tenant) -> None:
    """Lets every pending message of the account be due now.

    One after another: a worker at work may change the same rows in another order.
    """
    pending = {"account_id": tenant.scope.account_id, "state": "pending"}
    pool = tenant.platform.pool
    for id in await tables.values(pool, "messages", "id", pending):
        await tables.change(pool, "messages", {**pending, "id": id}, due_at=timedelta())
    tenant.platform.signal(signals.OUTBOX)
