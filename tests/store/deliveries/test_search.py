"""Pages by offset, held against a plain model, whichever way the search takes."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import asyncpg
import pytest

from estafette.core.accounts.account import Mode, Scope
from estafette.core.deliveries.delivery import Delivery, Parcel, Progress, Status, Stop, reference
from estafette.core.deliveries.due_moves import WatchLimits
from estafette.core.deliveries.event import Actor, Event
from estafette.core.deliveries.search import fold
from estafette.core.deliveries.search_plan import EFFORT, Effort
from estafette.core.ids import new_id
from estafette.store.deliveries import journal, search, search_texts
from estafette.store.deliveries.journal import JournalEntry
from estafette.store.deliveries.references import Given, Series, lock, write
from estafette.store.deliveries.search import ListFilter
from estafette.store.pool import open_pool
from estafette.store.webhooks.messages import AS_IT_IS
from estafette.store.work import UnitOfWork

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
STREETS = ("Rua Rainha Ginga", "Largo do Kinaxixi", "Avenida 21 de Janeiro", "Rua 100%", "Via_1")
QUARTERS = ("Maiánga", "Ingombota", "São Paulo", "Nº 5", "Zango 3 #2")
STATUSES = (Status.PENDING, Status.DELIVERED, Status.DELIVERED, Status.FAILED)

# By these a search in a handful of rows takes each of the ways that it takes in a million.
WAYS = [
    EFFORT,
    Effort(sample=1, fetch=0),
    Effort(sample=3, fetch=0, long=-1),
    Effort(sample=2, fetch=1000),
    Effort(sample=5),
]


def delivery(scope: Scope, number: int, **changes: Any) -> Delivery:
    chance = random.Random(number)
    status = chance.choice(STATUSES)
    at = NOON + timedelta(minutes=number // 4)  # four at a time
    fields: dict[str, Any] = {
        "id": new_id(),
        "scope": scope,
        "progress": Progress(status, Status.DELIVERED),
        "pickup": Stop("Armazém 7, Viana", city="Luanda"),
        "dropoff": Stop(
            f"{chance.choice(STREETS)} {number}, {chance.choice(QUARTERS)}",
            city=chance.choice(["Luanda", "Lobito"]),
        ),
        "parcel": Parcel(1_000),
        "fee": 1_000,
        "pickup_by": at,
        "deliver_by": at,
        "created_at": at,
        "updated_at": at,
        "reference": reference(2026, number),
    }
    return Delivery(**fields | changes)


async def insert(connection: asyncpg.Connection, deliveries: Sequence[Delivery]) -> None:
    entries = [
        JournalEntry(
            one,
            Event(
                id=new_id(),
                delivery_id=one.id,
                seq=1,
                status=one.status,
                milestone=one.milestone,
                actor=Actor.MERCHANT,
                note=None,
                announced=(),
                occurred_at=one.created_at,
            ),
        )
        for one in deliveries
    ]
    async with connection.transaction():
        series = {Series(one.scope, 2026) for one in deliveries}
        last = await lock(connection, series)
        await journal.insert(
            UnitOfWork(connection), entries, WatchLimits(), sendings=[AS_IT_IS] * len(entries)
        )
        await search_texts.keep(connection, deliveries)
        added = Counter(one.scope for one in deliveries)
        newest = max(one.created_at for one in deliveries)
        given = {one: Given(last[one].number + added[one.scope], newest) for one in series}
        await write(connection, given)


def expected(stock: Sequence[Delivery], wanted: ListFilter) -> tuple[list[Delivery], bool]:
    """The page as a loop over everything finds it."""

    def fits(one: Delivery) -> bool:
        lines = (one.reference, one.pickup.city, one.pickup.address)
        lines += (one.dropoff.city, one.dropoff.address)
        return (
            (wanted.statuses is None or one.status in wanted.statuses)
            and (wanted.inserted_from is None or one.created_at >= wanted.inserted_from)
            and (wanted.inserted_to is None or one.created_at <= wanted.inserted_to)
            and any(fold(wanted.search or "") in fold(line or "") for line in lines)
        )

    found = sorted(filter(fits, stock), key=lambda one: (one.created_at, one.id))
    if wanted.descending:
        found.reverse()
    end = wanted.offset + wanted.limit
    return found[wanted.offset : end], len(found) > end


@pytest.fixture
async def scope() -> Scope:
    return Scope(new_id(), Mode.LIVE)


async def index(connection: asyncpg.Connection, scope: Scope, limit: int) -> int:
    async with connection.transaction():
        return await search_texts.index_next(connection, scope, limit)


@pytest.fixture(params=[0, 18, 100])
async def stock(
    connection: asyncpg.Connection, scope: Scope, request: pytest.FixtureRequest
) -> list[Delivery]:
    """Forty deliveries of the scope, none, some or all of them indexed, and of its other mode."""
    other = Scope(scope.account_id, Mode.SANDBOX)
    await insert(connection, [delivery(other, number) for number in range(40)])
    stock = [delivery(scope, number) for number in range(40)]
    await insert(connection, stock)
    if request.param:
        assert await index(connection, scope, request.param) in {20, 40}  # whole times
    return stock


PIECES = (
    *(None, "", "maianga", "MAIÁNGA", "aian", "rua", "Luanda", "lobito", "DLV-2026-00012"),
    *("0003", "a", "z", "#", "x", "º", "nº", "g ", "%", "100%", "_", "via_1", "\\", "q"),
    *("ga 1", "ginga 1", "viana\nluanda", "nowhere", "ž", "😀", "3 #2"),
)


@pytest.mark.parametrize("effort", WAYS)
async def test_a_page_is_what_a_loop_over_everything_finds(
    connection: asyncpg.Connection, scope: Scope, stock: list[Delivery], effort: Effort
) -> None:
    late = NOON + timedelta(minutes=3)
    statuses = (None, [Status.FAILED], [Status.PENDING, Status.FAILED], [Status.STALLED])
    times = ((None, None), (late, None), (None, late))
    windows = ((20, 0), (3, 2), (1, 39))
    choices = list(product(PIECES, (*statuses, list(Status)), times, (True, False), windows))
    for choice in random.Random(1).sample(choices, 500):
        piece, chosen, (begin, end), descending, (limit, offset) = choice
        wanted = ListFilter(chosen, begin, end, piece, descending, limit, offset)
        page, more = await search.page(connection, scope, wanted, effort)
        ids, (model, model_more) = [one.id for one in page], expected(stock, wanted)
        assert ids == [one.id for one in model], wanted
        assert more is model_more, wanted


async def test_a_page_has_the_deliveries_as_they_are(
    connection: asyncpg.Connection, scope: Scope, stock: list[Delivery]
) -> None:
    page, _ = await search.page(connection, scope, ListFilter(limit=100, descending=False))
    assert page == sorted(stock, key=lambda one: (one.created_at, one.id))


async def test_other_accounts_are_not_searched(
    connection: asyncpg.Connection, stock: list[Delivery]
) -> None:
    stranger = Scope(new_id(), Mode.LIVE)
    for effort, piece in product(WAYS, (None, "maianga", "a", "nº")):
        wanted = ListFilter(search=piece)
        assert await search.page(connection, stranger, wanted, effort) == ([], False)


@pytest.mark.parametrize("effort", WAYS)
async def test_a_delivery_with_a_long_or_missing_line_is_found(
    connection: asyncpg.Connection, scope: Scope, effort: Effort
) -> None:
    plain = delivery(scope, 1)
    long = replace(plain.dropoff, address="Rua " + "ção " * 2_000 + "fim", city=None)
    await insert(connection, [delivery(scope, 2, dropoff=long), plain, delivery(scope, 3)])
    assert await index(connection, scope, 100) == 3
    page, _ = await search.page(connection, scope, ListFilter(search="ÇÃO FIM"), effort)
    assert [one.dropoff for one in page] == [long]


async def test_deliveries_without_a_reference_cost_nothing_to_search(
    connection: asyncpg.Connection, scope: Scope
) -> None:
    await search_texts.keep(connection, [delivery(scope, 1, reference=None)])
    query = "select count(*) from search_texts where account_id = $1"
    assert await connection.fetchval(query, scope.account_id) == 0


async def test_every_text_is_indexed_once_however_many_index_at_once(
    postgres_dsn: str, connection: asyncpg.Connection, scope: Scope
) -> None:
    await insert(connection, [delivery(scope, number) for number in range(80)])
    pool = await open_pool(postgres_dsn, size=4)

    async def work() -> int:
        done = 0
        async with pool.acquire() as own:
            while scope in await search_texts.behind(own, 1000, ()):
                async with own.transaction():
                    done += await search_texts.index_next(own, scope, 7)
                await asyncio.sleep(0)  # another one may hold it
        return done

    assert sum(await asyncio.gather(*(work() for _ in range(3)))) == 80
    await pool.close()
    query = "select delivery_id from search_grams where account_id = $1"
    ids = [row[0] for row in await connection.fetch(query, scope.account_id)]
    assert len(ids) == len(set(ids)) == 80


async def test_what_was_just_created_is_not_indexed_yet_and_found(
    connection: asyncpg.Connection, scope: Scope
) -> None:
    now = await connection.fetchval("select now()")
    await insert(connection, [delivery(scope, 1, created_at=now), delivery(scope, 2)])
    assert await index(connection, scope, 100) == 1
    assert await index(connection, scope, 100) == 0
    for effort in WAYS:
        page, _ = await search.page(connection, scope, ListFilter(search="DLV-2026-00001"), effort)
        assert [one.reference for one in page] == ["DLV-2026-00001"]


async def pages(
    connection: asyncpg.Connection, scope: Scope, wanted: ListFilter, begin: int
) -> list[Delivery]:
    """All that comes from offset `begin` on, while more are created before each page."""
    seen: list[Delivery] = []
    more, number = True, 1_000
    while more:
        later = NOON + timedelta(days=1, minutes=number)
        newest = [delivery(scope, number + extra, created_at=later) for extra in range(3)]
        await insert(connection, newest)
        page, more = await search.page(connection, scope, wanted._replace(offset=begin + len(seen)))
        seen += page
        number += 3
    return seen


@pytest.mark.parametrize("piece", [None, "00"])
async def test_paging_newest_first_skips_nothing_while_deliveries_are_created(
    connection: asyncpg.Connection, scope: Scope, stock: list[Delivery], piece: str | None
) -> None:
    seen = await pages(connection, scope, ListFilter(search=piece, limit=7), 0)
    older = [one.id for one in expected(stock, ListFilter(search=piece, limit=100))[0]]
    known = dict.fromkeys(one.id for one in seen if one.id in older)
    assert list(known) == older  # each of them, in their order


@pytest.mark.parametrize("piece", [None, "00"])
async def test_paging_up_to_the_first_pages_newest_repeats_nothing_while_deliveries_are_created(
    connection: asyncpg.Connection, scope: Scope, stock: list[Delivery], piece: str | None
) -> None:
    first, _ = await search.page(connection, scope, ListFilter(search=piece, limit=7))
    wanted = ListFilter(search=piece, limit=7, inserted_to=first[0].created_at)
    seen = first + await pages(connection, scope, wanted, 7)
    older = expected(stock, ListFilter(search=piece, limit=100))[0]
    assert [one.id for one in seen] == [one.id for one in older]


@pytest.mark.parametrize("piece", [None, "00"])
async def test_paging_oldest_first_repeats_and_skips_nothing_while_deliveries_are_created(
    connection: asyncpg.Connection, scope: Scope, stock: list[Delivery], piece: str | None
) -> None:
    wanted = ListFilter(search=piece, limit=7, descending=False)
    seen = [one.id for one in await pages(connection, scope, wanted, 0)]
    older = expected(stock, wanted._replace(limit=100))[0]
    assert seen[: len(older)] == [one.id for one in older]
    assert len(set(seen)) == len(seen) > len(older)


@pytest.mark.parametrize("effort", WAYS)
async def test_a_range_without_deliveries_is_an_empty_page(
    connection: asyncpg.Connection, scope: Scope, stock: list[Delivery], effort: Effort
) -> None:
    later = NOON + timedelta(days=400)
    for piece, statuses in product(("maianga", "nº", "a", "#"), (None, [Status.FAILED])):
        wanted = ListFilter(statuses=statuses, inserted_from=later, search=piece)
        assert await search.page(connection, scope, wanted, effort) == ([], False)
