"""The endpoints that only fail: how often, when they rest, and which say that they are gone.

A row of `endpoint_failures` is written with the results of attempts (`outbox.record`) and deleted
by the first answer. Whoever locks several rows does so in the order of their endpoints, or skips
those that others hold: so nobody waits for one who waits for him.
"""

from datetime import timedelta
from typing import Final, NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Scope
from estafette.store.pool import Connection
from estafette.store.webhooks import endpoints

OPENS_AFTER: Final = 5
"""How many failures in a row open an endpoint's breaker: then it is sent one message at a time, to
see whether it still fails, and rests between."""

_FIRST_REST_SECONDS: Final = 5.0
_LONGEST_REST_SECONDS: Final = 50.0
"""Shorter than the shortest wait of a published schedule (a minute, less its jitter): a message
that waits alone is never later for its endpoint's breaker."""

RESTS: Final = (OPENS_AFTER, _FIRST_REST_SECONDS, _LONGEST_REST_SECONDS)
"""What `COUNTING` is given."""

PROBING: Final = """
update endpoint_failures set is_probed = true, rests_until = now() + make_interval(secs => $3)
where endpoint_id = any (array(
    select endpoint_id from endpoint_failures
    where endpoint_id = any ($1::uuid[]) and rests_until <= now()
    for update skip locked
)) and rests_until <= now()
returning endpoint_id
"""
"""Begins to probe those of the endpoints $1 that have rested, for a lease of $3 seconds.

One whose row is locked is left to a later claim: what others write may end its rest or begin one.
"""

# One answer among the results of an endpoint ends its run of failures, and any other failure its
# run of 410s. What fails while it rests was under way when the rest began, and changes nothing but
# the count. `known` locks the rows that there are, in their order, before either of the two that
# follow changes one.
COUNTING: Final = """
told as (
    select endpoint_id, account_id, bool_or(state = 'delivered') as answered, count(*) as times,
        bool_and(http_status is not distinct from 410) as is_gone
    from input where tells group by endpoint_id, account_id order by endpoint_id
),
known as materialized (
    select endpoint_id from endpoint_failures
    where endpoint_id = any (array(select endpoint_id from told))
    order by endpoint_id for update
),
answered as (
    delete from endpoint_failures using told, known
    where endpoint_failures.endpoint_id = told.endpoint_id and told.answered
        and known.endpoint_id = told.endpoint_id
),
failed as (
    insert into endpoint_failures as known (endpoint_id, account_id, failures, rest_seconds,
        rests_until, gone, gone_since)
    select endpoint_id, account_id, times, $18,
        case when times >= $17 then now() + make_interval(secs => $18) end,
        case when is_gone then times else 0 end, case when is_gone then now() end
    from told where not answered and (select count(*) from known) >= 0
    on conflict (endpoint_id) do update set
        gone = case when excluded.gone > 0
            then least(known.gone + excluded.gone, 1000000) else 0 end,
        gone_since = case when excluded.gone > 0 then coalesce(known.gone_since, now()) end,
        failures = least(known.failures + excluded.failures, 1000000),
        rest_seconds = case when known.is_probed then least(2 * known.rest_seconds, $19)
            else known.rest_seconds end,
        rests_until = case
            when known.is_probed
                then now() + make_interval(secs => least(2 * known.rest_seconds, $19))
            when known.rests_until is not null then known.rests_until
            when known.failures + excluded.failures >= $17
                then now() + make_interval(secs => known.rest_seconds)
        end,
        is_probed = false
)
"""
"""Counts what the results of attempts in `input` say of their endpoints; $17 to $19 are `RESTS`."""


_OF_ACCOUNT: Final = """array(
    select endpoint_id from endpoint_failures where account_id = $1 order by endpoint_id for update
)"""


async def forgive(connection: Connection, account_id: UUID) -> None:
    """Lets what the endpoints of an account failed be forgotten: somebody has put it right."""
    await connection.execute(
        f"delete from endpoint_failures where endpoint_id = any ({_OF_ACCOUNT})",  # noqa: S608 - a constant
        account_id,
    )


async def probe(connection: Connection, account_id: UUID) -> None:
    """Ends the rest of an account's endpoints: each is sent one message, to see how it does."""
    await connection.execute(
        "update endpoint_failures set rests_until = now()"  # noqa: S608 - a constant
        f" where endpoint_id = any ({_OF_ACCOUNT}) and rests_until is not null",
        account_id,
    )


async def of_account(connection: Connection, account_id: UUID) -> dict[UUID, int]:
    """Returns the endpoints of an account that fail, each with how often in a row it has."""
    found = await connection.fetch(
        "select endpoint_id, failures from endpoint_failures where account_id = $1", account_id
    )
    return {row["endpoint_id"]: row["failures"] for row in found}


class Gone(NamedTuple):
    """An endpoint that was disabled: it said `times` and for `seconds` that it is gone."""

    scope: Scope
    id: UUID
    name: str
    times: int
    seconds: float


_SAY_GONE = """
select endpoint_id, account_id, gone as times,
    extract(epoch from now() - gone_since)::float8 as seconds
from endpoint_failures
where gone >= $1 and gone_since <= now() - $2::interval
limit $3
"""
_FORGET = """
delete from endpoint_failures where endpoint_id = any (array(
    select endpoint_id from endpoint_failures where endpoint_id = any ($1::uuid[])
    order by endpoint_id for update
))
"""


async def disable_gone(
    connection: Connection, times: int, within: timedelta, limit: int
) -> list[Gone]:
    """Disables endpoints that have said nothing but that they are gone, so often and for so long.

    At most `limit` at a time; in the caller's transaction.
    """
    found = await connection.fetch(_SAY_GONE, times, within, limit)
    said = {row["endpoint_id"]: row for row in found}
    disabled = await endpoints.disable_gone(
        connection, [(row["account_id"], row["endpoint_id"]) for row in found]
    )
    await connection.execute(_FORGET, [one.id for one in disabled])
    return [
        Gone(one.scope, one.id, one.name, said[one.id]["times"], said[one.id]["seconds"])
        for one in disabled
    ]
