"""Simulated drivers: who and where they are, what nobody carries yet, where they go next."""

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Delivery
from estafette.core.fleet.driver import Driver
from estafette.core.fleet.position import Position, PositionSource
from estafette.core.fleet.tour import StopKind
from estafette.core.point import Point
from estafette.store.deliveries import rows
from estafette.store.fleet import drivers
from estafette.store.pool import Connection


class Rider(NamedTuple):
    """A simulated driver on shift, the market of the company, and where the driver is."""

    driver: Driver
    market: str
    position: Position | None
    parcels: int


_RIDERS = f"""
select {drivers.COLUMNS}, companies.market, positions.at, positions.received_at,
    positions.latitude, positions.longitude, positions.course_degrees, positions.speed_kmh,
    (select count(*) from assignments where assignments.company_id = drivers.company_id
        and assignments.driver_id = drivers.id and assignments.state = 'accepted') as parcels
from drivers
join companies on companies.id = drivers.company_id and companies.connector = 'inhouse'
left join positions on positions.company_id = drivers.company_id
    and positions.driver_id = drivers.id
where drivers.mode = 'sandbox' and drivers.removed_at is null and exists (
    select from shifts where shifts.company_id = drivers.company_id
        and shifts.driver_id = drivers.id and shifts.ended_at is null
)
order by drivers.company_id, drivers.id limit $1
"""  # noqa: S608 - the columns are a constant


async def riders(connection: Connection, limit: int) -> list[Rider]:
    """Returns the simulated drivers on shift of all companies, by the company."""
    return [
        Rider(drivers.read(row), row["market"], _position(row), row["parcels"])
        for row in await connection.fetch(_RIDERS, limit)
    ]


def _position(row: asyncpg.Record) -> Position | None:
    if row["at"] is None:
        return None
    return Position(
        row["company_id"],
        row["id"],
        row["at"],
        row["received_at"],
        row["latitude"],
        row["longitude"],
        PositionSource.SIMULATED,
        speed_kmh=row["speed_kmh"],
        course_degrees=row["course_degrees"],
    )


_UNCARRIED = f"""
select {rows.OF_DELIVERIES} from deliveries
where company_id = any($1::uuid[]) and mode = 'sandbox'
    and status in ('assigned', 'pickup_ready', 'in_transit', 'out_for_delivery')
    and not exists (
        select from assignments where assignments.company_id = deliveries.company_id
            and assignments.account_id = deliveries.account_id
            and assignments.delivery_id = deliveries.id
            and assignments.state in ('offered', 'accepted')
    )
order by company_id, id limit $2 for update of deliveries skip locked
"""  # noqa: S608 - the columns are a constant


async def lock_uncarried(
    connection: Connection, companies: Collection[UUID], limit: int
) -> list[Delivery]:
    """Returns deliveries under way that no driver has, locked; those that move now are left out."""
    found = await connection.fetch(_UNCARRIED, list(companies), limit)
    return [rows.delivery(row) for row in found]


class Had(NamedTuple):
    """How many assignments a delivery has had, and whose."""

    number: int
    drivers: frozenset[UUID]


_HAD = """
select assignments.account_id, assignments.delivery_id, max(number) as number,
    array_agg(driver_id) as drivers
from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as wanted (of_company, of_account, of_id)
join assignments on assignments.company_id = of_company and assignments.account_id = of_account
    and assignments.delivery_id = of_id
group by assignments.account_id, assignments.delivery_id
"""


async def had(
    connection: Connection, deliveries: Sequence[Delivery]
) -> dict[tuple[UUID, UUID], Had]:
    """Returns who has had deliveries, by account and id; those that nobody has had are left out."""
    found = await connection.fetch(
        _HAD,
        [one.company_id for one in deliveries],
        [one.scope.account_id for one in deliveries],
        [one.id for one in deliveries],
    )
    return {
        (row["account_id"], row["delivery_id"]): Had(row["number"], frozenset(row["drivers"]))
        for row in found
    }


class Errand(NamedTuple):
    """A stop of a driver, the delivery that it is of, and its plan.

    `step` is the number of the plan's next step and `due_in_seconds` when it is due; None: there is
    no plan, or it does not go on by itself.
    """

    company_id: UUID
    driver_id: UUID
    delivery: Delivery
    dialect: str
    kind: StopKind
    step: int | None
    due_in_seconds: float | None

    @property
    def spot(self) -> Point | None:
        """Where the stop is, where anybody has said so."""
        stop = self.delivery.pickup if self.kind is StopKind.PICKUP else self.delivery.dropoff
        if stop.latitude is None or stop.longitude is None:
            return None
        return Point(stop.latitude, stop.longitude)


_ERRANDS = f"""
select tour_stops.company_id as of_company, driver_id, kind, accounts.dialect,
    sandbox_runs.step, extract(epoch from sandbox_runs.due_at - now())::float8 as due_in_seconds,
    {rows.OF_DELIVERIES}
from tour_stops
join deliveries on deliveries.account_id = tour_stops.account_id
    and deliveries.id = tour_stops.delivery_id and deliveries.mode = 'sandbox'
join accounts on accounts.id = tour_stops.account_id
left join sandbox_runs on sandbox_runs.account_id = tour_stops.account_id
    and sandbox_runs.delivery_id = tour_stops.delivery_id
where tour_stops.company_id = any($1::uuid[]) and driver_id = any($2::uuid[])
order by tour_stops.company_id, driver_id, place limit $3
"""  # noqa: S608 - the columns are a constant


async def errands(
    connection: Connection, companies: Collection[UUID], riders: Collection[UUID], limit: int
) -> list[Errand]:
    """Returns the stops of drivers, driver by driver, in the order of work."""
    return [
        Errand(
            row["of_company"],
            row["driver_id"],
            rows.delivery(row),
            row["dialect"],
            StopKind(row["kind"]),
            row["step"],
            row["due_in_seconds"],
        )
        for row in await connection.fetch(_ERRANDS, list(companies), list(riders), limit)
    ]


_COMPANIES = """
select distinct drivers.company_id from drivers
join companies on companies.id = drivers.company_id and companies.connector = 'inhouse'
where drivers.mode = 'sandbox' and drivers.removed_at is null and drivers.paused_at is null
    and exists (
        select from shifts where shifts.company_id = drivers.company_id
            and shifts.driver_id = drivers.id and shifts.ended_at is null
    )
order by drivers.company_id limit $1
"""


async def companies(connection: Connection, limit: int) -> list[UUID]:
    """Returns the companies that have simulated drivers on shift."""
    return [row["company_id"] for row in await connection.fetch(_COMPANIES, limit)]


class Waiting(NamedTuple):
    """A simulated delivery of nobody that goes on by itself, and its plan."""

    delivery: Delivery
    dialect: str
    step: int
    due_in_seconds: float


_WAITING = f"""
select accounts.dialect, sandbox_runs.step,
    extract(epoch from sandbox_runs.due_at - now())::float8 as due_in_seconds, {rows.OF_DELIVERIES}
from deliveries
join sandbox_runs on sandbox_runs.account_id = deliveries.account_id
    and sandbox_runs.delivery_id = deliveries.id and sandbox_runs.due_at is not null
join accounts on accounts.id = deliveries.account_id
where deliveries.company_id = any($1::uuid[]) and deliveries.mode = 'sandbox'
    and deliveries.status = 'pending' and not exists (
        select from assignments where assignments.company_id = deliveries.company_id
            and assignments.account_id = deliveries.account_id
            and assignments.delivery_id = deliveries.id
            and assignments.state in ('offered', 'accepted')
    )
order by sandbox_runs.due_at limit $2
"""  # noqa: S608 - the columns are a constant


async def waiting(connection: Connection, companies: Collection[UUID], limit: int) -> list[Waiting]:
    """Returns what is offered to nobody and carried by nobody, what is due first first."""
    return [
        Waiting(rows.delivery(row), row["dialect"], row["step"], row["due_in_seconds"])
        for row in await connection.fetch(_WAITING, list(companies), limit)
    ]


class Offered(NamedTuple):
    """An open offer to a simulated driver, so many seconds old, and the plan of its delivery."""

    id: UUID
    driver_id: UUID
    number: int
    age_seconds: float
    delivery: Delivery
    dialect: str
    step: int


_OFFERED = f"""
select assignments.id as offer_id, assignments.driver_id, assignments.number,
    extract(epoch from now() - assignments.created_at)::float8 as age_seconds,
    accounts.dialect, sandbox_runs.step, {rows.OF_DELIVERIES}
from assignments
join drivers on drivers.company_id = assignments.company_id
    and drivers.id = assignments.driver_id and drivers.mode = 'sandbox'
join deliveries on deliveries.account_id = assignments.account_id
    and deliveries.id = assignments.delivery_id
join accounts on accounts.id = assignments.account_id
join sandbox_runs on sandbox_runs.account_id = assignments.account_id
    and sandbox_runs.delivery_id = assignments.delivery_id
where assignments.company_id = any($1::uuid[]) and assignments.state = 'offered'
order by assignments.company_id, assignments.id limit $2
"""  # noqa: S608 - the columns are a constant


async def offered(connection: Connection, companies: Collection[UUID], limit: int) -> list[Offered]:
    """Returns the open offers to simulated drivers, the oldest first."""
    return [
        Offered(
            row["offer_id"],
            row["driver_id"],
            row["number"],
            row["age_seconds"],
            rows.delivery(row),
            row["dialect"],
            row["step"],
        )
        for row in await connection.fetch(_OFFERED, list(companies), limit)
    ]


_ONE_AT_A_TIME: Final = 427_021_005_671


async def take_turn(connection: Connection) -> bool:
    """Whether this process may dispatch simulated drivers, as one does at a time."""
    return await connection.fetchval("select pg_try_advisory_lock($1)", _ONE_AT_A_TIME)


async def end_turn(connection: Connection) -> None:
    """Lets another process do it."""
    if not connection.is_closed():
        await connection.execute("select pg_advisory_unlock($1)", _ONE_AT_A_TIME)


async def has_any(connection: Connection, company_id: UUID) -> bool:
    """Returns whether a company has simulated drivers."""
    return bool(await drivers.page(connection, company_id, Mode.SANDBOX, UUID(int=0), 1))


async def count_under_way(connection: Connection, account_id: UUID, limit: int) -> int:
    """Counts an account's simulated deliveries that move by themselves, up to a limit."""
    return await connection.fetchval(
        "select count(*) from (select from sandbox_runs"
        " where account_id = $1 and due_at is not null limit $2) as found",
        account_id,
        limit,
    )
