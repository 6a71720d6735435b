"""Webhooks from the account's side: its endpoints, a test, what was tried.

Whether a URL is one that webhooks are sent to is checked at the edges (`webhooks.guard.check_url`),
where a refusal can name the field; where it leads is checked when it is dialled.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import orjson

from estafette.core.accounts.account import Scope
from estafette.core.audit import AuditedAct
from estafette.core.deliveries.delivery import Progress, Status
from estafette.core.errors import EndpointMissing
from estafette.core.ids import new_id
from estafette.core.webhooks.headers import sealed_for
from estafette.store import pool
from estafette.store.accounts import table as accounts
from estafette.store.pool import Connection
from estafette.store.webhooks import attempts, endpoints, failures, message_counts, messages
from estafette.store.webhooks.attempts import Attempt
from estafette.store.webhooks.endpoints import EndpointDetails
from estafette.store.work import UnitOfWork
from estafette.usecases import audit
from estafette.usecases.accounts.administration import (
    DEFAULT_ENDPOINT,
    SECRET_PREFIX,
    AccountRefusedError,
    checked_name,
)
from estafette.usecases.accounts.secrets import Cipher, new_token
from estafette.usecases.platform import Platform

__all__ = [
    "Attempt",
    "EndpointSettings",
    "attempts_of",
    "attempts_since",
    "finish_rotation",
    "list_endpoints",
    "reveal_endpoint",
    "reveal_endpoints",
    "rotate",
    "send_test",
    "set_enabled",
    "set_endpoint",
    "waiting",
]

MOST_ENDPOINTS = 20
"""Endpoints of an account in a mode: every event makes a message for each."""

MOST_WAITING = 100_000
"""So many webhooks that wait for an endpoint are counted."""

_AT_A_TIME = 10_000


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """An endpoint with its secrets in clear text, for its account's eyes.

    `secret` signs now. While a rotation runs, `next_secret` will from `next_secret_from` on. Of its
    own headers there are the names. `order_seconds` is how long a webhook waits for an earlier one
    of its delivery; None: as its dialect says. `disabled_why` is None where somebody disabled it.
    `types` are the events that it wants; None: all.
    """

    scope: Scope
    id: UUID
    name: str
    url: str | None
    secret: str = field(repr=False)
    next_secret: str | None = field(repr=False)
    next_secret_from: datetime | None
    disabled_at: datetime | None
    disabled_why: str | None
    format: str
    order_seconds: int | None
    headers: tuple[str, ...]
    types: tuple[str, ...] | None

    @property
    def is_enabled(self) -> bool:
        """Whether it is sent webhooks, where it has an address."""
        return self.disabled_at is None


def read_headers(cipher: Cipher, endpoint: EndpointDetails) -> dict[str, str]:
    """Returns the headers of its own that an endpoint has, in clear text."""
    if endpoint.headers is None:
        return {}
    return orjson.loads(cipher.decrypt(endpoint.headers, sealed_for(endpoint.id)))


def shown_settings(cipher: Cipher, endpoint: EndpointDetails) -> EndpointSettings:
    owner = endpoint.id.bytes
    return EndpointSettings(
        scope=endpoint.scope,
        id=endpoint.id,
        name=endpoint.name,
        url=endpoint.url,
        secret=cipher.decrypt(endpoint.secret, owner),
        next_secret=cipher.decrypt(endpoint.next_secret, owner) if endpoint.next_secret else None,
        next_secret_from=endpoint.next_secret_from,
        disabled_at=endpoint.disabled_at,
        disabled_why=endpoint.disabled_why,
        format=endpoint.format,
        order_seconds=endpoint.order_seconds,
        headers=tuple(read_headers(cipher, endpoint)),
        types=endpoint.types,
    )


async def list_endpoints(platform: Platform, account_id: UUID) -> list[EndpointSettings]:
    """Returns all endpoints of an account, by mode and name."""
    async with platform.pool.acquire() as connection:
        found = await endpoints.every(connection, account_id)
    return [shown_settings(platform.cipher, endpoint) for endpoint in found]


async def reveal_endpoints(platform: Platform, account_id: UUID) -> list[EndpointSettings]:
    """Returns the same for somebody who is shown the secrets, which is written down."""
    async with platform.pool.acquire() as connection, connection.transaction():
        found = await endpoints.every(connection, account_id)
        for endpoint in found:
            await note_endpoint(connection, platform, AuditedAct.ENDPOINT_REVEALED, endpoint)
    return [shown_settings(platform.cipher, endpoint) for endpoint in found]


async def reveal_endpoint(platform: Platform, scope: Scope, name: str) -> EndpointSettings:
    """Returns an endpoint for somebody who is shown its secrets, which is written down."""
    async with changing(platform, scope, name) as (work, endpoint):
        await note_endpoint(work.connection, platform, AuditedAct.ENDPOINT_REVEALED, endpoint)
    return shown_settings(platform.cipher, endpoint)


@asynccontextmanager
async def changing(
    platform: Platform, scope: Scope, name: str
) -> AsyncGenerator[tuple[UnitOfWork, EndpointDetails]]:
    """A transaction in which an endpoint is changed, its row locked. Raises EndpointMissing."""
    async with (
        platform.pool.acquire() as connection,
        platform.transaction(connection) as work,
    ):
        endpoint = await endpoints.lock(connection, scope, name)
        if endpoint is None:
            raise EndpointMissing(name)
        yield work, endpoint


async def read_again(
    connection: Connection, platform: Platform, changed: EndpointDetails
) -> EndpointSettings:
    """Returns an endpoint as it is after a change."""
    endpoint = await endpoints.lock(connection, changed.scope, changed.name)
    return shown_settings(platform.cipher, endpoint or changed)


async def set_endpoint(
    platform: Platform, scope: Scope, url: str | None, name: str = DEFAULT_ENDPOINT
) -> EndpointSettings:
    """Sends webhooks to `url` from now on; None sends none. Makes the endpoint if it is new.

    What waits for the endpoint goes to the new address; without one, it waits. `url` has been
    checked by the caller. Raises AccountRefusedError for a name that is none, and for one endpoint
    too many.
    """
    checked_name(name)
    id = new_id()
    async with platform.pool.acquire() as connection, connection.transaction():
        secret = platform.cipher.encrypt(new_token(SECRET_PREFIX), id.bytes)
        names = await endpoints.names(connection, scope)
        if name not in names and len(names) >= MOST_ENDPOINTS:
            raise AccountRefusedError(
                f"an account has at most {MOST_ENDPOINTS} endpoints in a mode"
            )
        if await endpoints.insert(connection, scope, id, name, url, secret):
            facts = {"name": name, "url": place_of(url)}
            await audit.note(
                connection, platform.by, AuditedAct.ENDPOINT_CREATED, id, facts, of=scope
            )
    if url is not None:
        await _let_begin_anew(platform, scope, name)
    async with changing(platform, scope, name) as (work, endpoint):
        if endpoint.url != url:
            await endpoints.set_url(work, scope, endpoint.id, url)
            await failures.forgive(work.connection, scope.account_id)
            facts = {"url": [place_of(endpoint.url), place_of(url)]}
            await note_endpoint(
                work.connection, platform, AuditedAct.ENDPOINT_CHANGED, endpoint, facts
            )
        return await read_again(work.connection, platform, endpoint)


async def _let_begin_anew(platform: Platform, scope: Scope, name: str) -> None:
    """Gives what waits for an endpoint that is sent nothing a fresh round, all of it due now.

    While it is still sent nothing, and a few at a time: should that be interrupted, nothing is
    lost, and it is done again.
    """
    async with platform.pool.acquire() as connection:
        of_account = await endpoints.every(connection, scope.account_id)
        now = await pool.clock(connection)
    for endpoint in of_account:
        is_it = (endpoint.scope, endpoint.name) == (scope, name)
        while is_it and not (endpoint.is_enabled and endpoint.url):
            async with platform.pool.acquire() as connection:
                if not await messages.begin_anew(connection, endpoint.id, now, _AT_A_TIME):
                    break


async def waiting(platform: Platform, account_id: UUID) -> dict[tuple[Scope, str], int]:
    """Returns how many webhooks wait for each endpoint, counted up to `MOST_WAITING`."""
    async with platform.pool.acquire() as connection:
        return await message_counts.waiting(connection, account_id, MOST_WAITING)


def place_of(url: str | None) -> str | None:
    """Returns where a URL leads, without its path and query: they may hold a secret."""
    if url is None:
        return None
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


async def note_endpoint(
    connection: Connection,
    platform: Platform,
    act: AuditedAct,
    endpoint: EndpointDetails,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Writes down what was done to an endpoint, in the transaction of the act."""
    noted = {"name": endpoint.name, **(facts or {})}
    await audit.note(connection, platform.by, act, endpoint.id, noted, of=endpoint.scope)


async def set_enabled(
    platform: Platform, scope: Scope, name: str, *, enabled: bool
) -> EndpointSettings:
    """Lets an endpoint rest, or work again. Raises EndpointMissing.

    A resting endpoint gets no new messages, and nothing is sent to it. What waits for it stays,
    uses up no attempts, and is sent once it works again; `resend_since` tells what it was never
    told of.
    """
    if enabled:
        await _let_begin_anew(platform, scope, name)
    async with changing(platform, scope, name) as (work, endpoint):
        await endpoints.set_enabled(work, scope, endpoint.id, enabled=enabled)
        await failures.forgive(work.connection, scope.account_id)
        act = AuditedAct.ENDPOINT_ENABLED if enabled else AuditedAct.ENDPOINT_DISABLED
        await note_endpoint(work.connection, platform, act, endpoint)
        return await read_again(work.connection, platform, endpoint)


async def rotate(
    platform: Platform, scope: Scope, overlap: timedelta, name: str = DEFAULT_ENDPOINT
) -> EndpointSettings:
    """Makes a new secret, which signs after `overlap` or once the rotation is finished by hand.

    Until then the old one signs. A rotation that still runs begins anew: the secret that it had
    made never signs. Raises EndpointMissing.
    """
    async with changing(platform, scope, name) as (work, endpoint):
        secret = platform.cipher.encrypt(new_token(SECRET_PREFIX), endpoint.id.bytes)
        await endpoints.rotate(work.connection, endpoint, secret, overlap)
        facts = {"overlap_seconds": overlap.total_seconds()}
        await note_endpoint(work.connection, platform, AuditedAct.ENDPOINT_ROTATED, endpoint, facts)
        return await read_again(work.connection, platform, endpoint)


async def finish_rotation(
    platform: Platform, scope: Scope, name: str = DEFAULT_ENDPOINT
) -> EndpointSettings:
    """Lets the new secret sign from now on; no harm when none waits. Raises EndpointMissing."""
    async with changing(platform, scope, name) as (work, endpoint):
        await endpoints.finish_rotation(work.connection, endpoint)
        await note_endpoint(
            work.connection, platform, AuditedAct.ENDPOINT_ROTATION_FINISHED, endpoint
        )
        return await read_again(work.connection, platform, endpoint)


async def send_test(
    platform: Platform,
    scope: Scope,
    type: str | None = None,
    url: str | None = None,
    endpoint: str = DEFAULT_ENDPOINT,
) -> UUID:
    """Queues one signed test, tried once; returns the id by which its event is known.

    `type` is one of the dialect's, by default the one that tells of a new delivery. `url` has been
    checked by the caller; by default it is the endpoint's own. It is signed with the secret of the
    endpoint of that name. Raises EndpointMissing when there is no address at all.
    """
    id = new_id()
    account = platform.connections.account(scope.account_id)
    async with account as connection, platform.transaction(connection) as work:
        if type is None:
            dialect = platform.dialects[await accounts.dialect_of(connection, scope.account_id)]
            type = dialect.announcements(None, Progress(Status.PENDING, Status.PENDING))[0]
        if not await messages.insert_test(work, scope, id, endpoint, type, url):
            raise EndpointMissing(endpoint)
        await failures.probe(connection, scope.account_id)
        facts = {"type": type, "url": place_of(url)}
        await audit.note(connection, platform.by, AuditedAct.WEBHOOKS_TESTED, id, facts, of=scope)
    return id


async def attempts_of(
    platform: Platform, scope: Scope, delivery_id: UUID, limit: int = 100
) -> list[Attempt]:
    """Returns the latest attempts for the events of a delivery, newest first."""
    async with platform.pool.acquire() as connection:
        return await attempts.of_delivery(connection, scope, delivery_id, limit)


async def attempts_since(
    platform: Platform, scope: Scope, since: datetime, limit: int = 100
) -> list[Attempt]:
    """Returns the latest attempts for an account since a time, newest first, tests included."""
    async with platform.pool.acquire() as connection:
        return await attempts.since(connection, scope, since, limit)
