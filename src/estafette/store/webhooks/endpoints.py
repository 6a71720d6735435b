"""Changing webhook endpoints: where they are, what signs for them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from estafette.core.accounts.account import Mode, Scope
from estafette.store import signals
from estafette.store.accounts import table as accounts
from estafette.store.pool import Connection
from estafette.store.work import UnitOfWork


class EndpointDetails(NamedTuple):
    """An endpoint as it is now, by the database's clock; the secrets and headers are encrypted.

    `secret` signs now; `next_secret` will from `next_secret_from` on, while a rotation runs.
    `order_seconds` is how long a webhook waits for an earlier one of its delivery, None: as the
    dialect says. `disabled_why` is None where it was disabled by hand. `types` are the
    announcements that it wants, None: all that its dialect makes.
    """

    scope: Scope
    id: UUID
    name: str
    url: str | None
    secret: bytes
    next_secret: bytes | None
    next_secret_from: datetime | None
    disabled_at: datetime | None
    disabled_why: str | None
    format: str
    order_seconds: int | None
    headers: bytes | None
    types: tuple[str, ...] | None = None

    @property
    def is_enabled(self) -> bool:
        """Whether it is sent webhooks, where it has an address."""
        return self.disabled_at is None


_CURRENT = (
    "case when next_secret_from <= now() then next_secret else secret end as secret,"
    " case when next_secret_from > now() then next_secret end as next_secret,"
    " case when next_secret_from > now() then next_secret_from end as next_secret_from"
)
_ENDPOINT = (
    f"account_id, mode, id, name, url, {_CURRENT}, disabled_at, disabled_why, format,"
    " order_seconds, headers, types"
)


def _endpoint(row: asyncpg.Record) -> EndpointDetails:
    fields: dict[str, Any] = dict(row)
    if fields["types"] is not None:
        fields["types"] = tuple(fields["types"])
    return EndpointDetails(Scope(fields.pop("account_id"), Mode(fields.pop("mode"))), **fields)


async def every(connection: Connection, account_id: UUID) -> list[EndpointDetails]:
    """All endpoints of an account, by mode and name."""
    found = await connection.fetch(
        f"select {_ENDPOINT} from endpoints"  # noqa: S608 - a constant
        " where account_id = $1 and removed_at is null order by mode, name",
        account_id,
    )
    return [_endpoint(row) for row in found]


async def names(connection: Connection, scope: Scope) -> set[str]:
    """The names of an account's endpoints in a mode; until the transaction ends nobody adds one."""
    await accounts.lock(connection, scope.account_id)
    found = await connection.fetch(
        "select name from endpoints where account_id = $1 and mode = $2 and removed_at is null",
        *scope,
    )
    return {row["name"] for row in found}


async def lock(connection: Connection, scope: Scope, name: str) -> EndpointDetails | None:
    """The endpoint of that name, its row locked for this transaction."""
    row = await connection.fetchrow(
        f"select {_ENDPOINT} from endpoints"  # noqa: S608 - a constant
        " where account_id = $1 and mode = $2 and name = $3 and removed_at is null for update",
        *scope,
        name,
    )
    return _endpoint(row) if row else None


async def insert(
    connection: Connection, scope: Scope, id: UUID, name: str, url: str | None, secret: bytes
) -> bool:
    """Writes a new endpoint; False when its name is taken."""
    status = await connection.execute(
        "insert into endpoints (account_id, mode, id, name, url, secret)"
        " values ($1, $2, $3, $4, $5, $6) on conflict (account_id, mode, name) do nothing",
        *scope,
        id,
        name,
        url,
        secret,
    )
    return status.endswith(" 1")


async def set_url(work: UnitOfWork, scope: Scope, id: UUID, url: str | None) -> None:
    """Changes where webhooks go, from the next attempt on; None: nowhere."""
    await work.connection.execute(
        "update endpoints set url = $4 where account_id = $1 and mode = $2 and id = $3",
        *scope,
        id,
        url,
    )
    work.signal(signals.OUTBOX)  # something may have waited for it


async def set_enabled(work: UnitOfWork, scope: Scope, id: UUID, *, enabled: bool) -> None:
    """Lets an endpoint rest, or work again."""
    await work.connection.execute(
        "update endpoints set disabled_at = case when $4 then null"
        " else coalesce(disabled_at, now()) end,"
        " disabled_why = case when not $4 then disabled_why end"
        " where account_id = $1 and mode = $2 and id = $3",
        *scope,
        id,
        enabled,
    )
    work.signal(signals.OUTBOX)  # something may have waited for it


_DISABLE_GONE = f"""
update endpoints set disabled_at = now(), disabled_why = 'gone'
from unnest($1::uuid[], $2::uuid[]) as gone (of_account, gone_id)
where account_id = of_account and id = gone_id and disabled_at is null and url is not null
returning {_ENDPOINT}
"""  # noqa: S608 - a constant


async def disable_gone(
    connection: Connection, gone: Sequence[tuple[UUID, UUID]]
) -> list[EndpointDetails]:
    """Lets endpoints rest that are gone: the account and the id of each; gives them as they are.

    Those that rest already, or have no URL, stay as they are.
    """
    accounts, ids = [account for account, _ in gone], [id for _, id in gone]
    return [_endpoint(row) for row in await connection.fetch(_DISABLE_GONE, accounts, ids)]


async def set_options(connection: Connection, changed: EndpointDetails) -> None:
    """Writes the format, the order, the headers and the types as they are in `changed`."""
    await connection.execute(
        "update endpoints set format = $4, order_seconds = $5, headers = $6, types = $7"
        " where account_id = $1 and mode = $2 and id = $3",
        *changed.scope,
        changed.id,
        changed.format,
        changed.order_seconds,
        changed.headers,
        changed.types,
    )


async def remove(connection: Connection, endpoint: EndpointDetails, secret: bytes) -> None:
    """Takes an endpoint out of use for good; its name is free again.

    The row stays for as long as messages tell of it, under a name that no endpoint can be given,
    with `secret` in the place of its secrets.
    """
    await connection.execute(
        "update endpoints set removed_at = now(), disabled_at = coalesce(disabled_at, now()),"
        " name = name || ' (removed ' || id || ')', url = null, secret = $4, next_secret = null,"
        " next_secret_from = null, headers = null"
        " where account_id = $1 and mode = $2 and id = $3",
        *endpoint.scope,
        endpoint.id,
        secret,
    )


async def forget_removed(connection: Connection, before: datetime) -> int:
    """Deletes the endpoints that were removed before a time and have no messages left."""
    status = await connection.execute(
        "delete from endpoints where removed_at < $1 and not exists (select from messages"
        " where messages.state = 'pending' and messages.endpoint_id = endpoints.id)",
        before,
    )
    return int(status.rpartition(" ")[2])


async def rotate(
    connection: Connection, endpoint: EndpointDetails, next_secret: bytes, overlap: timedelta
) -> None:
    """Lets what signs now go on for `overlap`, and `next_secret` sign from then on."""
    await connection.execute(
        "update endpoints set secret = $4, next_secret = $5, next_secret_from = now() + $6"
        " where account_id = $1 and mode = $2 and id = $3",
        *endpoint.scope,
        endpoint.id,
        endpoint.secret,
        next_secret,
        overlap,
    )


async def finish_rotation(connection: Connection, endpoint: EndpointDetails) -> None:
    """Lets the next secret sign from now on."""
    await connection.execute(
        "update endpoints set secret = $4, next_secret = null, next_secret_from = null"
        " where account_id = $1 and mode = $2 and id = $3",
        *endpoint.scope,
        endpoint.id,
        endpoint.next_secret or endpoint.secret,
    )


class SealedEndpoint(NamedTuple):
    """An endpoint's secrets, its headers among them."""

    account_id: UUID
    id: UUID
    secret: bytes
    next_secret: bytes | None
    headers: bytes | None


async def sealed(
    connection: Connection, after: tuple[UUID, UUID], limit: int
) -> list[SealedEndpoint]:
    """At most `limit` endpoints after an account and id, their rows locked for this transaction."""
    found = await connection.fetch(
        "select account_id, id, secret, next_secret, headers from endpoints"
        " where (account_id, id) > ($1, $2) order by account_id, id limit $3 for update",
        *after,
        limit,
    )
    return [SealedEndpoint(**row) for row in found]


async def write_sealed(connection: Connection, changed: Sequence[SealedEndpoint]) -> None:
    """Writes the secrets of endpoints."""
    await connection.execute(
        "update endpoints set secret = input.secret, next_secret = input.next_secret,"
        " headers = input.headers"
        " from unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::bytea[], $5::bytea[])"
        " as input (account_id, id, secret, next_secret, headers)"
        " where endpoints.account_id = input.account_id and endpoints.id = input.id",
        *map(list, zip(*changed, strict=True)),
    )


async def newest(connection: Connection, limit: int) -> list[SealedEndpoint]:
    """The endpoints that were made last, of all accounts. It reads through all of them."""
    found = await connection.fetch(
        "select account_id, id, secret, next_secret, headers from endpoints"
        " order by id desc limit $1",
        limit,
    )
    return [SealedEndpoint(**row) for row in found]
