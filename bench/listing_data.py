"""Five million deliveries to list and search: made once, and kept in `bench/data`.

One account has a million of them and one ten thousand, spread in time among those of hundreds of
others, as they would be in a table that has grown for months.
"""

import asyncio
import json
import random
import shutil
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import UUID

import asyncpg

from bench.plan import say
from estafette.core.account import MARKETS, Account, Mode, Scope
from estafette.core.search import fold, grams_of
from estafette.postgres import EmbeddedPostgres
from estafette.store import accounts
from estafette.store.migrate import migrate
from estafette.usecases.keys import issue

FOLDER = Path(__file__).parent / "data" / "listing"

# Beside what is kept, so that a folder of another shape or an unfinished one is made anew.
_MARK = "made.json"
_BATCH = 100_000
_TRIPS_OF_OTHERS = 50
_RATE = 1_000_000
_LOAD = {
    "maintenance_work_mem": "1GB",
    "max_wal_size": "8GB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "512MB",
}


@dataclass(frozen=True)
class Shape:
    """How many deliveries there are: a fifth the large account's, a five-hundredth the small's."""

    total: int = 5_000_000
    others: int = 400
    seed: int = 2026
    layout: int = 1  # of the tables, where migrations alone do not bring the stock up to date


@dataclass(frozen=True)
class Tenant:
    """One account's deliveries, how many there are, and a new secret key to them."""

    scope: Scope
    count: int
    api_key: str


@dataclass(frozen=True)
class Stock:
    """A started database with the deliveries in it."""

    dsn: str
    large: Tenant
    small: Tenant


STREETS = (
    *("Rua Rainha Ginga", "Avenida 4 de Fevereiro", "Rua Amílcar Cabral", "Largo do Kinaxixi"),
    *("Avenida 21 de Janeiro", "Rua Comandante Gika", "Rua da Missão", "Rua Kwame Nkrumah"),
    *("Avenida Deolinda Rodrigues", "Rua Cónego Manuel das Neves", "Estrada de Catete"),
    *("Avenida Hoji Ya Henda", "Rua Friedrich Engels", "Rua Marechal Brós Tito", "Via Expressa"),
    *("Rua Eduardo Mondlane", "Rua Nicolau Gomes Spencer", "Avenida Revolução de Outubro"),
)
QUARTERS = (
    *("Maiánga", "Ingombota", "Alvalade", "Samba", "Rangel", "Sambizanga", "Prenda", "Cazenga"),
    *("Kilamba Kiaxi", "Talatona", "Benfica", "Morro Bento", "Viana", "Cacuaco", "Golfe 2"),
    *("Palanca", "Vila Alice", "Maculusso", "Bairro Azul", "Patriota", "Nova Vida", "Zango 3"),
)
_CITIES = ("Luanda",) * 12 + ("Benguela", "Lobito", "Huambo", "Lubango", "Cabinda")


@asynccontextmanager
async def stock(folder: Path = FOLDER, shape: Shape | None = None) -> AsyncGenerator[Stock]:
    """The deliveries, made now if they are not there, in a database that runs until the end."""
    shape = shape or Shape()
    made = asdict(shape)
    mark = folder / _MARK
    if not mark.exists() or json.loads(mark.read_text("utf-8")) != made:
        await asyncio.to_thread(shutil.rmtree, folder, True)
        say(f"Making {shape.total:,} deliveries in {folder}, once: this takes some minutes")
        await _make(folder, shape)
        mark.write_text(json.dumps(made), "utf-8")
    postgres = EmbeddedPostgres(folder)
    dsn = await asyncio.to_thread(postgres.start)
    try:
        await migrate(dsn)
        large, small = _scopes(shape)[:2]
        yield Stock(
            dsn,
            await _tenant(dsn, large, shape.total // 5),
            await _tenant(dsn, small, shape.total // 500),
        )
    finally:
        await asyncio.to_thread(postgres.stop)


async def _tenant(dsn: str, scope: Scope, count: int) -> Tenant:
    connection = await asyncpg.connect(dsn)
    try:
        every = await accounts.every(connection)
        account = next(one for one in every if one.id == scope.account_id)
        issued = await issue(connection, account, scope.mode)
    finally:
        await connection.close()
    return Tenant(scope, count, issued.key)


async def _make(folder: Path, shape: Shape) -> None:
    postgres = EmbeddedPostgres(folder, durable=False, settings=_LOAD)
    dsn = await asyncio.to_thread(postgres.start)
    try:
        await migrate(dsn)
        connection = await asyncpg.connect(dsn, command_timeout=3600)
        try:
            await _load(connection, shape)
        finally:
            await connection.close()
    finally:
        await asyncio.to_thread(postgres.stop)


_INDEXES = """
select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition
from pg_index
where indrelid = any('{deliveries, search_texts, search_grams}'::regclass[])
    and not exists (select from pg_constraint where conindid = indexrelid)
"""


async def _load(connection: "asyncpg.Connection[asyncpg.Record]", shape: Shape) -> None:
    began = time.monotonic()
    scopes = _scopes(shape)
    for number, scope in enumerate(scopes):
        account = Account(scope.account_id, f"a{number}", MARKETS["AO"], "entrega", _RATE, _RATE)
        await accounts.insert(connection, account)
    await _load_trips(connection, shape, scopes)
    indexes = await connection.fetch(_INDEXES)
    for index in indexes:
        await connection.execute(f"drop index {index['name']}")
    for first in range(0, shape.total, _BATCH):
        end = min(first + _BATCH, shape.total)
        await connection.execute(_DELIVERIES, first, end, shape.total, len(scopes) - 2)
        say(f"  {end:,} after {time.monotonic() - began:.0f} s")
    for index in indexes:
        await connection.execute(index["definition"])
        say(f"  index {index['name']} after {time.monotonic() - began:.0f} s")
    await connection.execute(
        "insert into delivery_references (account_id, mode, year, last, last_at)"
        " select account_id, mode, 2026, max(right(reference, -9)::int), max(created_at)"
        " from deliveries group by account_id, mode"
    )
    await connection.execute(
        "insert into search_progress (account_id, mode, indexed_to)"
        " select account_id, mode, last_at from delivery_references"
    )
    await connection.execute("drop table trips")
    await connection.execute("vacuum (analyze)")


def _scopes(shape: Shape) -> list[Scope]:
    """The large account's, the small one's and the others'."""
    chance = random.Random(shape.seed)
    ids = [UUID(int=chance.getrandbits(128), version=4) for _ in range(shape.others + 2)]
    return [Scope(id, Mode.LIVE) for id in ids]


# From where to where the parcels of each account (its number among the scopes) go.
_TRIPS = """
create table trips (tenant int, trip int, account_id uuid, pickup jsonb, dropoff jsonb,
    content text, grams int[], primary key (tenant, trip))
"""


async def _load_trips(
    connection: "asyncpg.Connection[asyncpg.Record]", shape: Shape, scopes: list[Scope]
) -> None:
    chance = random.Random(shape.seed + 1)
    await connection.execute(_TRIPS)
    for tenant, scope in enumerate(scopes):
        count = (
            (shape.total // 100, shape.total // 1000)[tenant] if tenant < 2 else _TRIPS_OF_OTHERS
        )
        rows = [(tenant, trip, *_trip(chance, scope)) for trip in range(count)]
        await connection.copy_records_to_table("trips", records=rows)


def _trip(chance: random.Random, scope: Scope) -> tuple[UUID, str, str, str, list[int]]:
    warehouse = scope.account_id.int % 97
    origin = f"Armazém {warehouse}, {STREETS[warehouse % len(STREETS)]} {warehouse + 3}"
    city = chance.choice(_CITIES)
    street, quarter = chance.choice(STREETS), chance.choice(QUARTERS)
    address = f"{street} {chance.randrange(1, 400)}, apto {chance.randrange(1, 90)}, {quarter}"
    content = "\n".join([fold(line) for line in ("Luanda", origin, city, address)]) + "\n"
    return (
        scope.account_id,
        json.dumps({"address": origin, "city": "Luanda", "province": "Luanda", "name": "Armazém"}),
        json.dumps({"address": address, "city": city, "name": "Ana", "phone": "923 123 456"}),
        content,
        list(grams_of(scope, content)),
    )


# Every fifth delivery is the large account's, every five-hundredth the small one's.
_DELIVERIES = """
with numbered as (
    select number, timestamptz '2026-01-01 00:00Z'
            + number * (interval '250 days' / $3::int) as at,
        case when number % 5 = 0 then 0 when number % 500 = 1 then 1 else 2 + number % $4::int end
            as tenant,
        case when number % 5 = 0 then number / 5 when number % 500 = 1 then number / 500
            else number end + 1 as count,
        hashint4(number) & 2147483647 as chance
    from generate_series($1::int, $2::int - 1) as number
),
made as materialized (
    select account_id,
        (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7000'
            || to_hex(32768 + chance % 16384) || lpad(to_hex(number), 12, '0'))::uuid as id,
        'DLV-2026-' || lpad(count::text, greatest(5, length(count::text)), '0') as reference,
        case when number > $3 * 0.99
            then ('{pending,assigned,pickup_ready,in_transit,out_for_delivery,stalled}'::text[])
                [1 + chance % 6]
            when chance % 100 < 5 then 'cancelled' when chance % 100 < 8 then 'failed'
            else 'delivered' end as status,
        date_trunc('milliseconds', at) as at, pickup, dropoff, content, grams
    from numbered
    join trips using (tenant)
    where trip = chance % case tenant when 0 then $3 / 100 when 1 then $3 / 1000 else 50 end
    order by number
),
new_texts as (
    insert into search_texts (account_id, mode, created_at, delivery_id, content)
    select account_id, 'live', at, id, lower(reference) || E'\n' || content from made
),
new_grams as (
    insert into search_grams (account_id, mode, created_at, delivery_id, content, grams)
    select account_id, 'live', at, id, lower(reference) || E'\n' || content,
        grams || array(
            select (crc32(uuid_send(account_id) || convert_to(
                'live' || substr(lower(reference) || E'\n', place, 3), 'UTF8')) - 2147483648)::int
            from generate_series(1, length(reference) - 1) as place)
    from made
)
insert into deliveries (account_id, id, mode, status, milestone, seq, pickup, dropoff, parcel,
    fee, quote_id, pickup_by, deliver_by, created_at, updated_at, reference, company_id, terms)
select account_id, id, 'live', status,
    case when status in ('failed', 'stalled') then 'in_transit' else status end, 3,
    pickup, dropoff, '{"weight_grams": 1200, "description": "Livros"}', 1500, gen_random_uuid(),
    at + interval '30 minutes', at + interval '90 minutes', at, at, reference, gen_random_uuid(),
    '{"company_name":"Kwanza Entregas","company_fee":1400,"method":"prepaid"}'
from made
"""
