"""Cash in the hands of drivers: what each has, and what was booked for it.

Both tables are written by a trigger of the books, with their lines. Here they are read, and what is
over is removed.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Delivery
from estafette.core.money.books import Cause
from estafette.core.money.cash import CashRoom, InHand
from estafette.store.old_rows import older
from estafette.store.pool import Connection

_CARRIERS = """
select input.delivery_id, assignments.driver_id
from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as input (company_id, account_id, delivery_id)
join assignments on assignments.company_id = input.company_id
    and assignments.account_id = input.account_id
    and assignments.delivery_id = input.delivery_id
    and assignments.state in ('accepted', 'done')
"""


async def carriers(connection: Connection, deliveries: Sequence[Delivery]) -> dict[UUID, UUID]:
    """The drivers who carry deliveries, or have delivered them, by the delivery's id."""
    found = await connection.fetch(
        _CARRIERS,
        [delivery.company_id for delivery in deliveries],
        [delivery.scope.account_id for delivery in deliveries],
        [delivery.id for delivery in deliveries],
    )
    return {row["delivery_id"]: row["driver_id"] for row in found}


async def lock_in_hand(connection: Connection, of: tuple[UUID, Mode, UUID]) -> list[InHand]:
    """What a driver has of each account, by the account's id: nobody else changes it meanwhile."""
    found = await connection.fetch(
        "select account_id, in_hand from driver_cash"
        " where company_id = $1 and mode = $2 and driver_id = $3 and in_hand > 0"
        " order by account_id for update",
        *of,
    )
    return [InHand(row["account_id"], row["in_hand"]) for row in found]


_ROOMS = """
select drivers.id, drivers.cash_limit, coalesce(cash.in_hand, 0) as in_hand,
    coalesce(carried.to_collect, 0) as to_collect
from drivers
left join (
    select driver_id, sum(in_hand)::bigint as in_hand from driver_cash
    where company_id = $1 and mode = $2 and ($3::uuid[] is null or driver_id = any($3))
    group by driver_id
) cash on cash.driver_id = drivers.id
left join (
    select driver_id, sum((terms->>'cash_collect')::bigint)::bigint as to_collect
    from assignments join deliveries on deliveries.account_id = assignments.account_id
        and deliveries.id = assignments.delivery_id
        and deliveries.status not in ('delivered', 'cancelled', 'failed')
    where assignments.company_id = $1 and assignments.mode = $2
        and assignments.state = 'accepted' and ($3::uuid[] is null or driver_id = any($3))
    group by driver_id
) carried on carried.driver_id = drivers.id
where drivers.company_id = $1 and drivers.mode = $2 and drivers.removed_at is null
    and ($3::uuid[] is null or drivers.id = any($3))
"""


async def rooms(
    connection: Connection, company_id: UUID, mode: Mode, drivers: Collection[UUID] | None
) -> dict[UUID, CashRoom]:
    """How much cash the drivers of a company have and will have; None: all of them."""
    found = await connection.fetch(
        _ROOMS, company_id, mode, None if drivers is None else list(drivers)
    )
    return {
        row["id"]: CashRoom(row["in_hand"], row["to_collect"], row["cash_limit"]) for row in found
    }


class OfDriver(NamedTuple):
    """What a driver has in hand, of that `declared` in a handover that nobody has counted yet.

    `since` is when it last changed. `name` is None where the driver is not kept any more.
    """

    driver_id: UUID
    name: str | None
    in_hand: int
    limit: int | None
    since: datetime
    handover_id: UUID | None
    declared: int | None


_OF_DRIVERS = """
select cash.driver_id, drivers.name, cash.in_hand, drivers.cash_limit, cash.since,
    cash_handovers.id as handover_id, cash_handovers.declared
from (
    select driver_id, sum(in_hand)::bigint as in_hand, max(changed_at) as since from driver_cash
    where company_id = $1 and mode = $2 and in_hand > 0 and driver_id > $3
    group by driver_id order by driver_id limit $4
) cash
left join drivers on drivers.company_id = $1 and drivers.id = cash.driver_id
left join cash_handovers on cash_handovers.company_id = $1
    and cash_handovers.driver_id = cash.driver_id and cash_handovers.state = 'declared'
order by cash.driver_id
"""


async def of_drivers(
    connection: Connection, company_id: UUID, mode: Mode, after: UUID, limit: int
) -> list[OfDriver]:
    """The drivers of a company who have cash, after one of them in the order of their ids."""
    found = await connection.fetch(_OF_DRIVERS, company_id, mode, after, limit)
    return [OfDriver(*row.values()) for row in found]


class OfCompany(NamedTuple):
    """Cash in the hands of a company's drivers: how much, and of how many of them."""

    company_id: UUID
    name: str | None
    market: str | None
    drivers: int
    in_hand: int
    to_count: int
    """How many handovers are declared and not counted."""


_OF_COMPANIES = """
select cash.company_id, companies.name, companies.market, cash.drivers, cash.in_hand,
    (select count(*) from cash_handovers
        where cash_handovers.company_id = cash.company_id and mode = $1 and state = 'declared'
    ) as to_count
from (
    select company_id, count(distinct driver_id) as drivers, sum(in_hand)::bigint as in_hand
    from driver_cash where mode = $1 and in_hand > 0 and company_id > $2
    group by company_id order by company_id limit $3
) cash
left join companies on companies.id = cash.company_id
order by cash.company_id
"""


async def of_companies(
    connection: Connection, mode: Mode, after: UUID, limit: int
) -> list[OfCompany]:
    """The companies whose drivers have cash, after one of them in the order of their ids."""
    found = await connection.fetch(_OF_COMPANIES, mode, after, limit)
    return [OfCompany(*row.values()) for row in found]


class DriverEntry(NamedTuple):
    """A line in a driver's own book: `amount` above zero was collected, below zero handed over.

    `reference` is the delivery's, or None; `number` that of a handover, or None.
    """

    booked_at: datetime
    account_id: UUID
    account: str | None
    cause_id: UUID
    cause: Cause
    reference: str | None
    number: int | None
    amount: int


class DriverPosition(NamedTuple):
    """Where an entry stands in a driver's book."""

    booked_at: datetime
    account_id: UUID
    cause_id: UUID
    cause: str


_ENTRIES = """
select entry.booked_at, entry.account_id, accounts.name as account, entry.cause_id, entry.cause,
    deliveries.reference, cash_handovers.number, entry.amount
from (
    select booked_at, account_id, cause_id, cause, amount from driver_cash_entries
    where company_id = $1 and mode = $2 and driver_id = $3 and booked_at >= $4 and booked_at < $5
        and ($6::timestamptz is null
            or (booked_at, account_id, cause_id, cause) > ($6, $7::uuid, $8::uuid, $9))
    order by booked_at, account_id, cause_id, cause limit $10
) entry
left join accounts on accounts.id = entry.account_id
left join deliveries on deliveries.account_id = entry.account_id and deliveries.id = entry.cause_id
left join cash_handovers on cash_handovers.company_id = $1 and cash_handovers.id = entry.cause_id
order by entry.booked_at, entry.account_id, entry.cause_id, entry.cause
"""


async def entries(
    connection: Connection,
    of: tuple[UUID, Mode, UUID],
    begin: datetime,
    end: datetime,
    after: DriverPosition | None,
    limit: int,
) -> list[DriverEntry]:
    """At most `limit` entries of the book of a company's driver in a mode, oldest first."""
    found = await connection.fetch(
        _ENTRIES, *of, begin, end, *(after or (None, None, None, None)), limit
    )
    return [
        DriverEntry(
            booked_at=row["booked_at"],
            account_id=row["account_id"],
            account=row["account"],
            cause_id=row["cause_id"],
            cause=Cause(row["cause"]),
            reference=row["reference"],
            number=row["number"],
            amount=row["amount"],
        )
        for row in found
    ]


async def balance(connection: Connection, of: tuple[UUID, Mode, UUID], before: datetime) -> int:
    """What a driver had in hand before a time: what is in hand, without what was booked since."""
    return await connection.fetchval(
        "select coalesce((select sum(in_hand) from driver_cash"
        " where company_id = $1 and mode = $2 and driver_id = $3), 0)::bigint"
        " - coalesce((select sum(amount) from driver_cash_entries where company_id = $1"
        " and mode = $2 and driver_id = $3 and booked_at >= $4), 0)::bigint",
        *of,
        before,
    )


async def accounts_of(
    connection: Connection, of: tuple[UUID, Mode, UUID], handover_id: UUID, counted_at: datetime
) -> list[UUID]:
    """The accounts whose cash was handed over then, in order."""
    found = await connection.fetch(
        "select account_id from driver_cash_entries where company_id = $1 and mode = $2"
        " and driver_id = $3 and booked_at = $4 and cause_id = $5 and cause = 'handed_over'"
        " order by account_id",
        *of,
        counted_at,
        handover_id,
    )
    return [row["account_id"] for row in found]


forget: Final = older("driver_cash_entries", "booked_at")
"""Removes entries that were booked so long ago."""


forget_nothing: Final = older("driver_cash", "changed_at", "in_hand = 0")
"""Removes who has had nothing for so long."""
