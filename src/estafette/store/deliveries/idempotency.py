"""Idempotency records: what was answered to a key, kept 24 hours.

The table is partitioned by day, so no unique index can hold over midnight. Instead every writer
first takes an advisory lock on its key for its transaction, then reads in a new statement, whose
snapshot sees what the previous holder of the lock committed.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from estafette.core.accounts.account import Scope
from estafette.core.deliveries.delivery import Delivery
from estafette.core.ids import to_base32
from estafette.store.columns import Columns, insertion, rows
from estafette.store.pool import Connection


class Key(NamedTuple):
    """An idempotency key as it is compared: `endpoint` is the method and the path."""

    scope: Scope
    endpoint: str
    key: str


class StoredAnswer(NamedTuple):
    """What was answered: the digest of the request's payload, the status and the body."""

    fingerprint: bytes
    status: int
    body: bytes


def lock_number(*parts: object) -> int:
    """Returns a signed 64-bit number for an advisory lock on `parts`."""
    text = "\x1f".join(map(str, parts)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big", signed=True)


async def lock(connection: Connection, numbers: Iterable[int]) -> None:
    """Waits for the advisory locks `numbers`, in an order in which no two writers can deadlock."""
    ordered = sorted(set(numbers))
    if ordered:
        await connection.execute(
            "select pg_advisory_xact_lock(number) from unnest($1::bigint[]) number", ordered
        )


_FIND = """
select wanted.ordinal, record.fingerprint, record.status, record.body
from unnest($1::uuid[], $2::text[], $3::text[], $4::text[])
    with ordinality as wanted (account_id, mode, endpoint, key, ordinal)
cross join lateral (
    select fingerprint, status, body from idempotency stored
    where stored.account_id = wanted.account_id and stored.mode = wanted.mode
        and stored.endpoint = wanted.endpoint and stored.key = wanted.key
        and stored.created_at > now() - interval '24 hours'
    order by stored.created_at desc limit 1
) record
"""


async def find(connection: Connection, keys: Sequence[Key]) -> dict[Key, StoredAnswer]:
    """Returns what was answered to those of `keys` that were used within 24 hours."""
    if not keys:
        return {}
    found = await connection.fetch(
        _FIND,
        [key.scope.account_id for key in keys],
        [key.scope.mode for key in keys],
        [key.endpoint for key in keys],
        [key.key for key in keys],
    )
    return {
        keys[row["ordinal"] - 1]: StoredAnswer(row["fingerprint"], row["status"], row["body"])
        for row in found
    }


NEW: Final = Columns[tuple[Key, StoredAnswer]](
    {
        "account_id": ("uuid", lambda kept: kept[0].scope.account_id),
        "mode": ("text", lambda kept: kept[0].scope.mode),
        "endpoint": ("text", lambda kept: kept[0].endpoint),
        "key": ("text", lambda kept: kept[0].key),
        "fingerprint": ("bytea", lambda kept: kept[1].fingerprint),
        "status": ("smallint", lambda kept: kept[1].status),
        "body": ("bytea", lambda kept: kept[1].body),
    }
)
"""What is kept of an answer."""


def keeping(first: int) -> str:
    """Returns the statement that keeps answers, whose parameters are numbered from `first`."""
    return insertion("idempotency", NEW.types, rows(NEW, first=first))


_KEEP = keeping(1)


async def insert(connection: Connection, records: Sequence[tuple[Key, StoredAnswer]]) -> None:
    """Keeps what was answered. The keys' locks must be held and the keys be unused."""
    if records:
        await connection.execute(_KEEP, *NEW.of(records))


class KeptAnswer(NamedTuple):
    """An answer that is kept for repetitions, and where; `dialect` is its account's."""

    partition: int
    row: tuple[int, int]
    dialect: str
    body: bytes


_ANSWERS = """
select idempotency.tableoid as partition, idempotency.ctid as row, dialect, body
from idempotency join accounts on accounts.id = account_id
where account_id = $1 and mode = $2 and status < 400
    and idempotency.created_at >= $3::timestamptz - interval '1 hour'
    and exists (
        select from unnest($4::text[]) as wanted (id)
        where position(convert_to(wanted.id, 'UTF8') in body) > 0
    )
"""


async def answers_about(
    connection: Connection, scope: Scope, deliveries: Sequence[Delivery]
) -> list[KeptAnswer]:
    """Returns the kept answers that name some deliveries of an account and mode, refusals left out.

    Looks through all of theirs since the first of the deliveries was created.
    """
    found = await connection.fetch(
        _ANSWERS,
        *scope,
        min(delivery.created_at for delivery in deliveries),
        [text for one in deliveries for text in (str(one.id), to_base32(one.id))],
    )
    return [KeptAnswer(**row) for row in found]


async def rewrite(connection: Connection, answer: KeptAnswer, body: bytes) -> None:
    """Writes a kept answer anew, in the transaction that has read it.

    It stays: without it a repeated request would be done again.
    """
    await connection.execute(
        "update idempotency set body = $3 where tableoid = $1 and ctid = $2",
        answer.partition,
        answer.row,
        body,
    )
