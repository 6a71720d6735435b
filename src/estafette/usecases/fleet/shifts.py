"""Begin and end a driver's shift."""

from datetime import datetime
from uuid import UUID

from estafette.core.audit import AuditedAct, ByKind
from estafette.core.fleet.driver import DriverState
from estafette.core.fleet.reasons import Noted
from estafette.core.fleet.refusals import (
    DriverAway,
    DriverNotFound,
    NotOnShift,
    ParcelsOnBoard,
)
from estafette.core.fleet.shift import LONGEST_DEVICE, Shift
from estafette.core.ids import new_id
from estafette.store import signals
from estafette.store.fleet import assignments, drivers, shifts, tours
from estafette.store.pool import Connection, now
from estafette.usecases import audit
from estafette.usecases.fleet.hold import LANE
from estafette.usecases.fleet.let_go import let_go
from estafette.usecases.platform import Platform


async def start_shift(platform: Platform, company_id: UUID, driver_id: UUID, device: str) -> Shift:
    """Begins a driver's shift; returns the open one where there is one already.

    `device` names from where. Raises DriverNotFound or DriverAway.
    """
    async with (
        platform.connections.batch(LANE) as connection,
        platform.transaction(connection) as work,
    ):
        driver = (await drivers.lock(connection, company_id, [driver_id])).get(driver_id)
        if driver is None:
            raise DriverNotFound(driver_id)
        if driver.state is not DriverState.ACTIVE:
            raise DriverAway(driver_id, driver.state)
        known = (await shifts.open_of(connection, company_id, [driver_id])).get(driver_id)
        if known is not None:
            return known
        began, name = await now(connection), device.strip()[:LONGEST_DEVICE]
        shift = Shift(company_id, new_id(), driver_id, began, name)
        await shifts.insert(connection, shift)
        await _note(connection, platform, AuditedAct.SHIFT_STARTED, shift)
        work.signal(signals.FLEET)
    return shift


async def end_shift(
    platform: Platform, company_id: UUID, driver_id: UUID, at: datetime | None = None
) -> None:
    """Ends a driver's shift: what they accepted and did not pick up is handed back before.

    A parcel that is brought again in a later window stays with the driver. `at` is a time of the
    driver's own clock. Raises DriverNotFound, NotOnShift or ParcelsOnBoard; then nothing was handed
    back.
    """
    async with platform.connections.batch(LANE) as connection:
        await _must_be_empty(connection, company_id, driver_id)
    await let_go(platform, company_id, driver_id, Noted.SHIFT_ENDED, accepted=True)
    async with (
        platform.connections.batch(LANE) as connection,
        platform.transaction(connection) as work,
    ):
        if driver_id not in await drivers.lock(connection, company_id, [driver_id]):
            raise DriverNotFound(driver_id)
        shift = (await shifts.open_of(connection, company_id, [driver_id])).get(driver_id)
        if shift is None:
            raise NotOnShift(driver_id)
        await _must_be_empty(connection, company_id, driver_id)
        present = await now(connection)
        ended = max(shift.began_at, min(at or present, present))
        await shifts.end(connection, shift, ended)
        await _note(connection, platform, AuditedAct.SHIFT_ENDED, shift)
        work.signal(signals.FLEET)


async def _note(connection: Connection, platform: Platform, act: AuditedAct, shift: Shift) -> None:
    """Notes what somebody else than the driver did with a shift."""
    by = platform.by
    if by.kind is not ByKind.PROCESS and by.name != str(shift.driver_id):
        facts = {"company_id": str(shift.company_id)}
        await audit.note(connection, by, act, shift.driver_id, facts)


async def _must_be_empty(connection: Connection, company_id: UUID, driver_id: UUID) -> None:
    """Raises ParcelsOnBoard, except for parcels that are put off to a later window."""
    found = await assignments.open_of_drivers(connection, company_id, [driver_id])
    on_board = {(one.scope.account_id, one.delivery_id) for one in found if one.is_on_board}
    for stop in await tours.of_driver(connection, company_id, driver_id):
        if stop.put_off_until is not None:
            on_board.discard((stop.account_id, stop.delivery_id))
    if on_board:
        raise ParcelsOnBoard(driver_id, len(on_board))
