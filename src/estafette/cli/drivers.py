"""`estafette drivers`: the drivers of in-house companies, their shifts, and what each carries."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar
from uuid import UUID

from cyclopts import App, Parameter

from estafette.cli.output import OK, misused, say, say_json, table, time_text
from estafette.cli.session import on_platform
from estafette.cli.words import AsJson, identifier, known_market
from estafette.core.accounts.account import MARKETS
from estafette.core.fleet.assignment import Load
from estafette.core.fleet.driver import USUAL, Capacity, Driver, Vehicle
from estafette.core.fleet.shift import Shift
from estafette.http.phones import e164, readable
from estafette.usecases.accounts.administration import find_account
from estafette.usecases.couriers.companies import find_company
from estafette.usecases.fleet.assign import assign
from estafette.usecases.fleet.drivers import (
    Roster,
    add_driver,
    change_driver,
    find_driver_by_phone,
    list_drivers,
    pause_driver,
    remove_driver,
)
from estafette.usecases.fleet.shifts import end_shift, start_shift
from estafette.usecases.fleet.take_back import take_back
from estafette.usecases.platform import Platform

app = App(name="drivers", help="Drivers of in-house companies: add, list, pause, shifts, assign.")

T = TypeVar("T")
_DEVICE = "the command line"
_LARGEST_PAGE = 500


@Parameter(name="*")
@dataclass(frozen=True)
class _Of:
    """The company that a command is about."""

    company: Annotated[str, Parameter(help="The courier company's slug.")]
    market: Annotated[str, Parameter(help=f"Its market, one of {', '.join(MARKETS)}.")]
    account: Annotated[
        str | None, Parameter(help="The account that it serves alone, if it does.")
    ] = None

    async def find(self, platform: Platform) -> UUID:
        """The company's id. Raises CommandError, or what finds no such one."""
        account = None if self.account is None else await find_account(platform, self.account)
        market = known_market(self.market)
        found = await find_company(platform, market, self.company, account and account.id)
        return found.id

    def phone(self, text: str) -> str:
        """A number in E.164, one without a country code as of the company's market."""
        region = MARKETS[known_market(self.market)].phone_region
        number = e164(text, region)
        if number is None:
            raise misused(f"{text!r} is not a phone number")
        return number


@Parameter(name="*")
@dataclass(frozen=True)
class _Options:
    """What a driver is like; what is not given stays as it is."""

    vehicle: Annotated[Vehicle | None, Parameter(help="By what the driver goes.")] = None
    grams: Annotated[int | None, Parameter(help="What the vehicle holds; by its kind.")] = None
    parcels: Annotated[int | None, Parameter(help="The same, in parcels.")] = None
    skill: Annotated[list[str] | None, Parameter(help="Such as cold; give several.")] = None
    zone: Annotated[
        list[str] | None, Parameter(help="A city or province; none: where the company goes.")
    ] = None
    cash_limit: Annotated[int | None, Parameter(help="The most cash in hand.")] = None

    def changes(self, kept: Capacity) -> dict[str, Any]:
        """The fields that were given, by their names in `Driver`.

        `kept` is what the vehicle holds where nothing else was given.
        """
        given: dict[str, Any] = {
            "vehicle": self.vehicle,
            "skills": None if self.skill is None else tuple(self.skill),
            "zones": None if self.zone is None else tuple(self.zone),
            "cash_limit": self.cash_limit,
        }
        if self.grams is not None or self.parcels is not None:
            grams = kept.grams if self.grams is None else self.grams
            parcels = kept.parcels if self.parcels is None else self.parcels
            given["capacity"] = Capacity(grams, parcels)
        return {name: value for name, value in given.items() if value is not None}


_NO_OPTIONS = _Options()


@app.command
def add(
    name: str,
    *,
    of: _Of,
    phone: Annotated[str, Parameter(help="By which the driver signs in.")],
    options: _Options = _NO_OPTIONS,
    json: AsJson = False,
) -> int:
    """Add a driver to an in-house company; by motorcycle unless told.

    Parameters
    ----------
    name
        What the driver is called.
    """
    vehicle = options.vehicle or Vehicle.MOTORCYCLE
    wanted: dict[str, Any] = {"vehicle": vehicle, **options.changes(USUAL[vehicle])}

    async def work(platform: Platform) -> Driver:
        company_id = await of.find(platform)
        return await add_driver(
            platform, company_id, name=name, phone_e164=of.phone(phone), **wanted
        )

    return _say(on_platform(work), "is a driver now", json=json)


@app.command
def update(phone: str, *, of: _Of, options: _Options = _NO_OPTIONS, json: AsJson = False) -> int:
    """Change what a driver's vehicle holds, where the driver goes, or how much cash there may be.

    Parameters
    ----------
    phone
        The driver's phone.
    """

    async def work(platform: Platform, driver: Driver) -> Driver:
        changes = options.changes(driver.capacity_in(options.vehicle or driver.vehicle))
        return await change_driver(platform, driver.company_id, driver.id, **changes)

    return _say(_with(of, phone, work), "was changed", json=json)


@app.command(name="list")
def list_(*, of: _Of, json: AsJson = False) -> int:
    """List a company's drivers: who works, and what each carries."""

    async def work(platform: Platform) -> list[Roster]:
        company_id, after = await of.find(platform), None
        pages: list[Roster] = []
        while not pages or after is not None:
            pages.append(await list_drivers(platform, company_id, after=after, limit=_LARGEST_PAGE))
            after = pages[-1].next
        return pages

    pages = on_platform(work)
    rows = [
        (driver, page.shifts.get(driver.id), page.loads.get(driver.id, Load()))
        for page in pages
        for driver in page.drivers
    ]
    if json:
        say_json({"drivers": [_json(*row) for row in rows]})
        return OK
    table(
        ("NAME", "PHONE", "VEHICLE", "HOLDS", "SHIFT SINCE", "CARRIES", "STATE"),
        [_row(*row) for row in rows],
        "No drivers; `estafette drivers add NAME --phone NUMBER --company … --market …` adds one",
    )
    return OK


@app.command
def pause(phone: str, *, of: _Of, json: AsJson = False) -> int:
    """Give a driver nothing further; what was accepted is carried to its end.

    Parameters
    ----------
    phone
        The driver's phone.
    """
    return _say(_with(of, phone, _paused(paused=True)), "is given nothing further", json=json)


@app.command
def resume(phone: str, *, of: _Of, json: AsJson = False) -> int:
    """End a driver's pause.

    Parameters
    ----------
    phone
        The driver's phone.
    """
    return _say(_with(of, phone, _paused(paused=False)), "may be given deliveries", json=json)


def _paused(*, paused: bool) -> Callable[[Platform, Driver], Awaitable[Driver]]:
    async def work(platform: Platform, driver: Driver) -> Driver:
        return await pause_driver(platform, driver.company_id, driver.id, paused=paused)

    return work


@app.command
def remove(phone: str, *, of: _Of, json: AsJson = False) -> int:
    """Let a driver go who carries nothing.

    Parameters
    ----------
    phone
        The driver's phone.
    """

    async def work(platform: Platform, driver: Driver) -> Driver:
        return await remove_driver(platform, driver.company_id, driver.id)

    return _say(_with(of, phone, work), "is no driver any more", json=json)


@app.command(name="start-shift")
def start_shift_(phone: str, *, of: _Of, json: AsJson = False) -> int:
    """Begin a driver's shift.

    Parameters
    ----------
    phone
        The driver's phone.
    """

    async def work(platform: Platform, driver: Driver) -> Driver:
        await start_shift(platform, driver.company_id, driver.id, _DEVICE)
        return driver

    return _say(_with(of, phone, work), "works now", json=json)


@app.command(name="end-shift")
def end_shift_(phone: str, *, of: _Of, json: AsJson = False) -> int:
    """End a driver's shift; what was not picked up is pending again.

    Parameters
    ----------
    phone
        The driver's phone.
    """

    async def work(platform: Platform, driver: Driver) -> Driver:
        await end_shift(platform, driver.company_id, driver.id)
        return driver

    return _say(_with(of, phone, work), "has ended the day", json=json)


@app.command(name="assign")
def assign_(
    delivery: str,
    phone: str,
    *,
    of: _Of,
    instead_of: Annotated[
        str | None, Parameter(help="The phone of the driver who has it until now.")
    ] = None,
    took_over: Annotated[
        bool, Parameter(negative="", help="The parcel went from one to the other already.")
    ] = False,
    json: AsJson = False,
) -> int:
    """Give a delivery to a driver.

    Parameters
    ----------
    delivery
        The delivery's id.
    phone
        The driver's phone.
    """
    delivery_id = identifier(delivery, "a delivery")

    async def work(platform: Platform, driver: Driver) -> Driver:
        before = None
        if instead_of is not None:
            number = of.phone(instead_of)
            before = (await find_driver_by_phone(platform, driver.company_id, number)).id
        await assign(
            platform,
            driver.company_id,
            delivery_id,
            driver.id,
            instead_of=before,
            took_over=took_over,
        )
        return driver

    return _say(_with(of, phone, work), "has the delivery", json=json)


@app.command(name="take-back")
def take_back_(delivery: str, *, of: _Of, json: AsJson = False) -> int:
    """Take a delivery back from whoever has it or was offered it: it is pending again.

    Parameters
    ----------
    delivery
        The delivery's id.
    """
    delivery_id = identifier(delivery, "a delivery")

    async def work(platform: Platform) -> str:
        company_id = await of.find(platform)
        return (await take_back(platform, company_id, delivery_id)).status

    status = on_platform(work)
    if json:
        say_json({"id": delivery_id, "status": status})
    else:
        say(f"No driver has it now; it is {status}")
    return OK


def _with(of: _Of, phone: str, do: Callable[[Platform, Driver], Awaitable[T]]) -> T:
    """What is done with the driver of a phone."""

    async def work(platform: Platform) -> T:
        company_id = await of.find(platform)
        return await do(platform, await find_driver_by_phone(platform, company_id, of.phone(phone)))

    return on_platform(work)


def _say(driver: Driver, what: str, *, json: bool) -> int:
    if json:
        say_json(_json(driver))
    else:
        say(f"{driver.name} ({readable(driver.phone_e164)}) {what}")
    return OK


def _json(driver: Driver, shift: Shift | None = None, load: Load | None = None) -> dict[str, Any]:
    known: dict[str, Any] = {
        "id": driver.id,
        "name": driver.name,
        "phone": driver.phone_e164,
        "mode": driver.mode,
        "vehicle": driver.vehicle,
        "capacity_grams": driver.capacity.grams,
        "capacity_parcels": driver.capacity.parcels,
        "skills": driver.skills,
        "zones": driver.zones,
        "cash_limit": driver.cash_limit,
        "state": driver.state,
    }
    if load is not None:
        known |= {
            "on_shift_since": shift and shift.began_at,
            "accepted": load.parcels,
            "on_board": load.on_board,
        }
    return known


def _row(driver: Driver, shift: Shift | None, load: Load) -> tuple[object, ...]:
    holds = f"{driver.capacity.parcels} parcels, {driver.capacity.grams / 1000:g} kg"
    carries = f"{load.on_board} of {load.parcels}" if load.parcels else "-"
    since = "-" if shift is None else time_text(shift.began_at)
    phone = readable(driver.phone_e164)
    return (driver.name, phone, driver.vehicle, holds, since, carries, driver.state)
