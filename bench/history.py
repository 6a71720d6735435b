"""A year of deliveries for the bench: whose they are, when they were made, what became of them.

Two large accounts, one for each dialect, have a fifth of all deliveries each, ten others a fiftieth
each, hundreds the rest. Deliveries are numbered in time; the account of one follows from its number
alone, by its place in a cycle of a thousand, so that every account is spread over the whole time.
A young history is what an aged one is at its end: the deliveries of the last day, and of the large
accounts those of the month that a statement shows.
"""

import asyncio
import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from bench import history_sql as sql
from bench.plan import say
from estafette.app import DIALECTS
from estafette.core.accounts.account import MARKETS, Account, Mode, Scope
from estafette.core.couriers.company import Company, Connector, Margin
from estafette.core.deliveries.delivery import Progress, Status
from estafette.core.deliveries.search import fold, grams_of
from estafette.core.ids import new_id
from estafette.core.quotes.pricing import ANY, Tariff
from estafette.core.retention import Retention
from estafette.store.partitions import PARTITIONED, keep_up
from estafette.usecases.accounts.administration import create_account
from estafette.usecases.couriers.companies import save_company, set_company_tariffs
from estafette.usecases.money.close_books import close_books
from estafette.usecases.platform import Platform

LARGE_AO, LARGE_KZ = "large-ao", "large-kz"
SMALL_AO = "small-ao"
"""The accounts that are measured; the small one has a hundredth of what a large one has."""

MONTH: Final = timedelta(days=30)
_CYCLE: Final = 1_000
_BATCH: Final = 25_000
_CONNECTIONS: Final = 2
_RATE: Final = 1_000_000
_LONG_SECONDS: Final = 3_600.0


@dataclass(frozen=True)
class Shape:
    """How much history there is.

    `total` deliveries over `days`. Of the large accounts those of the last `days_of_large` are
    there, of the others those of the last `days_of_others`; None: all.
    """

    total: int = 5_000_000
    days: int = 365
    days_of_large: int | None = None
    days_of_others: int | None = None
    seed: int = 2026
    layout: int = 2  # of what is made, where migrations alone do not bring it up to date

    def rows(self) -> int:
        """How many deliveries there are, about."""
        large, others = (
            min(1.0, (self.days if days is None else days) / self.days)
            for days in (self.days_of_large, self.days_of_others)
        )
        share = sum(one.share for one in merchants() if one.is_large) / _CYCLE
        return round(self.total * (share * large + (1 - share) * others))

    def young(self) -> "Shape":
        """What was made of this at its end."""
        return Shape(self.total, self.days, MONTH.days, 1, self.seed, self.layout)


class Merchant(NamedTuple):
    """An account of the history, and its share: how many of a thousand deliveries are its own."""

    name: str
    market: str
    share: int
    trips: int

    @property
    def is_large(self) -> bool:
        """Whether it is one of the two largest."""
        return self.share == 200


def merchants() -> list[Merchant]:
    """All accounts, the measured ones first."""
    return [
        Merchant(LARGE_AO, "AO", 200, 10_000),
        Merchant(LARGE_KZ, "KZ", 200, 10_000),
        Merchant(SMALL_AO, "AO", 2, 50),
        *(Merchant(f"shop-ao-{number}", "AO", 20, 1_000) for number in range(5)),
        *(Merchant(f"shop-kz-{number}", "KZ", 20, 1_000) for number in range(5)),
        *(Merchant(f"stall-ao-{number}", "AO", 1, 50) for number in range(100)),
        *(Merchant(f"stall-kz-{number}", "KZ", 1, 50) for number in range(298)),
    ]


STREETS: Final = (
    *("Rua Rainha Ginga", "Avenida 4 de Fevereiro", "Rua Amílcar Cabral", "Largo do Kinaxixi"),
    *("Avenida 21 de Janeiro", "Rua Comandante Gika", "Rua da Missão", "Rua Kwame Nkrumah"),
    *("Avenida Deolinda Rodrigues", "Rua Cónego Manuel das Neves", "Estrada de Catete"),
    *("Avenida Hoji Ya Henda", "Rua Friedrich Engels", "Rua Marechal Brós Tito", "Via Expressa"),
    *("Rua Eduardo Mondlane", "Rua Nicolau Gomes Spencer", "Avenida Revolução de Outubro"),
)
QUARTERS: Final = (
    *("Maiánga", "Ingombota", "Alvalade", "Samba", "Rangel", "Sambizanga", "Prenda", "Cazenga"),
    *("Kilamba Kiaxi", "Talatona", "Benfica", "Morro Bento", "Viana", "Cacuaco", "Golfe 2"),
    *("Palanca", "Vila Alice", "Maculusso", "Bairro Azul", "Patriota", "Nova Vida", "Zango 3"),
)
_CITIES: Final = ("Luanda",) * 12 + ("Benguela", "Lobito", "Huambo", "Lubango", "Cabinda")
_KZ_STREETS: Final = ("Abylay Khan Ave", "Satpayev St", "Tole Bi St", "Dostyk Ave", "Furmanov St")
_KZ_CITIES: Final = ("Almaty",) * 5 + ("Astana", "Shymkent", "Karaganda", "Aktobe", "Taraz")


async def load(platform: Platform, dsn: str, shape: Shape, until: datetime) -> None:
    """Fills a migrated and seeded database with the history that ends at `until`.

    Ends with what a worker does every hour and what autovacuum does by and by.
    """
    began = time.monotonic()
    first = _Clock(shape, until)
    connections = [
        await asyncpg.connect(dsn, command_timeout=_LONG_SECONDS) for _ in range(_CONNECTIONS)
    ]
    connection = connections[0]
    try:
        await _open_accounts(platform, connection, shape, first)
        await _make_partitions(connection, until)
        away = await _take_away(connection)

        async def fill(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
            for start in batches:
                end = min(start + _BATCH, shape.total)
                await connection.execute(sql.LOAD, start, end, until, first.began, first.step)
                if end % 500_000 == 0:
                    say(f"  {end:,} of {shape.total:,} after {time.monotonic() - began:.0f} s")

        batches = iter(range(first.oldest() // _BATCH * _BATCH, shape.total, _BATCH))
        async with asyncio.TaskGroup() as tasks:
            for each in connections:
                tasks.create_task(fill(each))
        for restore in away:
            await connection.execute(restore)
        say(f"  {len(away)} indexes after {time.monotonic() - began:.0f} s")
        for statement in sql.FINISH:
            await connection.execute(statement)
        await keep_up(connection, Retention())
        await close_books(platform)
        await connection.execute("vacuum (analyze)")
        say(f"  done after {time.monotonic() - began:.0f} s")
    finally:
        for each in connections:
            await each.close()


@dataclass(frozen=True)
class _Clock:
    """Which number a delivery of a time has."""

    shape: Shape
    until: datetime

    @property
    def began(self) -> datetime:
        return self.until - timedelta(days=self.shape.days)

    @property
    def step(self) -> timedelta:
        return timedelta(days=self.shape.days) / self.shape.total

    def number(self, at: datetime) -> int:
        """The number of the first delivery at or after a time."""
        return max(0, -((self.began - at) // self.step))

    def first_of(self, *, large: bool) -> int:
        """The first number of an account as large as the largest, or not."""
        days = self.shape.days_of_large if large else self.shape.days_of_others
        return 0 if days is None else self.number(self.until - timedelta(days=days))

    def oldest(self) -> int:
        return min(self.first_of(large=True), self.first_of(large=False))


def _slots(seed: int, share: list[int]) -> list[int]:
    """Whose each number of a cycle is."""
    slots = [tenant for tenant, count in enumerate(share) for _ in range(count)]
    assert len(slots) == _CYCLE
    random.Random(seed).shuffle(slots)
    return slots


async def _open_accounts(
    platform: Platform,
    connection: "asyncpg.Connection[asyncpg.Record]",
    shape: Shape,
    clock: _Clock,
) -> None:
    """Accounts with an endpoint each, courier companies where they quote, and whose is what."""
    everybody = merchants()
    for statement in sql.SCAFFOLD:
        await connection.execute(statement)
    await connection.copy_records_to_table("bench_lives", records=list(_lives()))
    chance = random.Random(shape.seed)
    slots = _slots(shape.seed, [one.share for one in everybody])
    luanda = ZoneInfo(MARKETS["AO"].time_zone)
    new_year = clock.number(datetime(clock.until.astimezone(luanda).year, 1, 1, tzinfo=luanda))
    of_tenant: list[tuple[int, ...]] = []
    for tenant, one in enumerate(everybody):
        account, _ = await create_account(
            platform, one.name, one.market, modes=(), rate_per_second=_RATE, burst=_RATE
        )
        company = await _companies(platform, account) if one.market == "AO" else None
        endpoint = await connection.fetchval(sql.OPEN_ENDPOINT, account.id)
        first = clock.first_of(large=one.is_large)
        mine = [place for place, owner in enumerate(slots) if owner == tenant]

        def before(number: int, mine: list[int] = mine) -> int:
            """How many of the account's deliveries have a smaller number."""
            rest = sum(place < number % _CYCLE for place in mine)
            return number // _CYCLE * len(mine) + rest

        await connection.execute(
            sql.ADD_TENANT,
            tenant,
            account.id,
            one.market,
            endpoint,
            company and company[0],
            company and company[1],
            one.share,
            one.trips,
            first,
            before(first),
            max(before(first), before(new_year)),
            new_year,
        )
        of_tenant += [(place, tenant, rank) for rank, place in enumerate(mine)]
        trips = _trips(chance, tenant, one, Scope(account.id, Mode.LIVE))
        await connection.copy_records_to_table("bench_trips", records=list(trips))
    await connection.copy_records_to_table("bench_slots", records=of_tenant)
    for table in ("bench_slots", "bench_tenants", "bench_trips", "bench_lives"):
        await connection.execute(f"analyze {table}")


async def _companies(platform: Platform, account: Account) -> tuple[UUID, UUID]:
    """Two courier companies that carry every trip, and one with a platform of its own.

    The last one has been retired: nobody asks it for a quote any more. Returns the ids of one that
    works, and of that one.
    """
    made: list[UUID] = []
    for slug, fee in (("kianda", 2_500), ("zango", 1_800), ("longe", 0)):
        company = Company(
            id=new_id(),
            market=account.market.code,
            account_id=account.id,
            name=slug.title(),
            slug=slug,
            connector=Connector.INHOUSE if fee else Connector.REMOTE,
            time_zone=account.market.time_zone,
            margin=Margin(fixed=100),
            active=bool(fee),
        )
        await save_company(platform, company)
        if fee:
            anywhere = Tariff(ANY, ANY, None, 20_000, fee, 1_800, 3_600)
            await set_company_tariffs(platform, company, [anywhere])
        made.append(company.id)
    return made[0], made[2]


_PATHS: Final = {
    Status.AWAITING_PAYMENT: (),
    Status.PENDING: (),
    Status.ASSIGNED: (Status.ASSIGNED,),
    Status.PICKUP_READY: (Status.ASSIGNED, Status.PICKUP_READY),
    Status.IN_TRANSIT: (Status.ASSIGNED, Status.IN_TRANSIT),
    Status.OUT_FOR_DELIVERY: (Status.ASSIGNED, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY),
    Status.DELIVERED: (
        *(Status.ASSIGNED, Status.IN_TRANSIT),
        *(Status.OUT_FOR_DELIVERY, Status.DELIVERED),
    ),
    Status.CANCELLED: (Status.CANCELLED,),
    Status.FAILED: (Status.ASSIGNED, Status.IN_TRANSIT, Status.FAILED),
    Status.STALLED: (Status.ASSIGNED, Status.STALLED),
}
"""By which moves a new delivery has come to its status."""


def _lives() -> Iterator[tuple[str, str, int, str, str, list[str]]]:
    """The events of a delivery that has come to a status, as each market's dialect tells them."""
    for market in MARKETS.values():
        dialect = DIALECTS[market.dialect]
        for last, path in _PATHS.items():
            start = last if last is Status.AWAITING_PAYMENT else Status.PENDING
            before, now = None, Progress(start, start)
            for status in (None, *path):
                if status is not None:
                    before, now = now, now.moved(status) or now
                told = list(dialect.announcements(before, now))
                yield market.code, last.value, now.seq, now.status.value, now.milestone.value, told


def _trips(
    chance: random.Random, tenant: int, of: Merchant, scope: Scope
) -> Iterator[tuple[int, int, str, str, str, list[int]]]:
    """From where to where an account's parcels go, with what is searched of that, and its grams."""
    warehouse = tenant * 31 % 97
    for trip in range(of.trips):
        if of.market == "KZ":
            street, city = chance.choice(_KZ_STREETS), chance.choice(_KZ_CITIES)
            origin = {"address": f"{warehouse + 1} Zhibek Zholy, Almaty", "name": "Warehouse"}
            address = f"{chance.randrange(1, 300)} {street}, apt {chance.randrange(1, 200)}, {city}"
            goal = {"address": address, "name": f"Dana K. {trip}", "phone": "+7 701 123 4567"}
            content, grams = "", list[int]()
        else:
            street, quarter, city = map(chance.choice, (STREETS, QUARTERS, _CITIES))
            line = f"Armazém {warehouse}, {STREETS[warehouse % len(STREETS)]} {warehouse + 3}"
            origin = {"address": line, "city": "Luanda", "province": "Luanda", "name": "Armazém"}
            address = f"{street} {chance.randrange(1, 400)}, apto {chance.randrange(1, 90)}"
            address += f", {quarter}"
            goal = {"address": address, "city": city, "name": "Ana", "phone": "923 123 456"}
            content = "\n".join(map(fold, ("Luanda", line, city, address))) + "\n"
            grams = list(grams_of(scope, content))
        yield tenant, trip, json.dumps(origin), json.dumps(goal), content, grams


async def _make_partitions(
    connection: "asyncpg.Connection[asyncpg.Record]", until: datetime
) -> None:
    """The daily partitions of the time that their rows are kept, as if made day by day."""
    midnight = until.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for table in PARTITIONED:
        for age in range(1, table.kept(Retention()).days + 2):
            day = midnight - timedelta(days=age)
            await connection.execute(
                f"create table if not exists {table.name}_{day:%Y_%m_%d} partition of {table.name}"
                f" for values from ({table.at(day)}) to ({table.at(day + timedelta(days=1))})"
            )


async def _take_away(connection: "asyncpg.Connection[asyncpg.Record]") -> list[str]:
    """Drops what would be kept up to date for each row; returns what makes it anew, sorted."""
    found = await connection.fetch(sql.INDEXES)
    for row in found:
        await connection.execute(row["takes_away"])
    return [row["restores"] for row in found]
