"""Manage the drivers of a courier company."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Mode
from estafette.core.audit import AuditedAct, difference, ending
from estafette.core.couriers.company import Company, Connector
from estafette.core.edition import edition_of, must_be
from estafette.core.fleet.assignment import Load
from estafette.core.fleet.driver import (
    MOST_DRIVERS,
    USUAL,
    Capacity,
    Driver,
    DriverState,
    Vehicle,
    checked,
)
from estafette.core.fleet.reasons import Noted
from estafette.core.fleet.refusals import (
    DriverNotFound,
    FleetFull,
    NoDriversHere,
    ParcelsOnBoard,
    PhoneTaken,
)
from estafette.core.fleet.shift import Shift
from estafette.core.ids import new_id
from estafette.store import signals
from estafette.store.couriers import companies
from estafette.store.fleet import assignments, drivers, position_tokens, sessions, shifts
from estafette.store.pool import Connection, now
from estafette.usecases import audit
from estafette.usecases.fleet.hold import LANE
from estafette.usecases.fleet.let_go import let_go
from estafette.usecases.platform import Platform

_BEGINNING = UUID(int=0)


async def add_driver(
    platform: Platform,
    company_id: UUID,
    *,
    name: str,
    phone_e164: str,
    vehicle: Vehicle,
    capacity: Capacity | None = None,
    skills: Sequence[str] = (),
    zones: Sequence[str] = (),
    cash_limit: int | None = None,
    mode: Mode = Mode.LIVE,
) -> Driver:
    """Adds a driver to an in-house company; without `capacity` the usual one of the vehicle.

    Raises FieldError, NoDriversHere, PhoneTaken or FleetFull.
    """
    async with (
        platform.connections.batch(LANE) as connection,
        platform.transaction(connection) as work,
    ):
        await _must_have_drivers(connection, company_id)
        if await drivers.count(connection, company_id) >= MOST_DRIVERS:
            raise FleetFull("drivers", MOST_DRIVERS)
        driver = checked(
            Driver(
                company_id=company_id,
                id=new_id(),
                name=name,
                phone_e164=phone_e164,
                vehicle=vehicle,
                capacity=capacity or USUAL[vehicle],
                created_at=await now(connection),
                mode=mode,
                skills=tuple(skills),
                zones=tuple(zones),
                cash_limit=cash_limit,
            )
        )
        if not await drivers.save(connection, driver):
            raise PhoneTaken(phone_e164)
        await _note(connection, platform, AuditedAct.DRIVER_ADDED, driver, _facts(driver))
        work.signal(signals.FLEET)
    return driver


async def change_driver(
    platform: Platform,
    company_id: UUID,
    driver_id: UUID,
    edition: str | None = None,
    **changes: Any,
) -> Driver:
    """Changes some fields of a driver (see `Driver`), who was not removed.

    With another phone, whoever is signed in on one as this driver is out, and the token for
    positions is good for nothing: a phone may have been lost, or stolen.

    With another vehicle and no `capacity` it is what was said of the driver, or else usual for it.

    `edition` is that of the driver as they were opened; None skips the comparison. Raises
    FieldError, DriverNotFound, PhoneTaken or EditedMeanwhileError.
    """
    async with (
        platform.connections.batch(LANE) as connection,
        platform.transaction(connection) as work,
    ):
        before = await _locked(connection, company_id, driver_id)
        must_be(edition, edition_of(before))
        if "vehicle" in changes and "capacity" not in changes:
            changes["capacity"] = before.capacity_in(changes["vehicle"])
        after = checked(replace(before, **changes))
        if not await drivers.save(connection, after):
            raise PhoneTaken(after.phone_e164)
        facts = difference(_facts(before), _facts(after))
        if after.phone_e164 != before.phone_e164:
            facts["sessions_ended"] = await sessions.end_all(connection, company_id, driver_id)
            await position_tokens.drop(connection, company_id, driver_id)
        if facts:
            await _note(connection, platform, AuditedAct.DRIVER_CHANGED, after, facts)
        work.signal(signals.FLEET)
    return after


async def pause_driver(
    platform: Platform, company_id: UUID, driver_id: UUID, *, paused: bool
) -> Driver:
    """Has a driver given nothing further, and open offers end; or ends that pause.

    What was accepted is carried to its end. Raises DriverNotFound.
    """
    async with platform.connections.batch(LANE) as connection:
        moment = await now(connection)
        known = await drivers.find(connection, company_id, driver_id)
    if known is not None and (known.paused_at is not None) == paused and not known.removed_at:
        return known
    at = moment if paused else None
    driver = await change_driver(platform, company_id, driver_id, paused_at=at)
    if paused:
        await let_go(platform, company_id, driver_id, Noted.PAUSED, accepted=False)
    return driver


async def remove_driver(
    platform: Platform, company_id: UUID, driver_id: UUID, edition: str | None = None
) -> Driver:
    """Lets a driver go who carries nothing: open offers and the shift end, the phone is free.

    Raises DriverNotFound, ParcelsOnBoard or EditedMeanwhileError.
    """
    async with (
        platform.connections.batch(LANE) as connection,
        platform.transaction(connection) as work,
    ):
        before = await _locked(connection, company_id, driver_id)
        must_be(edition, edition_of(before))
        load = await assignments.loads(connection, company_id, [driver_id])
        if (carried := load.get(driver_id, Load()).parcels) > 0:
            raise ParcelsOnBoard(driver_id, carried)
        moment = await now(connection)
        driver = replace(before, removed_at=moment)
        await drivers.save(connection, driver)
        if shift := (await shifts.open_of(connection, company_id, [driver_id])).get(driver_id):
            await shifts.end(connection, shift, moment)
        await _note(connection, platform, AuditedAct.DRIVER_REMOVED, driver, {})
        work.signal(signals.FLEET)
    await let_go(platform, company_id, driver_id, Noted.REMOVED, accepted=False)
    return driver


class Roster(NamedTuple):
    """Some drivers of a company with their open shifts and what each has; `next` goes on."""

    drivers: list[Driver]
    shifts: dict[UUID, Shift]
    loads: dict[UUID, Load]
    next: UUID | None


async def list_drivers(
    platform: Platform,
    company_id: UUID,
    mode: Mode | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> Roster:
    """Returns drivers of a company, oldest first, those who were removed left out."""
    async with platform.connections.batch(LANE) as connection:
        found = await drivers.page(connection, company_id, mode, after or _BEGINNING, limit + 1)
        shown = found[:limit]
        ids = [driver.id for driver in shown]
        working = await shifts.open_of(connection, company_id, ids)
        loads = await assignments.loads(connection, company_id, ids)
    return Roster(shown, working, loads, shown[-1].id if len(found) > limit else None)


async def find_driver(platform: Platform, company_id: UUID, driver_id: UUID) -> Driver:
    """Returns a driver of a company, removed ones too. Raises DriverNotFound."""
    async with platform.connections.batch(LANE) as connection:
        found = await drivers.find(connection, company_id, driver_id)
    if found is None:
        raise DriverNotFound(driver_id)
    return found


async def find_driver_by_phone(platform: Platform, company_id: UUID, phone_e164: str) -> Driver:
    """Returns the driver of a company who has this phone. Raises DriverNotFound."""
    async with platform.connections.batch(LANE) as connection:
        found = await drivers.of_phone(connection, phone_e164, MOST_DRIVERS)
    for driver in found:
        if driver.company_id == company_id:
            return driver
    raise DriverNotFound(phone_e164)


async def _must_have_drivers(connection: Connection, company_id: UUID) -> Company:
    if not await companies.keep(connection, company_id):
        raise NoDriversHere(company_id)
    company = await companies.find(connection, company_id)
    if company is None or company.connector is Connector.REMOTE:
        raise NoDriversHere(company_id)
    return company


async def _locked(connection: Connection, company_id: UUID, driver_id: UUID) -> Driver:
    driver = (await drivers.lock(connection, company_id, [driver_id])).get(driver_id)
    if driver is None or driver.state is DriverState.REMOVED:
        raise DriverNotFound(driver_id)
    return driver


def _facts(driver: Driver) -> dict[str, Any]:
    """Returns what the audit records of a driver; of the phone its end."""
    facts = {
        "name": driver.name,
        "phone": ending(driver.phone_e164),
        "vehicle": driver.vehicle,
        "capacity_grams": driver.capacity.grams,
        "capacity_parcels": driver.capacity.parcels,
        "skills": driver.skills,
        "zones": driver.zones,
        "cash_limit": driver.cash_limit,
        "state": driver.state,
    }
    return {name: value for name, value in facts.items() if value not in (None, ())}


async def _note(
    connection: Connection,
    platform: Platform,
    act: AuditedAct,
    driver: Driver,
    facts: dict[str, Any],
) -> None:
    company = {"company_id": str(driver.company_id)}
    await audit.note(connection, platform.by, act, driver.id, {**company, **facts})
