"""Drivers of a company, their shifts, and what they see."""

from datetime import timedelta
from typing import Any

import pytest

from estafette.core.couriers.company import Connector
from estafette.core.deliveries.delivery import Status, Stop
from estafette.core.fleet.assignment import AssignmentState
from estafette.core.fleet.driver import USUAL, Capacity, DriverState, Vehicle
from estafette.core.fleet.privacy import CONTACTS_KEPT
from estafette.core.fleet.refusals import (
    DriverAway,
    DriverNotFound,
    NoDriversHere,
    NotOnShift,
    ParcelsOnBoard,
    PhoneTaken,
    TourChanged,
)
from estafette.core.fleet.tour import StopKind
from estafette.core.ids import new_id
from estafette.core.people.person import FieldError
from estafette.usecases.audit import AuditFilter, list_entries
from estafette.usecases.fleet.accept import accept
from estafette.usecases.fleet.drivers import (
    add_driver,
    change_driver,
    find_driver,
    find_driver_by_phone,
    list_drivers,
    pause_driver,
    remove_driver,
)
from estafette.usecases.fleet.hand_over import hand_over
from estafette.usecases.fleet.own_work import Carried, own_work
from estafette.usecases.fleet.refuse import refuse
from estafette.usecases.fleet.reorder import PlannedStop, reorder
from estafette.usecases.fleet.shifts import end_shift, start_shift
from estafette.usecases.fleet.steps import pick_up
from tests.rows import tables
from tests.usecases.fleet.conftest import Fleet

STATE = AssignmentState
PHONE = "+244923000001"


async def test_a_driver_is_added_changed_and_found_by_phone(fleet: Fleet) -> None:
    named: dict[str, Any] = {"phone_e164": PHONE, "vehicle": Vehicle.CAR}
    driver = await add_driver(
        fleet.platform, fleet.id, name="  Zé   Maria ", skills=["cold", "cold"], **named
    )
    assert (driver.name, driver.skills, driver.capacity) == (
        *("Zé Maria", ("cold",), USUAL[Vehicle.CAR]),
    )
    assert await find_driver_by_phone(fleet.platform, fleet.id, PHONE) == driver
    with pytest.raises(DriverNotFound):
        await find_driver_by_phone(fleet.platform, new_id(), PHONE)
    with pytest.raises(PhoneTaken):
        await add_driver(fleet.platform, fleet.id, name="Another", **named)
    changed = await change_driver(fleet.platform, fleet.id, driver.id, zones=["Luanda"])
    assert await find_driver(fleet.platform, fleet.id, driver.id) == changed
    entries = (await list_entries(fleet.platform, AuditFilter(object=str(driver.id)))).entries
    assert [entry.act for entry in entries] == ["driver.changed", "driver.added"]
    assert PHONE not in str(entries)
    roster = await list_drivers(fleet.platform, fleet.id, limit=1)
    assert (roster.drivers, roster.next) == ([changed], None)


async def test_another_vehicle_holds_what_is_usual_for_it_unless_somebody_said_otherwise(
    fleet: Fleet,
) -> None:
    van = Vehicle.VAN
    driver = await add_driver(
        fleet.platform,
        fleet.id,
        name="Zé",
        phone_e164=PHONE,
        vehicle=van,
        capacity=USUAL[van]._replace(parcels=40),
    )
    of = (fleet.platform, fleet.id, driver.id)
    on_foot = await change_driver(*of, vehicle=Vehicle.FOOT)
    assert on_foot.capacity == USUAL[Vehicle.FOOT]._replace(parcels=40)
    back = await change_driver(*of, vehicle=van, capacity=Capacity(1, 1))
    assert back.capacity == Capacity(1, 1)


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("name", {"name": " "}),
        ("phone", {"phone_e164": "923000001"}),
        ("capacity_grams", {"capacity": USUAL[Vehicle.CAR]._replace(grams=0)}),
        ("capacity_parcels", {"capacity": USUAL[Vehicle.CAR]._replace(parcels=10_000)}),
        ("skills", {"skills": ["x" * 41]}),
        ("skills", {"skills": [str(n) for n in range(21)]}),
        ("zones", {"zones": ["a\u202eb"]}),
        ("cash_limit", {"cash_limit": -1}),
    ],
)
async def test_what_cannot_be_kept_of_a_driver_is_refused_by_its_field(
    fleet: Fleet, field: str, changes: dict[str, Any]
) -> None:
    driver = await fleet.driver()
    with pytest.raises(FieldError) as refused:
        await change_driver(fleet.platform, fleet.id, driver.id, **changes)
    assert refused.value.field == field


async def test_a_company_with_a_platform_of_its_own_has_no_drivers_here(fleet: Fleet) -> None:
    remote = await fleet.shop.company("far", [], connector=Connector.REMOTE)
    for company_id in (remote.id, new_id()):
        with pytest.raises(NoDriversHere):
            await add_driver(
                fleet.platform, company_id, name="Zé", phone_e164=PHONE, vehicle=Vehicle.FOOT
            )


async def test_who_is_paused_carries_on_and_is_given_nothing_further(fleet: Fleet) -> None:
    driver = await fleet.driver()
    carried = await fleet.accepted(driver)
    offered = await fleet.delivery()
    await fleet.offered(offered, driver)
    paused = await pause_driver(fleet.platform, fleet.id, driver.id, paused=True)
    assert paused.state is DriverState.PAUSED
    (over,) = await fleet.history(offered)
    assert over.state is STATE.RELEASED
    await pick_up(fleet.platform, fleet.id, driver.id, carried.id)
    with pytest.raises(DriverAway):
        await fleet.offered(offered, driver)
    assert await pause_driver(fleet.platform, fleet.id, driver.id, paused=True) == paused
    await pause_driver(fleet.platform, fleet.id, driver.id, paused=False)
    await fleet.offered(offered, driver)


async def test_only_who_carries_nothing_is_removed_and_then_is_no_driver_any_more(
    fleet: Fleet,
) -> None:
    driver = await fleet.driver()
    delivery = await fleet.accepted(driver)
    with pytest.raises(ParcelsOnBoard):
        await remove_driver(fleet.platform, fleet.id, driver.id)
    await pick_up(fleet.platform, fleet.id, driver.id, delivery.id)
    await hand_over(fleet.platform, fleet.id, driver.id, delivery.id)
    removed = await remove_driver(fleet.platform, fleet.id, driver.id)
    assert removed.state is DriverState.REMOVED
    assert (await list_drivers(fleet.platform, fleet.id)).drivers == []
    with pytest.raises(DriverNotFound):
        await change_driver(fleet.platform, fleet.id, driver.id, name="Zé")
    with pytest.raises(DriverAway):
        await start_shift(fleet.platform, fleet.id, driver.id, "a phone")
    async with fleet.platform.pool.acquire() as connection:
        where = {"company_id": fleet.id, "driver_id": driver.id, "ended_at": None}
        assert await tables.count(connection, "shifts", where) == 0


async def test_a_shift_ends_without_parcels_on_board_and_gives_back_the_others(
    fleet: Fleet,
) -> None:
    driver = await fleet.driver(on_shift=False)
    of = (fleet.platform, fleet.id, driver.id)
    with pytest.raises(NotOnShift):
        await end_shift(*of)
    shift = await start_shift(*of, "a phone")
    assert await start_shift(*of, "another phone") == shift
    on_board, waiting = await fleet.accepted(driver), await fleet.accepted(driver)
    offered = await fleet.delivery()
    await fleet.offered(offered, driver)
    await pick_up(*of, on_board.id)
    with pytest.raises(ParcelsOnBoard, match="1 parcel:"):
        await end_shift(*of)
    assert (await fleet.shop.delivery(waiting.id)).status is Status.ASSIGNED
    await hand_over(*of, on_board.id)
    await end_shift(*of)
    assert (await fleet.shop.delivery(waiting.id)).status is Status.PENDING
    for delivery in (waiting, offered):
        (over,) = await fleet.history(delivery)
        assert (over.state, over.reason) == (STATE.RELEASED, "the driver's shift has ended")
    with pytest.raises(NotOnShift):
        await fleet.offered(offered, driver)


NOTHING: tuple[list[Carried], ...] = ([], [], [], [])


def hides(stop: Stop) -> bool:
    return not (stop.name or stop.phone or stop.phone_e164 or stop.notes)


async def test_a_driver_sees_whom_to_call_from_acceptance_to_some_time_after_the_end(
    fleet: Fleet,
) -> None:
    driver, other = await fleet.driver(), await fleet.driver()
    delivery = await fleet.delivery()
    of = (fleet.platform, fleet.id, driver.id)
    given = await fleet.offered(delivery, driver)
    (offered,) = (await own_work(*of)).offers
    assert offered.delivery.dropoff.address == delivery.dropoff.address
    assert hides(offered.delivery.pickup)
    assert hides(offered.delivery.dropoff)
    assert offered.delivery.parcel.description is None
    await accept(*of, given.id)
    work = await own_work(*of)
    assert [one.delivery.dropoff for one in work.carried] == [delivery.dropoff]
    assert [stop.kind for stop in work.tour] == list(StopKind)
    await pick_up(*of, delivery.id)
    await hand_over(*of, delivery.id)
    (seen,) = (await own_work(*of)).lately
    assert seen.delivery.dropoff == delivery.dropoff
    assert (await own_work(fleet.platform, fleet.id, other.id))[1:] == NOTHING
    where = {"company_id": fleet.id, "id": given.id}
    long_ago = -CONTACTS_KEPT - timedelta(seconds=1)
    await tables.change(fleet.platform.pool, "assignments", where, ended_at=long_ago)
    assert (await own_work(*of))[1:] == NOTHING


async def test_who_refused_sees_nothing_of_it(fleet: Fleet) -> None:
    driver, delivery = await fleet.driver(), await fleet.delivery()
    given = await fleet.offered(delivery, driver)
    await refuse(fleet.platform, fleet.id, driver.id, given.id)
    assert (await own_work(fleet.platform, fleet.id, driver.id))[1:] == NOTHING


async def test_a_tour_is_put_into_another_order_whole_and_possible(fleet: Fleet) -> None:
    driver = await fleet.driver()
    first, second = await fleet.accepted(driver), await fleet.accepted(driver)
    pickup, dropoff = StopKind.PICKUP, StopKind.DROPOFF
    order = [
        PlannedStop(second.id, pickup),
        PlannedStop(first.id, pickup, first.deliver_by),
        PlannedStop(first.id, dropoff),
        PlannedStop(second.id, dropoff),
    ]
    of = (fleet.platform, fleet.id, driver.id)
    await reorder(*of, order)
    assert await fleet.tour(driver) == [(one.delivery_id, one.kind) for one in order]
    for wrong in (order[1:], order[::-1], [*order, order[0]]):
        with pytest.raises(TourChanged):
            await reorder(*of, wrong)
    (_, planned, *_) = (await own_work(*of)).tour
    assert planned.planned_at == first.deliver_by
    await pick_up(*of, second.id)
    assert await fleet.tour(driver) == [(one.delivery_id, one.kind) for one in order[1:]]
    third = await fleet.accepted(driver)
    assert (await fleet.tour(driver))[3:] == [(third.id, pickup), (third.id, dropoff)]
