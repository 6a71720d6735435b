"""What a day through the database asks of it besides what use cases do: time, and the truth.

Time passes for a company by making all that is under way so much older. So the database's own clock
is the one that decides, as ever, and nothing in Estafette knows of another.
"""

from datetime import timedelta
from typing import Final, NamedTuple, TypeAlias
from uuid import UUID

import asyncpg

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


def _older(table: str, columns: str, where: str = "true") -> str:
    """What makes times of a company's rows earlier by a span."""
    changed = ", ".join(f"{name} = {name} - $2::interval" for name in columns.split())
    return f"update {table} set {changed} where company_id = $1 and ({where})"


_OLDER: Final = (
    _older(
        "assignments",
        "created_at answer_by accepted_at arrived_at picked_up_at ended_at",
        # what ended long ago decides nothing any more
        "ended_at is null or ended_at > now() - interval '40 minutes'",
    ),
    _older("shifts", "began_at", "ended_at is null"),
    _older("positions", "at received_at"),
    _older("tour_stops", "planned_at"),
    _older(
        "deliveries",
        "updated_at pickup_by deliver_by watch_at",
        "status not in ('delivered', 'cancelled', 'failed')",
    ),
)
_DUE: Final = "update dispatching set due_at = now() where company_id = $1 and automatic"


async def let_pass(connection: Connection, company_id: UUID, span: timedelta) -> None:
    """Lets time pass for a company, whose turn to be looked at comes again."""
    async with connection.transaction():
        for statement in _OLDER:
            await connection.execute(statement, company_id, span)
        await connection.execute(_DUE, company_id)


class Given(NamedTuple):
    """An open assignment: an offer, or what a driver has accepted."""

    id: UUID
    driver_id: UUID
    delivery_id: UUID
    is_offer: bool


async def given(connection: Connection, company_id: UUID) -> list[Given]:
    """All of a company, in the order in which they were made."""
    found = await connection.fetch(
        "select id, driver_id, delivery_id, state = 'offered' from assignments"
        " where company_id = $1 and state in ('offered', 'accepted') order by id",
        company_id,
    )
    return [Given(*row.values()) for row in found]


async def tours(connection: Connection, company_id: UUID) -> list[tuple[UUID, UUID, str]]:
    """The stops of all drivers in the order of work: driver, delivery, kind."""
    found = await connection.fetch(
        "select driver_id, delivery_id, kind from tour_stops where company_id = $1"
        " order by driver_id, place, delivery_id, kind desc",
        company_id,
    )
    return [(row[0], row[1], row[2]) for row in found]


async def stalled(connection: Connection, company_id: UUID) -> list[UUID]:
    """Deliveries that stalled before anybody had fetched them."""
    found = await connection.fetch(
        "select id from deliveries where company_id = $1 and status = 'stalled'"
        " and milestone = 'pending'",
        company_id,
    )
    return [row["id"] for row in found]


_WRONG: Final = {
    "deliveries that have not arrived": """
        select count(*) from deliveries where company_id = $1 and status <> 'delivered'""",
    "deliveries that were not handed over by one driver": """
        select count(*) from deliveries where company_id = $1 and 1 <> (
            select count(*) from assignments where assignments.company_id = $1
                and delivery_id = deliveries.id and state = 'done')""",
    "assignments that are open": """
        select count(*) from assignments where company_id = $1 and ended_at is null""",
    "stops that are left": "select count(*) from tour_stops where company_id = $1",
    "statuses without an event": """
        select count(*) from deliveries where company_id = $1 and not (
            select count(*) = deliveries.seq
                and (array_agg(events.status order by events.seq desc))[1] = deliveries.status
            from events
            where events.account_id = deliveries.account_id and delivery_id = deliveries.id)""",
    "announcements that are not in the outbox": """
        select coalesce(sum(cardinality(announced)), 0) - (
            select count(*) from messages join deliveries
                on deliveries.account_id = messages.account_id and deliveries.id = delivery_id
            where company_id = $1)
        from events join deliveries
            on deliveries.account_id = events.account_id and deliveries.id = delivery_id
        where company_id = $1""",
    "transfers that do not sum to zero": """
        select count(*) from (select 1 from ledger_entries where company_id = $1
            group by account_id, delivery_id, cause having sum(amount) <> 0) sums""",
    "cash that is in nobody's hand": """
        select (select coalesce(sum((terms->>'cash_collect')::bigint), 0) from deliveries
                where company_id = $1 and status = 'delivered')
            - (select coalesce(sum(in_hand), 0) from driver_cash where company_id = $1)""",
    "taps that were refused": """
        select count(*) from taps where company_id = $1 and refused is not null""",
}


async def wrong(connection: Connection, company_id: UUID) -> list[str]:
    """What does not hold of a company at the end of its day, in words."""
    found: list[str] = []
    for what, query in _WRONG.items():
        if count := await connection.fetchval(query, company_id):
            found.append(f"{count} {what}")
    return found
