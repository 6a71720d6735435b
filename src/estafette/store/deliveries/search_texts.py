"""What is searched: the texts, written with their deliveries, and their grams, added later.

The index of grams costs as much as all else that a create writes, so the texts of an account and
mode are given their grams in the order of their creation, in bulk, by whoever has time. How far
that has come is kept beside them; a search looks through the texts after it. Texts never appear
before the newest: see `usecases.create`.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Mode, Scope
from estafette.core.deliveries.delivery import Delivery
from estafette.core.deliveries.search import grams_of, searched_text
from estafette.store.columns import Columns, insertion, rows
from estafette.store.pool import Connection

_PLACE = Columns[Delivery](
    {
        "account_id": ("uuid", lambda delivery: delivery.scope.account_id),
        "mode": ("text", lambda delivery: delivery.scope.mode),
        "created_at": ("timestamptz", lambda delivery: delivery.created_at),
        "delivery_id": ("uuid", lambda delivery: delivery.id),
    }
)
_KEY = _PLACE.only("account_id", "delivery_id")
_TEXTS = _PLACE + Columns[Delivery]({"content": ("text", searched_text)})
_KEEP = insertion("search_texts", _TEXTS.types, rows(_TEXTS))


async def keep(connection: Connection, deliveries: Sequence[Delivery]) -> None:
    """Lets new deliveries be searched; those without a reference are not."""
    found = [delivery for delivery in deliveries if delivery.reference is not None]
    if found:
        await connection.execute(_KEEP, *_TEXTS.of(found))


# A transaction that began before the newest was created may still be under way at the turn of a
# year, when numbers are given in two series: what is this young waits.
_SETTLED = "now() - interval '2 seconds'"

# Whose oldest text has waited longest is the first. Each year's series of numbers has its own row.
_BEHIND = f"""
select account_id, mode from delivery_references
left join search_progress using (account_id, mode)
cross join lateral (
    select search_texts.created_at from search_texts
    where search_texts.account_id = delivery_references.account_id
        and search_texts.mode = delivery_references.mode
        and search_texts.created_at > coalesce(indexed_to, '2000-01-01')
        and search_texts.created_at < {_SETTLED}
    order by search_texts.created_at limit 1
) as oldest
where last_at > coalesce(indexed_to, '2000-01-01')
    and (account_id, mode) <> all (select * from unnest($2::uuid[], $3::text[]))
group by account_id, mode order by min(oldest.created_at) limit $1
"""  # noqa: S608 - a constant


async def behind(connection: Connection, limit: int, spared: Collection[Scope]) -> list[Scope]:
    """At most `limit` accounts and modes with texts that wait for their grams, but the spared ones.

    Those whose oldest text has waited longest.
    """
    found = await connection.fetch(
        _BEHIND, limit, [scope.account_id for scope in spared], [scope.mode for scope in spared]
    )
    return [Scope(row["account_id"], Mode(row["mode"])) for row in found]


async def look_again(connection: Connection, scope: Scope, since: datetime) -> None:
    """Lets the texts after a time be looked through, and be given grams, once more.

    For texts that are written at a time which the index has passed already.
    """
    await connection.execute(
        "update search_progress set indexed_to = $3"
        " where account_id = $1 and mode = $2 and indexed_to > $3",
        *scope,
        since,
    )


class _Text(NamedTuple):
    created_at: datetime
    delivery_id: UUID
    content: str


_NEXT = f"""
select created_at, delivery_id, content from search_texts
where account_id = $1 and mode = $2 and created_at > $3 and created_at <= (
    select max(created_at) from (
        select created_at from search_texts
        where account_id = $1 and mode = $2 and created_at > $3 and created_at < {_SETTLED}
        order by created_at limit $4
    ) as oldest
)
order by created_at, delivery_id
"""  # noqa: S608 - a constant

_INDEX = """
insert into search_grams (account_id, mode, created_at, delivery_id, content, grams)
select $1::uuid, $2::text, created_at, delivery_id, content, ('{' || grams || '}')::integer[]
from unnest($3::timestamptz[], $4::uuid[], $5::text[], $6::text[])
    as input (created_at, delivery_id, content, grams)
"""


async def index_next(connection: Connection, scope: Scope, limit: int) -> int:
    """Gives the oldest texts that wait for it their grams; counts them.

    About `limit` of them: those of the same time go together. In the caller's transaction; does
    nothing while another one does it for the same account and mode.
    """
    of = (scope.account_id, scope.mode)
    await connection.execute(
        "insert into search_progress (account_id, mode, indexed_to)"
        " values ($1, $2, '2000-01-01') on conflict do nothing",
        *of,
    )
    indexed_to = await connection.fetchval(
        "select indexed_to from search_progress where account_id = $1 and mode = $2"
        " for update skip locked",
        *of,
    )
    if indexed_to is None:
        return 0
    texts = [_Text(**row) for row in await connection.fetch(_NEXT, *of, indexed_to, limit)]
    if texts:
        await connection.execute(
            _INDEX,
            *of,
            [text.created_at for text in texts],
            [text.delivery_id for text in texts],
            [text.content for text in texts],
            [",".join(map(str, grams_of(scope, text.content))) for text in texts],
        )
        await connection.execute(
            "update search_progress set indexed_to = $3 where account_id = $1 and mode = $2",
            *of,
            texts[-1].created_at,
        )
    return len(texts)


# who gives texts their grams has read the texts already
_NO_GRAMS_MEANWHILE = """
select from search_progress where account_id = any($1::uuid[]) order by account_id, mode for update
"""
_ERASE_TEXTS = f"""
delete from search_texts using {rows(_PLACE, name="gone")}
where search_texts.account_id = gone.account_id and search_texts.mode = gone.mode
    and search_texts.created_at = gone.created_at and search_texts.delivery_id = gone.delivery_id
"""  # noqa: S608 - the columns are a constant
_ERASE_GRAMS = f"""
delete from search_grams using {rows(_KEY, name="gone")}
where search_grams.account_id = gone.account_id and search_grams.delivery_id = gone.delivery_id
"""  # noqa: S608 - the columns are a constant


async def erase(connection: Connection, deliveries: Sequence[Delivery]) -> None:
    """Removes the texts of deliveries, and their grams; they are found no more."""
    accounts = [delivery.scope.account_id for delivery in deliveries]
    await connection.execute(_NO_GRAMS_MEANWHILE, accounts)
    await connection.execute(_ERASE_TEXTS, *_PLACE.of(deliveries))
    await connection.execute(_ERASE_GRAMS, *_KEY.of(deliveries))
