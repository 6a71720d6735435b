"""Assignments: offered, accepted and ended, and how they follow their deliveries."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from estafette.core.accounts.account import Mode, Scope
from estafette.core.audit import By, ByKind
from estafette.core.deliveries.delivery import Delivery
from estafette.core.fleet.assignment import Assignment, AssignmentState, Load
from estafette.store.columns import Columns, change, insertion, parameters, rows
from estafette.store.old_rows import older
from estafette.store.pool import Connection

NEW: Final = Columns[Assignment](
    {
        "company_id": ("uuid", lambda one: one.company_id),
        "id": ("uuid", lambda one: one.id),
        "account_id": ("uuid", lambda one: one.scope.account_id),
        "delivery_id": ("uuid", lambda one: one.delivery_id),
        "mode": ("text", lambda one: one.scope.mode),
        "number": ("integer", lambda one: one.number),
        "driver_id": ("uuid", lambda one: one.driver_id),
        "grams": ("integer", lambda one: one.grams),
        "by_kind": ("text", lambda one: one.by.kind),
        "by_name": ("text", lambda one: one.by.name),
        "created_at": ("timestamptz", lambda one: one.created_at),
    }
)
"""What never changes of an assignment."""

KEPT: Final = Columns[Assignment](
    {
        "state": ("text", lambda one: one.state),
        "reason": ("text", lambda one: one.reason),
        "answer_by": ("timestamptz", lambda one: one.answer_by),
        "accepted_at": ("timestamptz", lambda one: one.accepted_at),
        "arrived_at": ("timestamptz", lambda one: one.arrived_at),
        "picked_up_at": ("timestamptz", lambda one: one.picked_up_at),
        "ended_at": ("timestamptz", lambda one: one.ended_at),
    }
)
"""What can change of one."""

COLUMNS: Final = ", ".join(f"assignments.{name}" for name in [*NEW.types, *KEPT.types])
_INSERT = (
    f"insert into assignments ({', '.join([*NEW.types, *KEPT.types])})"  # noqa: S608 - constants
    f" values {parameters(NEW, KEPT)}"
)
_CHANGE = change(
    "assignments",
    KEPT.types,
    rows(NEW.only("company_id", "id"), KEPT),
    by=("company_id", "id"),
)


async def insert(connection: Connection, assignment: Assignment) -> None:
    """Writes a new assignment of a delivery whose row the caller has locked."""
    await connection.execute(_INSERT, *NEW.of_one(assignment), *KEPT.of_one(assignment))


_INSERT_MANY = insertion("assignments", [*NEW.types, *KEPT.types], rows(NEW, KEPT))


async def insert_many(connection: Connection, assignments: Sequence[Assignment]) -> None:
    """Writes new assignments of deliveries whose rows the caller has locked."""
    await connection.execute(_INSERT_MANY, *NEW.of(assignments), *KEPT.of(assignments))


async def update(connection: Connection, assignments: Sequence[Assignment]) -> None:
    """Writes what has changed of assignments, whose rows the caller has locked."""
    if assignments:
        given = NEW.only("company_id", "id")
        await connection.execute(_CHANGE, *given.of(assignments), *KEPT.of(assignments))


async def find(connection: Connection, company_id: UUID, id: UUID) -> Assignment | None:
    """Returns an assignment of a company."""
    row = await connection.fetchrow(
        f"select {COLUMNS} from assignments where company_id = $1 and id = $2",  # noqa: S608 - a constant
        company_id,
        id,
    )
    return None if row is None else read(row)


async def find_all(
    connection: Connection, company_id: UUID, ids: Collection[UUID]
) -> list[Assignment]:
    """Returns assignments of a company, by their ids."""
    found = await connection.fetch(
        f"select {COLUMNS} from assignments"  # noqa: S608 - a constant
        " where company_id = $1 and id = any($2::uuid[])",
        company_id,
        list(ids),
    )
    return [read(row) for row in found]


_LOCK_OPEN = f"""
select {COLUMNS} from assignments
where company_id = $1 and account_id = $2 and delivery_id = $3 and state in ('offered', 'accepted')
order by number for update
"""  # noqa: S608 - the columns are a constant


async def lock_open(
    connection: Connection, company_id: UUID, account_id: UUID, delivery_id: UUID
) -> list[Assignment]:
    """Returns the open assignments of a delivery by their numbers, their rows locked.

    The caller has locked the delivery's row first.
    """
    found = await connection.fetch(_LOCK_OPEN, company_id, account_id, delivery_id)
    return [read(row) for row in found]


_LOCK_OPEN_OF = f"""
select {COLUMNS} from unnest($1::uuid[], $2::uuid[], $3::uuid[])
    as wanted (of_company, of_account, of_id)
join assignments on assignments.company_id = of_company and assignments.account_id = of_account
    and assignments.delivery_id = of_id
where assignments.state in ('offered', 'accepted')
order by assignments.company_id, assignments.id for update of assignments
"""  # noqa: S608 - the columns are a constant


async def lock_open_of(
    connection: Connection, deliveries: Sequence[Delivery]
) -> dict[tuple[UUID, UUID], list[Assignment]]:
    """Returns the open assignments of deliveries by account and id, oldest first, locked.

    The caller has locked the deliveries' rows first. Those that have none are left out.
    """
    found = await connection.fetch(
        _LOCK_OPEN_OF,
        [one.company_id for one in deliveries],
        [one.scope.account_id for one in deliveries],
        [one.id for one in deliveries],
    )
    opened: dict[tuple[UUID, UUID], list[Assignment]] = defaultdict(list)
    for row in found:
        opened[row["account_id"], row["delivery_id"]].append(read(row))
    return opened


async def last_number(
    connection: Connection, company_id: UUID, account_id: UUID, delivery_id: UUID
) -> int:
    """Returns the highest number of a delivery's assignments; 0: it has none."""
    return await connection.fetchval(
        "select coalesce(max(number), 0) from assignments"
        " where company_id = $1 and account_id = $2 and delivery_id = $3",
        company_id,
        account_id,
        delivery_id,
    )


async def of_delivery(
    connection: Connection, company_id: UUID, account_id: UUID, delivery_id: UUID
) -> list[Assignment]:
    """Returns all assignments of a delivery by their numbers."""
    found = await connection.fetch(
        f"select {COLUMNS} from assignments"  # noqa: S608 - a constant
        " where company_id = $1 and account_id = $2 and delivery_id = $3 order by number",
        company_id,
        account_id,
        delivery_id,
    )
    return [read(row) for row in found]


async def open_of_drivers(
    connection: Connection, company_id: UUID, drivers: Collection[UUID]
) -> list[Assignment]:
    """Returns the open assignments of drivers, driver by driver, oldest first."""
    found = await connection.fetch(
        f"select {COLUMNS} from assignments"  # noqa: S608 - a constant
        " where company_id = $1 and driver_id = any($2::uuid[])"
        " and state in ('offered', 'accepted') order by driver_id, id",
        company_id,
        list(drivers),
    )
    return [read(row) for row in found]


async def given_between(
    connection: Connection,
    company_id: UUID,
    driver_id: UUID,
    since: datetime,
    until: datetime,
    limit: int,
) -> list[Assignment]:
    """Returns what a driver was offered or given in a time, oldest first; of the last thousand."""
    found = await connection.fetch(
        f"select * from (select {COLUMNS} from assignments"  # noqa: S608 - a constant
        " where company_id = $1 and driver_id = $2 order by id desc limit 1000) as last"
        " where created_at >= $3 and created_at < $4 order by id limit $5",
        company_id,
        driver_id,
        since,
        until,
        limit,
    )
    return [read(row) for row in found]


async def done_since(
    connection: Connection, company_id: UUID, driver_id: UUID, since: datetime, limit: int
) -> list[Assignment]:
    """Returns what a driver has handed over since a time, the last one first.

    Of the last few hundred assignments, as `count_done` counts.
    """
    found = await connection.fetch(
        f"select * from (select {COLUMNS} from assignments"  # noqa: S608 - a constant
        " where company_id = $1 and driver_id = $2 order by id desc limit 300) as last"
        " where state = 'done' and ended_at >= $3 order by ended_at desc, id desc limit $4",
        company_id,
        driver_id,
        since,
        limit,
    )
    return [read(row) for row in found]


async def count_done(
    connection: Connection, company_id: UUID, driver_id: UUID, since: datetime
) -> int:
    """Counts what a driver has handed over since a time, of the last few hundred assignments."""
    return await connection.fetchval(
        "select count(*) from (select state, ended_at from assignments"
        " where company_id = $1 and driver_id = $2 order by id desc limit 300) as last"
        " where state = 'done' and ended_at >= $3",
        company_id,
        driver_id,
        since,
    )


_STANDINGS = """
select company_id, mode, (
    select count(*) || '.' || coalesce(max(created_at)::text, '') || '.'
        || count(*) filter (where state = 'accepted') || '.'
        || count(*) filter (where arrived_at is not null)
    from assignments
    where assignments.company_id = asked.company_id and assignments.mode = asked.mode
    and state in ('offered', 'accepted')
) as standing
from unnest($1::uuid[], $2::text[]) asked (company_id, mode)
"""


async def standings(
    connection: Connection, asked: Sequence[tuple[UUID, Mode]]
) -> dict[tuple[UUID, Mode], str]:
    """Returns for companies and modes a text that differs after each change of open assignments."""
    companies, modes = [company_id for company_id, _ in asked], [mode for _, mode in asked]
    found = await connection.fetch(_STANDINGS, companies, modes)
    return {(row["company_id"], Mode(row["mode"])): row["standing"] for row in found}


_LOAD = """
select driver_id, sum(grams)::bigint as grams, count(*) as parcels,
    count(*) filter (where picked_up_at is not null) as on_board
from assignments where company_id = $1 and driver_id = any($2::uuid[]) and state = 'accepted'
group by driver_id
"""


async def loads(
    connection: Connection, company_id: UUID, drivers: Collection[UUID]
) -> dict[UUID, Load]:
    """Returns what drivers have accepted and not ended; nothing changes it while they are locked.

    Drivers who have nothing are left out.
    """
    found = await connection.fetch(_LOAD, company_id, list(drivers))
    return {row["driver_id"]: Load(row["grams"], row["parcels"], row["on_board"]) for row in found}


_EXPIRE = f"""
update assignments set state = 'expired', answer_by = null, ended_at = now()
where (company_id, id) in (
    select company_id, id from assignments where answer_by <= now() and state = 'offered'
    order by answer_by limit $1 for update skip locked
)
returning {COLUMNS}
"""  # noqa: S608 - the columns are a constant


async def expire(connection: Connection, limit: int) -> list[Assignment]:
    """Ends at most `limit` offers whose time to answer is over; returns them."""
    return [read(row) for row in await connection.fetch(_EXPIRE, limit)]


async def expires_in_seconds(connection: Connection) -> float | None:
    """Returns in how many seconds the next offer ends: zero or less is now, None is never."""
    return await connection.fetchval(
        "select extract(epoch from min(answer_by) - now())::float8 from assignments"
        " where answer_by is not null"
    )


class Came(NamedTuple):
    """What becomes of a delivery's open assignments, because it has moved.

    `offered` and `accepted` are the states that those of that state have then, `reason` is why they
    ended; `on_board` says that whoever has accepted it has the parcel.
    """

    company_id: UUID
    account_id: UUID
    delivery_id: UUID
    at: datetime
    offered: AssignmentState
    accepted: AssignmentState
    on_board: bool
    reason: str


_CAME: Final = Columns[Came](
    {
        "company_id": ("uuid", lambda came: came.company_id),
        "account_id": ("uuid", lambda came: came.account_id),
        "delivery_id": ("uuid", lambda came: came.delivery_id),
        "at": ("timestamptz", lambda came: came.at),
        "offered": ("text", lambda came: came.offered),
        "accepted": ("text", lambda came: came.accepted),
        "on_board": ("boolean", lambda came: came.on_board),
        "why": ("text", lambda came: came.reason),
    }
)
_AFTER = "case assignments.state when 'offered' then input.offered else input.accepted end"
_FOLLOW = f"""
update assignments set
    state = {_AFTER},
    reason = case {_AFTER} when 'released' then input.why else reason end,
    picked_up_at = case when input.on_board and state = 'accepted'
        then coalesce(picked_up_at, input.at) else picked_up_at end,
    ended_at = case when {_AFTER} in ('offered', 'accepted') then ended_at else input.at end,
    answer_by = case when {_AFTER} = 'offered' then answer_by end
from {rows(_CAME)}
where assignments.company_id = input.company_id and assignments.account_id = input.account_id
    and assignments.delivery_id = input.delivery_id and state in ('offered', 'accepted')
returning {COLUMNS}
"""  # noqa: S608 - the columns are constants


async def follow(connection: Connection, came: Sequence[Came]) -> list[Assignment]:
    """Has open assignments follow their deliveries, whose rows the caller has locked.

    Returns them as they are then.
    """
    return [read(row) for row in await connection.fetch(_FOLLOW, *_CAME.of(came))]


async def explain_end(connection: Connection, delivery: Delivery, reason: str) -> None:
    """Says of what was carried to its end why something of it was taken back since."""
    await connection.execute(
        "update assignments set reason = $4"
        " where company_id = $1 and account_id = $2 and delivery_id = $3 and state = 'done'",
        delivery.company_id,
        delivery.scope.account_id,
        delivery.id,
        reason,
    )


async def erase_reasons(connection: Connection, erased: Sequence[Delivery]) -> None:
    """Removes what people wrote about deliveries whose personal data is erased."""
    of_companies = [one for one in erased if one.company_id is not None]
    if of_companies:
        await connection.execute(
            "update assignments set reason = null"
            " from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as gone (company, account, delivery)"
            " where company_id = company and account_id = account and delivery_id = delivery",
            [one.company_id for one in of_companies],
            [one.scope.account_id for one in of_companies],
            [one.id for one in of_companies],
        )


forget: Final = older("assignments", "ended_at")
"""Removes what ended so long ago."""


def read(row: asyncpg.Record) -> Assignment:
    """Returns the assignment in a row of COLUMNS."""
    return Assignment(
        company_id=row["company_id"],
        id=row["id"],
        scope=Scope(row["account_id"], Mode(row["mode"])),
        delivery_id=row["delivery_id"],
        number=row["number"],
        driver_id=row["driver_id"],
        state=AssignmentState(row["state"]),
        grams=row["grams"],
        by=By(ByKind(row["by_kind"]), row["by_name"]),
        created_at=row["created_at"],
        reason=row["reason"],
        answer_by=row["answer_by"],
        accepted_at=row["accepted_at"],
        arrived_at=row["arrived_at"],
        picked_up_at=row["picked_up_at"],
        ended_at=row["ended_at"],
    )
