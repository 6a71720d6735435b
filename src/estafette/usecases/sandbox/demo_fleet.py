"""Give the demo its city: an account, a company, and simulated drivers of all its companies."""

from uuid import UUID

from estafette.core.accounts.account import Account, Mode
from estafette.core.couriers.company import Company, Connector
from estafette.core.fleet.driver import USUAL, Driver
from estafette.core.fleet.position import Position, PositionSource
from estafette.core.fleet.shift import Shift
from estafette.core.ids import new_id
from estafette.seeds.city import CITIES, CityPlace, DemoCity
from estafette.seeds.companies import DemoCompany
from estafette.store.couriers import companies
from estafette.store.fleet import drivers, positions, shifts
from estafette.store.pool import Connection, now
from estafette.store.sandbox import drivers as simulated
from estafette.usecases.accounts.administration import (
    AccountNotFoundError,
    create_account,
    find_account,
)
from estafette.usecases.couriers.companies import add_missing
from estafette.usecases.platform import Platform

_OF_OTHERS = 3
"""How many simulated drivers each other company of a demo account has."""

_DEVICE = "the sandbox"


async def prepare_city(platform: Platform, market: str) -> UUID:
    """Makes the demo's city of a market where it is missing; returns its company's id.

    Its account has no keys. Several processes may do it at the same time.
    """
    city = CITIES[market]
    try:
        account = await find_account(platform, city.account)
    except AccountNotFoundError:
        account, _ = await create_account(platform, city.account, market, modes=())
    await add_missing(platform, account, [DemoCompany(city.new_company(market, account.id), [])])
    async with platform.pool.acquire() as connection, connection.transaction():
        [company] = await _own(connection, account, city.slug)
        await _add_drivers(connection, company.id, city, len(city.drivers))
    return company.id


async def add_simulated_drivers(platform: Platform, account: Account) -> None:
    """Gives the in-house companies of a demo account simulated drivers, where they have none."""
    city = CITIES[account.market.code]
    async with platform.pool.acquire() as connection, connection.transaction():
        for company in await _own(connection, account):
            if company.connector is Connector.INHOUSE:
                await _add_drivers(connection, company.id, city, _OF_OTHERS)


async def _own(connection: Connection, account: Account, slug: str | None = None) -> list[Company]:
    """Returns an account's own companies, all or one; nobody else gives it any meanwhile."""
    await companies.lock_own(connection, account.id)
    return [
        one
        for one in await companies.every(connection, account.market.code)
        if one.account_id == account.id and slug in (None, one.slug)
    ]


async def _add_drivers(connection: Connection, company_id: UUID, city: DemoCity, many: int) -> None:
    """Adds drivers on shift, each somewhere in the city. The caller has locked the account."""
    if await simulated.has_any(connection, company_id):
        return
    at = await now(connection)
    places: tuple[CityPlace, ...] = (*city.homes, *city.shops)
    where: list[Position] = []
    for number, (name, vehicle) in enumerate(city.drivers[:many]):
        driver = Driver(
            company_id=company_id,
            id=new_id(),
            name=name,
            phone_e164=f"{city.numbers}{number + 1:04}",
            vehicle=vehicle,
            capacity=USUAL[vehicle],
            created_at=at,
            mode=Mode.SANDBOX,
        )
        await drivers.save(connection, driver)
        await shifts.insert(connection, Shift(company_id, new_id(), driver.id, at, _DEVICE))
        place = places[number % len(places)]
        where.append(
            Position(
                company_id,
                driver.id,
                at,
                at,
                place.latitude,
                place.longitude,
                PositionSource.SIMULATED,
            )
        )
    await positions.keep(connection, where)
