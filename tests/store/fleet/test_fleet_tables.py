"""The tables of the fleet hold what two at a time must not break."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from estafette.core.accounts.account import Mode, Scope
from estafette.core.audit import By
from estafette.core.fleet.assignment import Assignment, AssignmentState, Load
from estafette.core.fleet.driver import USUAL, Driver, Vehicle
from estafette.core.fleet.position import Position, PositionSource
from estafette.core.fleet.shift import Shift
from estafette.core.ids import new_id
from estafette.core.retention import Retention
from estafette.store.fleet import assignments, drivers, ends, position_history, positions, shifts
from tests.rows import tables

NOW = datetime(2026, 3, 4, 9, tzinfo=UTC)


def driver(company_id: UUID, phone: str = "+244923000001") -> Driver:
    vehicle = Vehicle.MOTORCYCLE
    return Driver(company_id, new_id(), "Zé", phone, vehicle, USUAL[vehicle], NOW, skills=("cold",))


def assignment(company_id: UUID, delivery: UUID, driver: UUID, number: int = 1) -> Assignment:
    return Assignment(
        company_id,
        new_id(),
        Scope(company_id, Mode.LIVE),
        delivery,
        number,
        driver,
        AssignmentState.ACCEPTED,
        1_200,
        By.process("test"),
        NOW,
    )


async def test_a_phone_is_one_drivers_until_that_one_is_removed(
    connection: asyncpg.Connection,
) -> None:
    company = new_id()
    first, second = driver(company), driver(company)
    assert await drivers.save(connection, first)
    assert not await drivers.save(connection, second)
    assert await drivers.save(connection, driver(new_id()))
    assert await drivers.save(connection, replace(first, removed_at=NOW))
    assert await drivers.save(connection, second)
    assert await drivers.find(connection, company, second.id) == second
    assert await drivers.page(connection, company, None, UUID(int=0), 9) == [second]


async def test_a_driver_has_one_open_shift(connection: asyncpg.Connection) -> None:
    of = driver(new_id())
    shift = Shift(of.company_id, new_id(), of.id, NOW, "a phone")
    assert await shifts.insert(connection, shift)
    assert not await shifts.insert(connection, replace(shift, id=new_id()))
    assert await shifts.open_of(connection, of.company_id, [of.id]) == {of.id: shift}
    await shifts.end(connection, shift, NOW)
    assert await shifts.insert(connection, replace(shift, id=new_id()))


async def test_one_driver_has_accepted_a_delivery(connection: asyncpg.Connection) -> None:
    company, delivery, first, second = new_id(), new_id(), new_id(), new_id()
    one = assignment(company, delivery, first)
    await assignments.insert(connection, one)
    with pytest.raises(asyncpg.UniqueViolationError):
        await assignments.insert(connection, assignment(company, delivery, second, 2))
    assert await assignments.find(connection, company, one.id) == one
    assert await assignments.loads(connection, company, [first]) == {first: Load(1_200, 1, 0)}


async def test_a_driver_has_one_open_offer_of_a_delivery(connection: asyncpg.Connection) -> None:
    company, delivery, who = new_id(), new_id(), new_id()
    offer = replace(assignment(company, delivery, who), state=AssignmentState.OFFERED)
    await assignments.insert(connection, offer)
    with pytest.raises(asyncpg.UniqueViolationError):
        await assignments.insert(connection, replace(offer, id=new_id(), number=2))
    await assignments.update(connection, [replace(offer, state=AssignmentState.REFUSED)])
    await assignments.insert(connection, replace(offer, id=new_id(), number=2))


async def test_the_newest_position_of_a_driver_is_kept_whatever_comes_when(
    connection: asyncpg.Connection,
) -> None:
    company, who = new_id(), new_id()
    first = Position(company, who, NOW, NOW, -8.84, 13.23, PositionSource.PAGE)
    second = replace(first, at=NOW + timedelta(seconds=9), latitude=-8.85, speed_kmh=30.0)
    await positions.keep(connection, [second, first])
    await positions.keep(connection, [first])
    assert await positions.of_drivers(connection, company, [who]) == {who: second}
    await position_history.keep(connection, (), [first, second])
    day = timedelta(days=1)
    found = await position_history.of_driver(connection, company, who, NOW - day, NOW + day, 9)
    assert found == [first, second]


async def test_what_is_over_of_the_fleet_ends(connection: asyncpg.Connection) -> None:
    company, old = new_id(), datetime.now(UTC) - timedelta(days=181)
    gone = replace(driver(company), removed_at=old)
    owing = replace(driver(company), removed_at=old)
    stays = driver(company)
    for each in (gone, owing, stays):
        assert await drivers.save(connection, each)
    cash = {"company_id": company, "mode": "live", "driver_id": owing.id, "account_id": new_id()}
    await tables.add(connection, "driver_cash", **cash, in_hand=5_000)
    done = replace(assignment(company, new_id(), gone.id), ended_at=old)
    done = replace(done, state=AssignmentState.DONE)
    carried = assignment(company, new_id(), stays.id)
    for each in (done, carried):
        await assignments.insert(connection, each)
    shift = Shift(company, new_id(), gone.id, old, "a phone")
    await shifts.insert(connection, shift)
    await shifts.end(connection, shift, old)
    here = Position(company, gone.id, old, old, 0, 0, PositionSource.PAGE)
    await positions.keep(connection, [here])
    await ends.forget(connection, Retention())
    assert await drivers.find(connection, company, gone.id) is None
    assert await drivers.find(connection, company, stays.id) == stays
    assert await drivers.find(connection, company, owing.id) == owing, "it was never counted"
    assert await assignments.find(connection, company, done.id) is None
    assert await assignments.find(connection, company, carried.id) == carried
    assert await tables.read(connection, "shifts", {"company_id": company}) == []
    assert await positions.of_drivers(connection, company, [gone.id]) == {}
