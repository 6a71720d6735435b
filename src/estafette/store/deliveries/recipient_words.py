"""What recipients say of where and when a parcel shall come."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from estafette.core.accounts.account import Scope
from estafette.core.deliveries.places import RecipientWords
from estafette.core.point import Point
from estafette.store.pool import Connection

# What is left out stays as it was said before.
_SAY = """
insert into recipient_words as known (account_id, mode, delivery_id, latitude, longitude, landmark,
    note, wanted_from, wanted_until)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (account_id, delivery_id) do update set
    latitude = coalesce(excluded.latitude, known.latitude),
    longitude = coalesce(excluded.longitude, known.longitude),
    landmark = coalesce(excluded.landmark, known.landmark),
    note = coalesce(excluded.note, known.note),
    wanted_from = coalesce(excluded.wanted_from, known.wanted_from),
    wanted_until = coalesce(excluded.wanted_until, known.wanted_until),
    changes = known.changes + 1,
    said_at = now()
where known.changes < $10
"""


async def say(
    connection: Connection, scope: Scope, delivery_id: UUID, words: RecipientWords, most: int
) -> bool:
    """Writes what is said of a delivery over what was said; False when that was `most` times."""
    point = words.point
    status = await connection.execute(
        _SAY,
        *scope,
        delivery_id,
        point and point.latitude,
        point and point.longitude,
        words.landmark,
        words.note,
        words.wanted_from,
        words.wanted_until,
        most,
    )
    return status.endswith(" 1")


_OF = """
select words.account_id, words.delivery_id, latitude, longitude, landmark, note, wanted_from,
    wanted_until, said_at
from unnest($1::uuid[], $2::uuid[]) as input (account_id, delivery_id)
join recipient_words words
    on words.account_id = input.account_id and words.delivery_id = input.delivery_id
"""


async def of_deliveries(
    connection: Connection, wanted: Sequence[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], RecipientWords]:
    """What was said of deliveries, by account and delivery; those of which nothing was are not."""
    found = await connection.fetch(_OF, [one for one, _ in wanted], [id for _, id in wanted])
    return {(row["account_id"], row["delivery_id"]): _read(row) for row in found}


def _read(row: asyncpg.Record) -> RecipientWords:
    point = None if row["latitude"] is None else Point(row["latitude"], row["longitude"])
    return RecipientWords(
        said_at=row["said_at"],
        point=point,
        landmark=row["landmark"],
        note=row["note"],
        wanted_from=row["wanted_from"],
        wanted_until=row["wanted_until"],
    )


async def erase(connection: Connection, accounts: Sequence[UUID], ids: Sequence[UUID]) -> None:
    """Removes what was said of deliveries whose personal data is erased."""
    await connection.execute(
        "delete from recipient_words words"
        " using unnest($1::uuid[], $2::uuid[]) as gone (account_id, delivery_id)"
        " where words.account_id = gone.account_id and words.delivery_id = gone.delivery_id",
        accounts,
        ids,
    )
