"""The words by which people find deliveries, given to them some time after their creation.

In the order of creation, account by account and mode by mode; how far that has come is kept beside
them. What is younger is looked at itself.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Mode, Scope
from estafette.core.deliveries.delivery import Delivery
from estafette.core.deliveries.finding import findable
from estafette.store.columns import Columns, insertion
from estafette.store.columns import rows as given
from estafette.store.deliveries import rows
from estafette.store.pool import Connection

SETTLED_SECONDS = 35
"""Who creates deliveries dates them before its transaction ends. A statement may take 30 seconds,
so none appears before one that is older than this."""

_BEGINNING = UUID(int=0)

# Whose last delivery has no words yet: one descent of the list's index for each account and mode.
_BEHIND = f"""
select accounts.id as account_id, of_mode as mode
from accounts cross join (values ('live'), ('sandbox')) as modes (of_mode)
left join delivery_words_progress as progress
    on progress.account_id = accounts.id and progress.mode = of_mode
cross join lateral (
    select created_at from deliveries
    where (deliveries.mode, deliveries.account_id, created_at, deliveries.id)
            > (of_mode, accounts.id, coalesce(indexed_to, '2000-01-01'),
                coalesce(last_id, '00000000-0000-0000-0000-000000000000'))
        and (deliveries.mode, deliveries.account_id, created_at)
            < (of_mode, accounts.id, now() - interval '{SETTLED_SECONDS} seconds')
    order by deliveries.mode, deliveries.account_id, created_at, deliveries.id limit 1
) as oldest
where (accounts.id, of_mode) <> all (select * from unnest($2::uuid[], $3::text[]))
order by oldest.created_at limit $1
"""  # noqa: S608 - a constant


async def behind(connection: Connection, limit: int, spared: Collection[Scope]) -> list[Scope]:
    """At most `limit` accounts and modes with deliveries that wait for their words.

    Those whose oldest one has waited longest, but for the spared ones.
    """
    found = await connection.fetch(
        _BEHIND, limit, [scope.account_id for scope in spared], [scope.mode for scope in spared]
    )
    return [Scope(row["account_id"], Mode(row["mode"])) for row in found]


class Indexed(NamedTuple):
    """Up to which delivery an account and mode has its words."""

    at: datetime
    id: UUID


_PROGRESS = """
select indexed_to, last_id from delivery_words_progress where account_id = $1 and mode = $2
"""


async def indexed_to(connection: Connection, scope: Scope) -> Indexed | None:
    """How far the words have come; None: nothing has any."""
    row = await connection.fetchrow(_PROGRESS, *scope)
    return Indexed(*row) if row else None


_WORDS = Columns[Delivery](
    {
        "account_id": ("uuid", lambda delivery: delivery.scope.account_id),
        "mode": ("text", lambda delivery: delivery.scope.mode),
        "created_at": ("timestamptz", lambda delivery: delivery.created_at),
        "delivery_id": ("uuid", lambda delivery: delivery.id),
    }
)
_FOUND_BY = Columns[tuple[str, str]](
    {"content": ("text", lambda one: one[0]), "hashes": ("text", lambda one: one[1])}
)
_INSERT = (
    insertion(
        "delivery_words",
        [*_WORDS.types, "content"],
        hashes="hashes::integer[]",
        source=given(_WORDS, _FOUND_BY),
    )
    + " on conflict do nothing"
)
_NEXT = f"""
select {rows.DELIVERY_COLUMNS} from deliveries
where (mode, account_id, created_at, id) > ($2, $1, $3, $4::uuid)
    and (mode, account_id, created_at) < ($2, $1, now() - interval '{SETTLED_SECONDS} seconds')
order by mode, account_id, created_at, id limit $5
"""  # noqa: S608 - the columns are a constant


async def index_next(connection: Connection, scope: Scope, limit: int) -> int:
    """Gives the oldest deliveries that wait for it their words, at most `limit`; counts them.

    In the caller's transaction; does nothing while another one does it for the same account and
    mode.
    """
    await connection.execute(
        "insert into delivery_words_progress (account_id, mode, indexed_to, last_id)"
        " values ($1, $2, '2000-01-01', $3) on conflict do nothing",
        *scope,
        _BEGINNING,
    )
    progress = await connection.fetchrow(f"{_PROGRESS} for update skip locked", *scope)
    if progress is None:
        return 0
    found = [rows.delivery(row) for row in await connection.fetch(_NEXT, *scope, *progress, limit)]
    if found:
        await insert(connection, found)
        await connection.execute(
            "update delivery_words_progress set indexed_to = $3, last_id = $4"
            " where account_id = $1 and mode = $2",
            *scope,
            found[-1].created_at,
            found[-1].id,
        )
    return len(found)


async def insert(connection: Connection, deliveries: Sequence[Delivery]) -> None:
    """Gives deliveries their words."""
    found_by = [
        (one.content, f"{{{','.join(map(str, one.hashes))}}}") for one in map(findable, deliveries)
    ]
    await connection.execute(_INSERT, *_WORDS.of(deliveries), *_FOUND_BY.of(found_by))


_ERASE = f"""
delete from delivery_words using {given(_WORDS, name="gone")}
where delivery_words.account_id = gone.account_id and delivery_words.mode = gone.mode
    and delivery_words.created_at = gone.created_at
    and delivery_words.delivery_id = gone.delivery_id
"""  # noqa: S608 - the columns are a constant


async def erase(connection: Connection, deliveries: Sequence[Delivery]) -> None:
    """Removes the words of deliveries, whose rows are locked.

    Who gives deliveries their words has read them already, and is waited for.
    """
    accounts = [delivery.scope.account_id for delivery in deliveries]
    await connection.execute(
        "select from delivery_words_progress where account_id = any($1::uuid[])"
        " order by account_id, mode for update",
        accounts,
    )
    await connection.execute(_ERASE, *_WORDS.of(deliveries))
