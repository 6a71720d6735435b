"""What companies have decided about automatic dispatching, and whose turn it is to be looked at.

A company is looked at by one worker at a time, which holds its row under a lease.
"""

from datetime import timedelta
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from estafette.core.fleet.dispatching import DispatchingRules
from estafette.store.claims import Queue
from estafette.store.pool import Connection

QUEUE: Final = Queue("dispatching", "due_at", lease="leased_until", id="company_id")
_RULES: Final = "automatic, offer_seconds, rounds, most_each, vanish_minutes"


class Turn(NamedTuple):
    """A company whose turn it is, with the number of the claim."""

    company_id: UUID
    attempt: int
    rules: DispatchingRules


class Batch(NamedTuple):
    """A company whose scheduled deliveries are to be planned together."""

    company_id: UUID
    rules: DispatchingRules


async def rules_of(connection: Connection, company_id: UUID) -> DispatchingRules:
    """Returns what a company has decided; without any decision nothing is automatic."""
    row = await connection.fetchrow(
        f"select {_RULES} from dispatching where company_id = $1",  # noqa: S608 - a constant
        company_id,
    )
    return DispatchingRules() if row is None else DispatchingRules(**row)


async def save(connection: Connection, company_id: UUID, rules: DispatchingRules) -> None:
    """Writes what a company has decided; where it is automatic, its turn is now."""
    await connection.execute(
        f"insert into dispatching (company_id, {_RULES}, due_at)"  # noqa: S608 - a constant
        " values ($1, $2, $3, $4, $5, $6, case when $2 then now() end)"
        " on conflict (company_id) do update set automatic = $2, offer_seconds = $3, rounds = $4,"
        " most_each = $5, vanish_minutes = $6, due_at = case when $2 then now() end,"
        " changed_at = now()",
        company_id,
        rules.automatic,
        rules.offer_seconds,
        rules.rounds,
        rules.most_each,
        rules.vanish_minutes,
    )


_PICKED = QUEUE.due("ctid as place", where="automatic", limit="$1")
_CLAIM = f"""
with picked as ({_PICKED}),
leased as ({QUEUE.leasing("$2::interval", "automatic", leased_until="now() + $2::interval")})
select company_id, attempt, {_RULES} from leased
"""  # noqa: S608 - the parts are constants


async def claim(connection: Connection, limit: int, lease: timedelta) -> list[Turn]:
    """Takes the companies whose turn it is, at most so many, for the time of the lease."""
    return [_turn(row) for row in await connection.fetch(_CLAIM, limit, lease)]


_HELD = QUEUE.fence("$2", "> now()")


async def is_held(connection: Connection, turn: Turn) -> bool:
    """Whether the claim still counts, and the company still wants it: nobody else acts then."""
    return await connection.fetchval(
        f"select exists (select from dispatching where company_id = $1 and automatic and {_HELD})",  # noqa: S608 - constants
        turn.company_id,
        turn.attempt,
    )


_GIVE_BACK = f"""
update dispatching set leased_until = null,
    due_at = case when automatic then now() + $3::interval end
where company_id = $1 and {QUEUE.fence("$2", "is not null")}
"""  # noqa: S608 - the parts are constants


async def give_back(connection: Connection, turn: Turn, rest: timedelta) -> None:
    """Ends a claim; the company's next turn is after the rest."""
    await connection.execute(_GIVE_BACK, turn.company_id, turn.attempt, rest)


async def claim_learning(connection: Connection, every: timedelta) -> UUID | None:
    """Returns a company that dispatches by itself and whose speeds were not learned for so long.

    Nobody else is given it before that time is over again.
    """
    found = await connection.fetchrow(_DUE.format(since="learned_at"), every)
    return None if found is None else found["company_id"]


async def claim_batch(connection: Connection, every: timedelta) -> Batch | None:
    """Returns a company whose batch was not planned for so long, in the same way."""
    found = await connection.fetchrow(_DUE.format(since="batched_at"), every)
    return None if found is None else _batch(found)


_DUE: Final = f"""
update dispatching set {{since}} = now() where automatic and company_id in (
    select company_id from dispatching
    where automatic and ({{since}} is null or {{since}} < now() - $1::interval)
    order by {{since}} nulls first limit 1 for update skip locked
) returning company_id, {_RULES}
"""  # noqa: S608 - the parts are constants


def _batch(row: asyncpg.Record) -> Batch:
    values = dict(row)
    return Batch(values.pop("company_id"), DispatchingRules(**values))


def _turn(row: asyncpg.Record) -> Turn:
    values = dict(row)
    return Turn(values.pop("company_id"), values.pop("attempt"), DispatchingRules(**values))
