"""The outbox towards the platforms of courier companies: what to place there, what to look at.

Who locks a delivery as well locks it first. How they are claimed is in `due_dispatches.py`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import orjson

from estafette.core.couriers.dispatch import Elsewhere, Known, NewDispatch, Outcome, Standing
from estafette.core.deliveries.delivery import Delivery
from estafette.store import columns, signals
from estafette.store.columns import Columns, insertion
from estafette.store.couriers.due_dispatches import QUEUE
from estafette.store.deliveries import table as deliveries
from estafette.store.deliveries.rows import dump
from estafette.store.ends import Ending
from estafette.store.pool import Connection
from estafette.store.work import UnitOfWork

_OF_ENDED = deliveries.ENDED_BEFORE.format(table="dispatches")
ENDING: Final = Ending(
    "dispatches", f"(leased_until is null or leased_until < now()) and {_OF_ENDED}"
)
"""When dispatches have had their time."""

NEW: Final = Columns[NewDispatch](
    {
        "account_id": ("uuid", lambda new: new.account_id),
        "delivery_id": ("uuid", lambda new: new.delivery_id),
        "mode": ("text", lambda new: new.mode),
        "company_id": ("uuid", lambda new: new.company_id),
        "offer": ("json", lambda new: dump(new.offer)),
    }
)
"""What is written of new dispatches."""

_AWAITED = Columns[NewDispatch]({"is_awaited": ("boolean", lambda new: new.is_awaited)})
_INSERT = insertion(
    "dispatches",
    NEW.types,
    columns.rows(NEW, _AWAITED),
    next_at="case when not is_awaited then now() end",
)


async def insert(work: UnitOfWork, new: Sequence[NewDispatch]) -> None:
    """Writes what is to be placed, in the transaction that creates the deliveries."""
    await _tell(work, _INSERT, *NEW.of(new), *_AWAITED.of(new))


def _keys(deliveries: Sequence[Delivery]) -> tuple[list[UUID], list[UUID]]:
    return [each.scope.account_id for each in deliveries], [each.id for each in deliveries]


_PAID = """
update dispatches set next_at = now()
from unnest($1::uuid[], $2::uuid[]) as paid (account_id, delivery_id)
where dispatches.account_id = paid.account_id and dispatches.delivery_id = paid.delivery_id
    and state = 'waiting' and attempt = 0
"""


async def let_go(work: UnitOfWork, deliveries: Sequence[Delivery]) -> None:
    """Lets deliveries be placed that waited for their payment."""
    await _tell(
        work,
        _PAID,
        *_keys(deliveries),
    )


_ENDED = """
update dispatches set
    state = case when state = 'waiting' then 'closed' else state end,
    heard = state = 'placed',
    next_at = case when state = 'waiting' then null
        when leased_until > clock_timestamp() then next_at else now() end
from unnest($1::uuid[], $2::uuid[]) as ended (account_id, delivery_id)
where dispatches.account_id = ended.account_id and dispatches.delivery_id = ended.delivery_id
    and (state = 'placed'
        or state = 'waiting' and doubted_at is null and leased_until is null)
"""


async def end(work: UnitOfWork, deliveries: Sequence[Delivery]) -> None:
    """Closes the dispatches of deliveries that have ended here, where they certainly never left.

    What is placed is looked at now, or when the attempt under way has ended.
    """
    await _tell(
        work,
        _ENDED,
        *_keys(deliveries),
    )


_LOCK = f"""
select state, attempt, upstream_id, coalesce(leased_until > clock_timestamp(), false) as is_leased,
    leased_until is not null as is_unsettled,
    coalesce({QUEUE.fence("$3::integer", "is not null")}, false) as is_held,
    doubted_at is not null as doubtful,
    recalled_at is not null as recalled,
    heard, seen, polls
from dispatches where account_id = $1 and delivery_id = $2 for update
"""  # noqa: S608 - the parts are constants


async def lock(
    connection: Connection, account_id: UUID, delivery_id: UUID, attempt: int | None = None
) -> Standing | None:
    """How the dispatch of a delivery stands, locked for this transaction; None without one.

    `attempt` is the number of the attempt that asks whether it `is_held` still.
    """
    row = await connection.fetchrow(_LOCK, account_id, delivery_id, attempt)
    return Standing(**row) if row else None


_SETTLE = """
update dispatches set state = $3, leased_until = null,
    next_at = case when $4::interval is null then null when heard then now()
        else now() + $4::interval end,
    doubted_at = case when $5 then now() when not $5 then null else doubted_at end,
    upstream_id = coalesce($6, upstream_id), fee = coalesce($7, fee),
    seen = coalesce($8, seen), polls = case when heard then 0 else $9 end, last_error = $10,
    heard = heard or $11
where account_id = $1 and delivery_id = $2
"""


async def settle(
    connection: Connection, account_id: UUID, delivery_id: UUID, outcome: Outcome
) -> None:
    """Records what came of an attempt, or of a cancellation; the lease ends."""
    outcome_of = outcome._asdict() | {"doubt": outcome.doubt.value}
    await connection.execute(_SETTLE, account_id, delivery_id, *outcome_of.values())


async def mark_recalled(
    connection: Connection, account_id: UUID, delivery_id: UUID, *, recalled: bool
) -> None:
    """Notes that the merchant wants the delivery cancelled there, or that this was refused."""
    await connection.execute(
        "update dispatches set recalled_at = case when $3 then now() end"
        " where account_id = $1 and delivery_id = $2",
        account_id,
        delivery_id,
        recalled,
    )


async def find(connection: Connection, account_id: UUID, delivery_id: UUID) -> Elsewhere | None:
    """How a delivery stands with another platform; None when none carries it."""
    row = await connection.fetchrow(
        "select state, upstream_id, last_error as error from dispatches"
        " where account_id = $1 and delivery_id = $2",
        account_id,
        delivery_id,
    )
    return Elsewhere(**row) if row else None


_BY_THEIR_ID = """
select account_id, delivery_id, state, upstream_id, attempt from dispatches
where company_id = $1 and upstream_id = $2 for update
"""
_BY_OUR_ID = """
select account_id, delivery_id, state, upstream_id, attempt from dispatches
join (select account_id as of_account, id from deliveries where id = $2) named
    on account_id = of_account and delivery_id = id
where company_id = $1 for update of dispatches
"""


async def known_as(connection: Connection, company_id: UUID, upstream_id: str) -> Known | None:
    """The dispatch to a company that calls the delivery so."""
    row = await connection.fetchrow(_BY_THEIR_ID, company_id, upstream_id)
    return Known(**row) if row else None


async def known_here_as(
    connection: Connection, company_id: UUID, delivery_id: UUID
) -> Known | None:
    """The dispatch to a company of one of our deliveries.

    By the delivery's id alone: the platform does not know whose it is here.
    """
    row = await connection.fetchrow(_BY_OUR_ID, company_id, delivery_id)
    return Known(**row) if row else None


_LOOK_NOW = """
update dispatches set heard = true, polls = 0,
    doubted_at = case when state <> 'placed' then now() end,
    state = case when state = 'refused' then 'waiting' else state end,
    next_at = case when leased_until > clock_timestamp() then next_at else now() end
where account_id = $1 and delivery_id = $2
"""


async def look_now(work: UnitOfWork, account_id: UUID, delivery_id: UUID) -> None:
    """Lets a dispatch be looked at now, or when the attempt under way has ended.

    One that is not known to be placed is in doubt then, also if it was refused before.
    """
    await _tell(work, _LOOK_NOW, account_id, delivery_id)


async def _tell(work: UnitOfWork, statement: str, *arguments: object) -> None:
    """Runs a statement after which there may be something to place or to look at."""
    status = await work.connection.execute(statement, *arguments)
    if not status.endswith(" 0"):
        work.signal(signals.DISPATCHES)


async def dispute(connection: Connection, account_id: UUID, delivery_id: UUID, error: str) -> None:
    """Marks a dispatch as one that only people can put right."""
    await connection.execute(
        "update dispatches set state = 'disputed', next_at = null, last_error = $3"
        " where account_id = $1 and delivery_id = $2",
        account_id,
        delivery_id,
        error,
    )


async def close_disputed(
    connection: Connection, account_id: UUID, delivery_id: UUID, note: str | None
) -> bool:
    """Ends a dispute that people have put right, as they note; False where there is none."""
    status = await connection.execute(
        "update dispatches set state = 'closed', last_error = coalesce($3, last_error)"
        " where account_id = $1 and delivery_id = $2 and state = 'disputed'",
        account_id,
        delivery_id,
        note,
    )
    return not status.endswith(" 0")


_STORED = """
select state, upstream_id, offer, last_error, created_at from dispatches
where account_id = $1 and delivery_id = $2
"""


async def stored(
    connection: Connection, account_id: UUID, delivery_id: UUID
) -> Mapping[str, Any] | None:
    """What is stored of a delivery's way to another platform; None when it has none."""
    row = await connection.fetchrow(_STORED, account_id, delivery_id)
    return None if row is None else {**row, "offer": orjson.loads(row["offer"])}


async def erase(
    connection: Connection, accounts: Sequence[UUID], deliveries: Sequence[UUID]
) -> None:
    """Erases what was offered of deliveries: their accounts, and their ids."""
    await connection.execute(
        "update dispatches set offer = '{}', last_error = null"
        " from unnest($1::uuid[], $2::uuid[]) as gone (account_id, delivery_id)"
        " where dispatches.account_id = gone.account_id"
        " and dispatches.delivery_id = gone.delivery_id",
        accounts,
        deliveries,
    )
