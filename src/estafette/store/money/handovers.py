"""Handovers of drivers' cash: declared, counted, withdrawn, reversed."""

from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from estafette.core.accounts.account import Mode
from estafette.core.audit import By, ByKind
from estafette.core.money.cash import Handover, HandoverState
from estafette.store.old_rows import older
from estafette.store.pool import Connection


def _by(kind: str | None, name: str | None) -> By | None:
    return None if kind is None or name is None else By(ByKind(kind), name)


def _read(row: asyncpg.Record) -> Handover:
    return Handover(
        company_id=row["company_id"],
        id=row["id"],
        mode=Mode(row["mode"]),
        driver_id=row["driver_id"],
        number=row["number"],
        state=HandoverState(row["state"]),
        declared=row["declared"],
        declared_by=By(ByKind(row["declared_by_kind"]), row["declared_by"]),
        declared_at=row["declared_at"],
        counted=row["counted"],
        ended_by=_by(row["ended_by_kind"], row["ended_by"]),
        ended_at=row["ended_at"],
        reason=row["reason"],
        reversed_by=_by(row["reversed_by_kind"], row["reversed_by"]),
        reversed_at=row["reversed_at"],
        reversal=row["reversal"],
    )


async def lock_company(connection: Connection, company_id: UUID) -> None:
    """Lets no other handover of the company be declared until the transaction ends."""
    await connection.execute(
        "select pg_advisory_xact_lock(hashtextextended($1::uuid::text, 427021005670))", company_id
    )


async def insert(
    connection: Connection,
    company_id: UUID,
    mode: Mode,
    driver_id: UUID,
    id: UUID,
    declared: int,
    by: By,
) -> Handover:
    """Writes a declared handover, with the company's next number."""
    [row] = await connection.fetch(
        "insert into cash_handovers (company_id, mode, driver_id, id, declared, declared_by_kind,"
        " declared_by, state, number)"
        " select $1, $2, $3, $4, $5, $6, $7, 'declared', coalesce(max(number), 0) + 1"
        " from cash_handovers where company_id = $1 returning *",
        company_id,
        mode,
        driver_id,
        id,
        declared,
        by.kind,
        by.name,
    )
    return _read(row)


_FIND = "select * from cash_handovers where company_id = $1 and id = $2"
_FIND_AND_LOCK = f"{_FIND} for update"


async def find(
    connection: Connection, company_id: UUID, id: UUID, *, lock: bool = False
) -> Handover | None:
    """A handover of a company; with `lock` nobody else changes it until the transaction ends."""
    row = await connection.fetchrow(_FIND_AND_LOCK if lock else _FIND, company_id, id)
    return None if row is None else _read(row)


async def find_named(connection: Connection, company_id: UUID, number: int) -> Handover | None:
    """The handover of a company with that number."""
    row = await connection.fetchrow(
        "select * from cash_handovers where company_id = $1 and number = $2", company_id, number
    )
    return None if row is None else _read(row)


async def find_open(connection: Connection, company_id: UUID, driver_id: UUID) -> Handover | None:
    """The handover that a driver has declared and nobody has counted."""
    row = await connection.fetchrow(
        "select * from cash_handovers"
        " where company_id = $1 and driver_id = $2 and state = 'declared'",
        company_id,
        driver_id,
    )
    return None if row is None else _read(row)


async def end(
    connection: Connection,
    of: Handover,
    state: HandoverState,
    by: By,
    counted: int | None = None,
    reason: str | None = None,
) -> Handover:
    """Writes that a handover, which is locked, was counted or withdrawn."""
    [row] = await connection.fetch(
        "update cash_handovers set state = $3, ended_by_kind = $4, ended_by = $5,"
        " ended_at = now(), counted = $6, reason = $7 where company_id = $1 and id = $2"
        " returning *",
        of.company_id,
        of.id,
        state,
        by.kind,
        by.name,
        counted,
        reason,
    )
    return _read(row)


async def reverse(connection: Connection, of: Handover, by: By, reversal: str) -> Handover:
    """Writes that a handover, which is locked, was reversed."""
    [row] = await connection.fetch(
        "update cash_handovers set state = 'reversed', reversed_by_kind = $3, reversed_by = $4,"
        " reversed_at = now(), reversal = $5 where company_id = $1 and id = $2"
        " returning *",
        of.company_id,
        of.id,
        by.kind,
        by.name,
        reversal,
    )
    return _read(row)


class HandoverFilter(NamedTuple):
    """Which handovers of a company are wanted; None: whichever."""

    company_id: UUID
    mode: Mode
    driver_id: UUID | None = None
    state: HandoverState | None = None


class NamedHandover(NamedTuple):
    """A handover, and the name of its driver; None where the driver is not kept any more."""

    handover: Handover
    driver: str | None


_LIST = """
select chosen.*, drivers.name as driver from (
    select * from cash_handovers
    where company_id = $1 and mode = $2 and ($3::uuid is null or driver_id = $3)
        and ($4::text is null or state = $4)
        and ($5::timestamptz is null or (declared_at, id) < ($5, $6::uuid))
    order by declared_at desc, id desc limit $7
) chosen
left join drivers on drivers.company_id = chosen.company_id and drivers.id = chosen.driver_id
order by declared_at desc, chosen.id desc
"""


async def select(
    connection: Connection,
    wanted: HandoverFilter,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[NamedHandover]:
    """At most `limit` handovers, newest first."""
    found = await connection.fetch(_LIST, *wanted, *(after or (None, None)), limit)
    return [NamedHandover(_read(row), row["driver"]) for row in found]


forget: Final = older("cash_handovers", "declared_at", "state <> 'declared'")
"""Removes those that were declared so long ago, but for those that are still open."""
