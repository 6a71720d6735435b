"""The company's drivers: who they are, what they can take, whether they work."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from estafette.core.accounts.account import MARKETS
from estafette.core.fleet.driver import USUAL, Capacity, Driver, Vehicle
from estafette.core.fleet.refusals import DriverNotFound, FleetRefusal
from estafette.core.people.permission import PersonAct
from estafette.core.people.person import FieldError
from estafette.http.phones import e164
from estafette.http.shell import Tone
from estafette.http.texts import N_, gettext
from estafette.usecases.fleet.drivers import (
    add_driver,
    change_driver,
    find_driver,
    list_drivers,
    pause_driver,
    remove_driver,
)
from estafette.usecases.fleet.shifts import end_shift, start_shift
from estafette.web.asked import id_in
from estafette.web.board.words import said_of
from estafette.web.parts import Column, Paging
from estafette.web.people.faults import said
from estafette.web.session import SAFE
from estafette.web.visit import Visit, render

_PAGE: Final = 50
_VEHICLES: Final = {
    Vehicle.FOOT: N_("On foot"),
    Vehicle.BICYCLE: N_("Bicycle"),
    Vehicle.MOTORCYCLE: N_("Motorcycle"),
    Vehicle.CAR: N_("Car"),
    Vehicle.VAN: N_("Van"),
}


async def show(request: Request, visit: Visit) -> Response:
    """Shows the drivers, oldest first."""
    after = id_in(request.query_params["after"]) if "after" in request.query_params else None
    found = await list_drivers(visit.platform, visit.company.id, visit.mode, after, _PAGE)
    return render(
        visit,
        "web/board/templates/drivers.html",
        drivers=found.drivers,
        shifts=found.shifts,
        loads=found.loads,
        columns=(
            Column("name", gettext("Name")),
            Column("state", gettext("State")),
            Column("vehicle", gettext("Vehicle")),
            Column("phone", gettext("Phone")),
            Column("load", gettext("Has"), "number"),
        ),
        vehicle_name=vehicle_name,
        paging=Paging(
            previous="" if after is None else visit.path,
            next="" if found.next is None else f"{visit.path}?after={found.next.hex}",
        ),
        may_manage=visit.may(PersonAct.DRIVERS_MANAGE),
    )


async def add(request: Request, visit: Visit) -> Response:
    """Shows the form for a new driver, or adds one."""

    async def save(typed: dict[str, Any]) -> Driver:
        return await add_driver(visit.platform, visit.company.id, mode=visit.mode, **typed)

    return await _form(request, visit, None, save)


async def edit(request: Request, visit: Visit) -> Response:
    """Shows a driver's form, or saves it."""
    driver = await driver_in(request, visit)

    async def save(typed: dict[str, Any]) -> Driver:
        typed["capacity"] = _capacity(driver, typed["vehicle"], typed["capacity"])
        return await change_driver(visit.platform, visit.company.id, driver.id, **typed)

    return await _form(request, visit, driver, save)


async def _form(
    request: Request,
    visit: Visit,
    driver: Driver | None,
    save: Callable[[dict[str, Any]], Awaitable[Driver]],
) -> Response:
    fields = _fields(driver) if request.method in SAFE else _typed(visit)

    def shown(faults: dict[str, str], status: int = 200) -> Response:
        return render(
            visit,
            "web/board/templates/driver.html",
            status=status,
            driver=driver,
            fields=fields,
            faults=faults,
            vehicles=[(one.value, vehicle_name(one)) for one in Vehicle],
            currency=MARKETS[visit.company.market].currency,
            here=visit.path,
        )

    if request.method in SAFE:
        return shown({})

    async def do() -> Response:
        typed, faults = _read(visit, fields)
        if faults:
            return shown(faults, 422)
        try:
            saved = await save(typed)
        except FieldError as fault:
            return shown(_fault_of(fault), 422)
        except FleetRefusal as refusal:
            return shown({"": said_of(refusal)}, 409)
        return visit.go(f"{visit.home}/drivers", gettext("%(name)s is saved.", name=saved.name))

    return await visit.once(do, otherwise=f"{visit.home}/drivers")


def _capacity(driver: Driver, vehicle: Vehicle, typed: Capacity) -> Capacity:
    """Returns what the vehicle holds: what stands in the form as it was opened follows its kind."""
    told = zip(typed, driver.capacity, driver.capacity_in(vehicle), strict=True)
    return Capacity(*(kept if now == before else now for now, before, kept in told))


_NAMES: Final = (
    "name", "phone", "vehicle", "kilograms", "parcels", "skills", "zones", "cash_limit",
)  # fmt: skip


def _fields(driver: Driver | None) -> dict[str, str]:
    """Returns what stands in the form at first."""
    if driver is None:
        return {**dict.fromkeys(_NAMES, ""), "vehicle": Vehicle.MOTORCYCLE}
    return {
        "name": driver.name,
        "phone": driver.phone_e164,
        "vehicle": driver.vehicle,
        "kilograms": f"{driver.capacity.grams / 1000:g}",
        "parcels": str(driver.capacity.parcels),
        "skills": ", ".join(driver.skills),
        "zones": ", ".join(driver.zones),
        "cash_limit": "" if driver.cash_limit is None else str(driver.cash_limit),
    }


def _typed(visit: Visit) -> dict[str, str]:
    return {name: visit.form.value(name).strip() for name in _NAMES}


def _read(visit: Visit, fields: dict[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Returns what was typed as a driver's values, and what is wrong with it by the field."""
    faults: dict[str, str] = {}
    if fields["vehicle"] not in set(Vehicle):
        raise HTTPException(400)
    vehicle = Vehicle(fields["vehicle"])
    phone = e164(fields["phone"], visit.company.market)
    if phone is None:
        faults["phone"] = gettext("This is no phone number of a driver.")
    grams = _number(fields["kilograms"], 1000)
    parcels, limit = _number(fields["parcels"]), _number(fields["cash_limit"])
    for name, value in (("kilograms", grams), ("parcels", parcels), ("cash_limit", limit)):
        if fields[name] and value is None:
            faults[name] = gettext("This is no number.")
    usual = USUAL[vehicle]
    return {
        "name": fields["name"],
        "phone_e164": phone or "",
        "vehicle": vehicle,
        "capacity": Capacity(grams or usual.grams, parcels or usual.parcels),
        "skills": _several(fields["skills"]),
        "zones": _several(fields["zones"]),
        "cash_limit": limit,
    }, faults


_FAULTS: Final = {
    "phone": ("phone", N_("This is no phone number of a driver.")),
    "capacity_grams": ("kilograms", N_("No vehicle of this kind holds that.")),
    "capacity_parcels": ("parcels", N_("No vehicle of this kind holds that.")),
    "cash_limit": ("cash_limit", N_("This is no sum that somebody may carry.")),
    "skills": ("skills", N_("Write at most 20 of them, each of at most 40 characters.")),
    "zones": ("zones", N_("Write at most 100 of them, each of at most 100 characters.")),
}


def _fault_of(fault: FieldError) -> dict[str, str]:
    """Returns what is wrong, by the field of the form."""
    if fault.field in _FAULTS:
        name, text = _FAULTS[fault.field]
        return {name: gettext(text)}
    return {fault.field: said(fault)}


def _number(text: str, times: int = 1) -> int | None:
    """Returns a number of at most nine digits, with a comma or point where it is multiplied."""
    written = text.replace(" ", "").replace("\u00a0", "").replace(",", ".")
    whole, _, part = written.partition(".")
    if not whole.isdecimal() or not whole.isascii() or len(whole) > 9:
        return None
    if part and (times == 1 or not part.isdecimal() or not part.isascii() or len(part) > 3):
        return None
    return round(float(written) * times)


def _several(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.strip() for one in text.split(",") if one.strip()))


async def pause(request: Request, visit: Visit) -> Response:
    """Gives a driver nothing further, or ends that."""
    paused = visit.form.value("paused") == "yes"

    async def do(driver: Driver) -> str:
        await pause_driver(visit.platform, visit.company.id, driver.id, paused=paused)
        if paused:
            return gettext("%(name)s is given nothing further.", name=driver.name)
        return gettext("%(name)s is given deliveries again.", name=driver.name)

    return await _do(request, visit, do)


async def remove(request: Request, visit: Visit) -> Response:
    """Lets a driver go who carries nothing."""

    async def do(driver: Driver) -> str:
        await remove_driver(visit.platform, visit.company.id, driver.id)
        return gettext("%(name)s is removed.", name=driver.name)

    return await _do(request, visit, do)


async def shift(request: Request, visit: Visit) -> Response:
    """Begins or ends a driver's shift, where the driver cannot."""
    begins = visit.form.value("on") == "yes"

    async def do(driver: Driver) -> str:
        if begins:
            await start_shift(visit.platform, visit.company.id, driver.id, "the board")
            return gettext("%(name)s is on shift.", name=driver.name)
        await end_shift(visit.platform, visit.company.id, driver.id)
        return gettext("%(name)s is off shift.", name=driver.name)

    return await _do(request, visit, do)


async def _do(request: Request, visit: Visit, act: Callable[[Driver], Awaitable[str]]) -> Response:
    driver = await driver_in(request, visit)
    back = f"{visit.home}/drivers"

    async def do() -> Response:
        try:
            return visit.go(back, await act(driver))
        except FleetRefusal as refusal:
            return visit.go(back, said_of(refusal), Tone.BAD)

    return await visit.once(do, otherwise=back)


async def driver_in(request: Request, visit: Visit) -> Driver:
    """Returns the driver whom the path names. Raises HTTPException (404)."""
    try:
        id = id_in(request.path_params["driver"])
        driver = await find_driver(visit.platform, visit.company.id, id)
    except DriverNotFound:
        raise HTTPException(404) from None
    if driver.removed_at is not None or driver.mode is not visit.mode:
        raise HTTPException(404)
    return driver


def vehicle_name(vehicle: Vehicle) -> str:
    """Returns what a vehicle is called, in the reader's language."""
    return gettext(_VEHICLES[vehicle])
