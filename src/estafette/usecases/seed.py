"""Make an empty database ready: the schema, the markets' cities and prices, the demo account."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple
from urllib.parse import urlencode

from estafette.core.accounts.account import MARKETS, Account, KeyKind, Mode, Scope
from estafette.core.audit import By
from estafette.core.people.organisation import PLATFORM, Organisation, OrganisationKind
from estafette.core.people.permission import HEAD
from estafette.seeds.city import CITIES
from estafette.seeds.tariffs import tariffs_of
from estafette.store.migrate import migrate
from estafette.store.pool import open_pool
from estafette.store.quotes import catalog
from estafette.usecases.accounts.administration import (
    DEFAULT_ENDPOINT,
    AccountNotFoundError,
    create_account,
    find_account,
    list_accounts,
    set_origins,
)
from estafette.usecases.accounts.key_uses import KeyUses
from estafette.usecases.accounts.keys import IssuedKey, create_key, is_good
from estafette.usecases.accounts.secrets import Cipher
from estafette.usecases.catalog import Catalog
from estafette.usecases.connections import DatabaseConnections
from estafette.usecases.couriers.companies import add_demo_companies
from estafette.usecases.people.invite import invite
from estafette.usecases.people.members import list_members
from estafette.usecases.platform import Platform, Signals
from estafette.usecases.ready import check_secret_key
from estafette.usecases.sandbox.demo_fleet import add_simulated_drivers, prepare_city
from estafette.usecases.webhooks.endpoints import list_endpoints, set_endpoint

DEMO_ACCOUNTS = {market.dialect: market.code for market in MARKETS.values()}
"""The demo accounts by name, each with its market: one for each dialect, by its name."""

_OF_DEMO = {*DEMO_ACCOUNTS, *(city.account for city in CITIES.values())}

DEMO_ORIGINS = ("http://localhost:3000", "http://localhost:8000", "http://127.0.0.1:8000")
"""The pages that a new demo account trusts: those that a developer serves on this machine."""


async def prepare_database(dsn: str) -> list[str]:
    """Migrates and seeds the database at `dsn`; returns what was done, in words.

    Milliseconds when there is nothing to do. Safe from several processes at once.
    """
    applied, without_partitions = await migrate(dsn)
    done = [f"applied migration {name}" for name in applied]
    done += [
        f"{table} has no partitions for the days to come yet: the worker will make them ({reason})"
        for table, reason in without_partitions.items()
    ]
    return done + await _seed_markets(dsn)


async def _seed_markets(dsn: str) -> list[str]:
    done: list[str] = []
    async with catalog.seeding(dsn) as connection:
        for market in MARKETS:
            if not await catalog.has_cities(connection, market):
                # loads the gazetteer of the world: 60 MB, for who really needs it
                from estafette.seeds.cities import cities_of

                cities = cities_of(market)
                await catalog.insert_cities(connection, cities)
                done.append(f"added {len(cities)} cities of {market}")
            tariffs = tariffs_of(market)
            if tariffs and not await catalog.tariffs(connection, market):
                await catalog.replace_tariffs(connection, market, tariffs)
                done.append(f"added {len(tariffs)} tariffs of {market}")
    return done


class DemoAccount(NamedTuple):
    """What a developer needs to use a demo account: its sandbox keys by name, its secret."""

    keys: dict[str, str]
    webhook_secret: str


async def demo_account(platform: Platform, name: str, remembered: Mapping[str, str]) -> DemoAccount:
    """The demo account of that name with sandbox keys that work, created where it is missing.

    The key is called `api_key` where its dialect knows but one kind. The account has the courier
    companies that its market has for a demo, and trusts pages of this machine.

    Keys are stored as hashes alone, so the caller remembers the demo's: a remembered key that is
    still good is given back, else a new one.
    """
    try:
        account = await find_account(platform, name)
        issued: list[IssuedKey] = []
    except AccountNotFoundError:
        account, issued = await create_account(
            platform, name, DEMO_ACCOUNTS[name], modes=(Mode.SANDBOX,)
        )
        if KeyKind.PUBLISHABLE in account.market.keys:
            account = await set_origins(platform, name, DEMO_ORIGINS)
    await add_demo_companies(platform, account)
    kinds = account.market.keys
    new = {issue.known.kind: issue.key for issue in issued}
    keys: dict[str, str] = {}
    for kind in kinds:
        called = "api_key" if len(kinds) == 1 else f"{kind}_key"
        known = new.get(kind) or remembered.get(called)
        if not known or not await is_good(platform, account, known):
            known = (await create_key(platform, account, Mode.SANDBOX, kind)).key
        keys[called] = known
    return DemoAccount(keys, await _webhook_secret(platform, account))


async def _webhook_secret(platform: Platform, account: Account) -> str:
    """Returns the secret that signs the account's sandbox webhooks now."""
    for endpoint in await list_endpoints(platform, account.id):
        if endpoint.scope.mode is Mode.SANDBOX and endpoint.name == DEFAULT_ENDPOINT:
            return endpoint.secret
    made = await set_endpoint(platform, Scope(account.id, Mode.SANDBOX), None)  # it was removed
    return made.secret


class Prepared(NamedTuple):
    """What was done to the database, in words, and the demo accounts by name.

    `people` are the paths at which they sign in: `office`, a console for each demo account, and
    `<account>_board` for the city of its market, where there is one.
    """

    done: list[str]
    accounts: dict[str, DemoAccount]
    people: dict[str, str]


async def prepare_demo(
    dsn: str,
    secret_keys: Sequence[str],
    remembered_keys: Mapping[str, Mapping[str, str]] | None,
    *,
    city: bool = False,
) -> Prepared:
    """Migrates and seeds the database at `dsn`, demo accounts included.

    `remembered_keys` are their API keys by account and name; None: there shall be no demo, and
    demo accounts from before are only told of. With `city` each market has simulated drivers.
    Raises ValueError when none of `secret_keys` is the one that the database's secrets were
    encrypted with.
    """
    done = await prepare_database(dsn)
    pool = await open_pool(dsn, size=2)
    try:
        platform = Platform(
            pool=pool,
            connections=DatabaseConnections(pool),
            key_uses=KeyUses(pool),
            signal=Signals(pool).send,
            dialects={},  # opening an account asks no dialect anything
            catalog=Catalog(pool),
            cipher=Cipher(*secret_keys),
            public_url="",
            sandbox_step=timedelta(0),
            by=By.process("up"),
        )
        async with pool.acquire() as connection:
            await check_secret_key(connection, platform.cipher)
        if remembered_keys is None:
            office = {"office": await _way_in(platform, PLATFORM, "/office")}
            return Prepared(done + await _left_of_demo(platform), {}, office)
        accounts = {
            name: await demo_account(platform, name, remembered_keys.get(name, {}))
            for name in DEMO_ACCOUNTS
        }
        people = {"office": await _way_in(platform, PLATFORM, "/office")}
        for name in accounts:
            of = Organisation(OrganisationKind.ACCOUNT, (await find_account(platform, name)).id)
            people[name] = await _way_in(platform, of, "/console")
            if city:
                people[f"{name}_board"] = await _city(platform, name)
    finally:
        await pool.close()
    return Prepared(done, accounts, people)


async def _city(platform: Platform, name: str) -> str:
    """Makes the city of a demo account's market; returns the path to the board of its company."""
    await add_simulated_drivers(platform, await find_account(platform, name))
    company_id = await prepare_city(platform, DEMO_ACCOUNTS[name])
    of = Organisation(OrganisationKind.COMPANY, company_id)
    page = f"/board/{company_id.hex}/sandbox"
    path = await _way_in(platform, of, page)
    return path if path == page else f"{path}?{urlencode({'next': page})}"  # live has nothing


async def _way_in(platform: Platform, of: Organisation, page: str) -> str:
    """Returns the path of a link for the first of its people; the page's, once somebody joined."""
    if (await list_members(platform, of, limit=1)).members:
        return page
    return (await invite(platform, of, HEAD[of.kind], None)).path


async def _left_of_demo(platform: Platform) -> list[str]:
    """Returns what is to be said of demo accounts from before whose keys still open something."""
    return [
        f"the demo account {account.name} is here from before:"
        f" `estafette accounts remove {account.name} --yes` removes it"
        for account in await list_accounts(platform)
        if account.name in _OF_DEMO and not account.is_disabled
    ]
