"""Whether a driver may be given one delivery more, decided under the lock of the driver's row."""

from uuid import UUID

from estafette.core.fleet.assignment import Load
from estafette.core.fleet.driver import Driver, DriverState
from estafette.core.fleet.refusals import (
    CashLimitReached,
    DriverAway,
    DriverNotFound,
    NotOnShift,
    OtherMode,
    SkillsLacking,
    VehicleFull,
)
from estafette.core.money.cash import NO_CASH, may_take
from estafette.store.fleet import assignments, drivers, shifts
from estafette.usecases.fleet.hold import Held
from estafette.usecases.money.cash import cash_rooms


async def must_take(held: Held, driver_id: UUID, *, on_shift: bool) -> Driver:
    """Returns the driver, who can take the delivery; nothing else is given to them meanwhile.

    `on_shift`: the driver has to be on one. Raises DriverNotFound, OtherMode, DriverAway,
    NotOnShift, SkillsLacking, VehicleFull or CashLimitReached.
    """
    connection, company_id = held.work.connection, held.company_id
    driver = (await drivers.lock(connection, company_id, [driver_id])).get(driver_id)
    if driver is None:
        raise DriverNotFound(driver_id)
    if driver.mode is not held.delivery.scope.mode:
        raise OtherMode(driver_id)
    if driver.state is not DriverState.ACTIVE:
        raise DriverAway(driver_id, driver.state)
    if on_shift and not await shifts.open_of(connection, company_id, [driver_id]):
        raise NotOnShift(driver_id)
    if skills := driver.lacks(held.delivery.skills):
        raise SkillsLacking(driver_id, skills)
    load = (await assignments.loads(connection, company_id, [driver_id])).get(driver_id, Load())
    if not load.has_room_for(held.delivery.parcel.weight_grams, driver.capacity):
        grams, parcels = driver.capacity
        raise VehicleFull(driver_id, max(grams - load.grams, 0), max(parcels - load.parcels, 0))
    if cash := held.delivery.payment.cash_collect:
        rooms = await cash_rooms(connection, company_id, driver.mode, [driver_id])
        room = rooms.get(driver_id, NO_CASH)
        if not may_take(room, cash):
            raise CashLimitReached(driver_id, room.limit or 0, room.in_hand + room.to_collect)
    return driver
