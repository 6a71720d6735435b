"""The endpoints that only fail: what waits for them too long, and which say that they are gone.

A row of `endpoint_failures` is written with the results of attempts (`outbox.record`) and deleted
by the first answer.
"""

from datetime import timedelta
from typing import Final, NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Mode, Scope
from estafette.store.pool import Connection

_KEPT_WAITING: Final = timedelta(hours=24)
"""How long a message waits past its time for an endpoint that rests: as long as a message is tried
by the longest published schedule. Then it is dead: kept, shown, and sent again by hand."""

_MOST_GIVEN_UP: Final = 1_000

_GIVE_UP = """
update messages set state = 'dead', leased_by = null
where ctid = any (array(
    select late.place from endpoint_failures
    join endpoints on endpoints.account_id = endpoint_failures.account_id
        and endpoints.id = endpoint_id and disabled_at is null and url is not null
    cross join lateral (
        select ctid as place from messages
        where state = 'pending' and endpoint_id = endpoints.id and due_at < now() - $1::interval
        order by due_at limit $2
        for update skip locked
    ) late
    where rests_until is not null limit $2
)) and state = 'pending'
"""

# What its removal did not come to end, and what was being made meanwhile.
_END_REMOVED = """
update messages set state = 'dead', leased_by = null
where ctid = any (array(
    select left_over.place from endpoints cross join lateral (
        select ctid as place from messages
        where state = 'pending' and endpoint_id = endpoints.id
        order by due_at limit $1
        for update skip locked
    ) left_over
    where removed_at is not null limit $1
)) and state = 'pending'
"""


async def give_up(connection: Connection) -> int:
    """Lets messages be dead that have waited for a day for endpoints that only fail.

    And those that wait for endpoints that were removed. What waits for one that is disabled or has
    no URL stays. Returns how many, at most `_MOST_GIVEN_UP` of each at a time.
    """
    late = await connection.execute(_GIVE_UP, _KEPT_WAITING, _MOST_GIVEN_UP)
    left_over = await connection.execute(_END_REMOVED, _MOST_GIVEN_UP)
    return sum(int(status.rpartition(" ")[2]) for status in (late, left_over))


async def forgive(connection: Connection, account_id: UUID) -> None:
    """Lets what the endpoints of an account failed be forgotten: somebody has put it right."""
    await connection.execute("delete from endpoint_failures where account_id = $1", account_id)


async def probe(connection: Connection, account_id: UUID) -> None:
    """Ends the rest of an account's endpoints: each is sent one message, to see how it does."""
    await connection.execute(
        "update endpoint_failures set rests_until = now()"
        " where account_id = $1 and rests_until is not null",
        account_id,
    )


class Gone(NamedTuple):
    """An endpoint that was disabled: it said `times` and for `seconds` that it is gone."""

    scope: Scope
    id: UUID
    name: str
    times: int
    seconds: float


_DISABLE_GONE = """
with gone as (
    select account_id, endpoint_id, gone, extract(epoch from now() - gone_since)::float8 as seconds
    from endpoint_failures
    where gone >= $1 and gone_since <= now() - $2::interval
    limit $3
)
update endpoints set disabled_at = now(), disabled_why = 'gone'
from gone
where endpoints.account_id = gone.account_id and endpoints.id = gone.endpoint_id
    and disabled_at is null and url is not null
returning endpoints.account_id, mode, id, name, gone.gone, gone.seconds
"""

_FORGET_DISABLED = """
delete from endpoint_failures using unnest($1::uuid[]) as disabled (id) where endpoint_id = id
"""


async def disable_gone(
    connection: Connection, times: int, within: timedelta, limit: int
) -> list[Gone]:
    """Disables endpoints that have said nothing but that they are gone, so often and for so long.

    At most `limit` at a time; in the caller's transaction.
    """
    found = await connection.fetch(_DISABLE_GONE, times, within, limit)
    await connection.execute(_FORGET_DISABLED, [row["id"] for row in found])
    return [
        Gone(Scope(row["account_id"], Mode(row["mode"])), row["id"], row["name"], *tuple(row)[4:])
        for row in found
    ]
