"""Why deliveries were offered to whom: written with the offer, read by the board, ended by time."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import asyncpg
import orjson

from estafette.core.fleet.dispatching import MOST_DECISIONS, Decision, Outcome
from estafette.store.columns import Columns, rows
from estafette.store.old_rows import older
from estafette.store.pool import Connection

DECISION: Final = Columns[Decision](
    {
        "company_id": ("uuid", lambda one: one.company_id),
        "account_id": ("uuid", lambda one: one.account_id),
        "delivery_id": ("uuid", lambda one: one.delivery_id),
        "outcome": ("text", lambda one: one.outcome),
        "at": ("timestamptz", lambda one: one.at),
        "driver_id": ("uuid", lambda one: one.driver_id),
        "facts": ("jsonb", lambda one: orjson.dumps(one.facts).decode()),
    }
)
_COLUMNS = ", ".join(DECISION.types)
_LAST = """
select number, outcome, driver_id, facts ->> 'why' as why from dispatching_decisions
where company_id = input.company_id and account_id = input.account_id
    and delivery_id = input.delivery_id
order by number desc limit 1
"""
_ADD = f"""
insert into dispatching_decisions ({_COLUMNS}, number)
select {", ".join(f"input.{name}" for name in DECISION.types)}, coalesce(last.number, 0) + 1
from {rows(DECISION)} left join lateral ({_LAST}) last on true
where coalesce(last.number, 0) < $8 and (
    input.outcome not in ('nobody', 'lost_sight') or last.outcome is distinct from input.outcome
    or last.driver_id is distinct from input.driver_id
    or last.why is distinct from input.facts ->> 'why'
)
on conflict do nothing
"""  # noqa: S608 - the columns are constants


async def add(connection: Connection, decisions: Sequence[Decision]) -> None:
    """Writes decisions, one of each delivery. What waits as it did before is not said again."""
    if decisions:
        await connection.execute(_ADD, *DECISION.of(decisions), MOST_DECISIONS)


async def of_delivery(
    connection: Connection, company_id: UUID, account_id: UUID, delivery_id: UUID
) -> list[Decision]:
    """Returns the decisions about a delivery, the latest first."""
    found = await connection.fetch(
        f"select {_COLUMNS} from dispatching_decisions"  # noqa: S608 - a constant
        " where company_id = $1 and account_id = $2 and delivery_id = $3"
        " order by number desc limit $4",
        company_id,
        account_id,
        delivery_id,
        MOST_DECISIONS,
    )
    return [_decision(row) for row in found]


forget: Final = older("dispatching_decisions", "at")
"""Removes those that were made so long ago."""


def _decision(row: asyncpg.Record) -> Decision:
    return Decision(
        company_id=row["company_id"],
        account_id=row["account_id"],
        delivery_id=row["delivery_id"],
        outcome=Outcome(row["outcome"]),
        at=row["at"],
        driver_id=row["driver_id"],
        facts=orjson.loads(row["facts"]),
    )
