"""Erasing personal data: how far it has come, what waits for it, and all that has a copy.

An account's deliveries are taken in the order of their ids, which is that of time.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from estafette.core.deliveries.delivery import FINAL, Delivery
from estafette.store.couriers import dispatches
from estafette.store.deliveries import events, phone_index, recipient_words, search_texts, words
from estafette.store.deliveries import table as deliveries
from estafette.store.deliveries.phone_index import Indexed
from estafette.store.fleet import assignments
from estafette.store.pool import Connection
from estafette.store.proofs import table as proofs
from estafette.store.quotes import table as quotes
from estafette.store.webhooks import attempts


class ErasureProgress(NamedTuple):
    """Up to which of an account's deliveries phones are indexed and personal data is erased."""

    indexed_to: UUID
    erased_to: UUID


_BEGIN = """
insert into personal_data_progress (account_id, indexed_to, erased_to)
values ($1, '00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000000')
on conflict do nothing
"""


async def lock_progress(connection: Connection, account_id: UUID) -> ErasureProgress | None:
    """How far the work has come, locked for this transaction; None while another is at it."""
    await connection.execute(_BEGIN, account_id)
    row = await connection.fetchrow(
        "select indexed_to, erased_to from personal_data_progress where account_id = $1"
        " for update skip locked",
        account_id,
    )
    return ErasureProgress(**row) if row else None


async def set_progress(connection: Connection, account_id: UUID, progress: ErasureProgress) -> None:
    """Keeps how far the work has come."""
    await connection.execute(
        "update personal_data_progress set indexed_to = $2, erased_to = $3 where account_id = $1",
        account_id,
        *progress,
    )


async def indexed_to(connection: Connection, account_id: UUID) -> UUID:
    """The delivery of an account up to which phones are indexed; before all, where none is."""
    found = await connection.fetchval(
        "select indexed_to from personal_data_progress where account_id = $1", account_id
    )
    return found or UUID(int=0)


async def index_anew(connection: Connection) -> None:
    """Lets the phones of all deliveries be indexed once more."""
    await connection.execute(
        "update personal_data_progress set indexed_to = '00000000-0000-0000-0000-000000000000'"
    )


async def put_off(
    connection: Connection, wanted: Sequence[tuple[UUID, UUID]], *, on_request: bool
) -> None:
    """Lets deliveries be erased later: when they have ended, or ended for long enough."""
    await connection.execute(
        "insert into erasures_due as due (account_id, delivery_id, wanted_at)"
        " select account_id, id, case when $3 then now() end"
        " from unnest($1::uuid[], $2::uuid[]) as input (account_id, id)"
        " join deliveries using (account_id, id) where erased_at is null"
        " on conflict (account_id, delivery_id)"
        " do update set wanted_at = coalesce(due.wanted_at, excluded.wanted_at)",
        *map(list, zip(*wanted, strict=True)),
        on_request,
    )


_DUE = """
select delivery_id from erasures_due
join deliveries on deliveries.account_id = erasures_due.account_id and id = delivery_id
where erasures_due.account_id = $1 and delivery_id > $2 and deliveries.status = any($3)
    and (wanted_at is not null or deliveries.updated_at < $4)
order by delivery_id limit $5
"""


async def due(
    connection: Connection, account_id: UUID, after: UUID, ended_before: datetime, limit: int
) -> list[UUID]:
    """An account's deliveries after an id that were put off and can be erased now."""
    found = await connection.fetch(_DUE, account_id, after, list(FINAL), ended_before, limit)
    return [row["delivery_id"] for row in found]


async def erase(
    connection: Connection, erased: Sequence[Delivery], entries: Sequence[Indexed]
) -> None:
    """Writes erased deliveries, whose rows are locked, and removes what was made of their data.

    `entries` are theirs in the index of phones.
    """
    accounts, ids = [one.scope.account_id for one in erased], [one.id for one in erased]
    await search_texts.erase(connection, erased)
    await words.erase(connection, erased)
    await deliveries.erase(connection, erased)
    await events.erase_notes(connection, accounts, ids)
    await dispatches.erase(connection, accounts, ids)
    await quotes.erase(connection, erased)
    await attempts.erase(connection, accounts, ids)
    await proofs.erase(connection, accounts, ids)
    await assignments.erase_reasons(connection, erased)
    await recipient_words.erase(connection, accounts, ids)
    await phone_index.erase(connection, entries)
    await connection.execute(_NO_LONGER_DUE, accounts, ids)


_NO_LONGER_DUE = """
delete from erasures_due
using unnest($1::uuid[], $2::uuid[]) as gone (account_id, delivery_id)
where erasures_due.account_id = gone.account_id and erasures_due.delivery_id = gone.delivery_id
"""
