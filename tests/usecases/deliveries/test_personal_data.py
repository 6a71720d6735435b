"""Personal data is erased some time after a delivery's end, or on request; what figures are made of
stays."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest

from estafette.core.deliveries.delivery import Parcel, Status, Stop
from estafette.core.deliveries.event import Actor
from estafette.core.ids import new_id
from estafette.core.money.payment import Payment, PaymentMethod
from estafette.usecases.accounts.administration import AccountRefusedError, keep_personal_data
from estafette.usecases.deliveries.advance import Move
from estafette.usecases.deliveries.idempotency import Reply
from estafette.usecases.deliveries.personal_data import erase_what_is_over, index_phones
from estafette.usecases.deliveries.privacy import as_json, deliveries_naming, erase_phone, stored
from estafette.usecases.deliveries.search import ListFilter, indexer, list_page
from estafette.usecases.platform import Platform
from tests.moving import advance
from tests.rows import tables
from tests.rows.deliveries import age
from tests.usecases.angola import ENTREGA, LUANDA, VIANA, Shop, angola_over, new_shop
from tests.usecases.far import Far

KEPT = timedelta(days=180)
PHONE = "+244923444555"
WRITTEN = "923 444 555"
# Words that no id, digest or time of day has by chance.
PERSONAL = ("Teresa", "Kianda", "23444555", "23 444 555", "222333444", "222333 444", "Brasil 110",
            "Ginga 31", "Campainha", "Portão", "Insulina", "maria@", "Cão bravo",
            "13.234317")  # fmt: skip
TO_THE_END = (Status.ASSIGNED, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY, Status.DELIVERED)

PICKUP = replace(
    LUANDA,
    address="Rua Rainha Ginga 31",
    name="Loja Kianda",
    phone="+244 222333 444",
    phone_e164="+244222333444",
    notes="Portão azul",
)
DROPOFF = replace(
    VIANA,
    address="Avenida Brasil 110",
    name="Teresa M.",
    phone=WRITTEN,
    phone_e164=PHONE,
    notes="Campainha 7",
    latitude=-8.8259,
    longitude=13.234317,
)
PARCEL = Parcel(900, "Insulina", 15_000)
METADATA = {"buyer": {"mail": "maria@example.ao"}, "items": ["Insulina"]}
IN_CASH = Payment(PaymentMethod.COD, cash_collect=25_000)


@pytest.fixture
async def shop(clean_database: str) -> AsyncIterator[Shop]:
    """A shop alone in its database: the work is on all accounts, and counted."""
    async with angola_over(clean_database) as platform:
        yield await new_shop(platform)


@pytest.fixture
async def connection(shop: Shop) -> AsyncIterator[asyncpg.Connection]:
    async with shop.platform.pool.acquire() as connection:
        yield connection  # pyright: ignore[reportReturnType] - a proxy of one


async def create(shop: Shop, *statuses: Status, **changes: Any) -> UUID:
    """A delivery for Teresa that came as far as these statuses; returns its id."""
    fields: dict[str, Any] = {
        "pickup": PICKUP,
        "dropoff": DROPOFF,
        "parcel": PARCEL,
        "metadata": METADATA,
    }
    delivery = await shop.create(None, **{**fields, "payment": IN_CASH, **changes})
    moves = [Move(status, Actor.COURIER, "Cão bravo no portão") for status in statuses]
    await advance(shop.platform, shop.scope, ENTREGA, delivery.id, moves)
    return delivery.id


@pytest.fixture
async def company(shop: Shop) -> None:
    await shop.company("moto")


async def texts_of(connection: asyncpg.Connection, shop: Shop) -> str:
    """Everything that any table has of an account, as text."""
    found = [row for _, row in await tables.stored_of(connection, shop.account.id)]
    answers = {"account_id": shop.account.id, "body": tables.PRESENT}
    bodies = await tables.values(connection, "idempotency", "body", answers)
    found += [body.decode() for body in bodies]
    return "\n".join(found)


def said_of(text: str) -> list[str]:
    """What of the personal data is in a text."""
    return [word for word in PERSONAL if word.lower() in text.lower()]


@pytest.mark.usefixtures("company")
async def test_personal_data_is_erased_everywhere_180_days_after_the_end(
    shop: Shop, connection: asyncpg.Connection
) -> None:
    id = await create(shop, *TO_THE_END)
    await indexer(shop.platform).round()
    assert set(said_of(await texts_of(connection, shop))) == set(PERSONAL)
    id = await age(connection, id, 182)
    await indexer(shop.platform).round()
    await index_phones(shop.platform)
    assert await shop.count("phone_index") == 2
    assert await erase_what_is_over(shop.platform, KEPT) >= 1
    assert said_of(await texts_of(connection, shop)) == []
    for table in ("phone_index", "search_texts", "search_grams", "erasures_due"):
        assert await shop.count(table) == 0
    assert await erase_what_is_over(shop.platform, KEPT) == 0


@pytest.mark.usefixtures("company")
async def test_figures_statuses_cities_and_the_books_stay(
    shop: Shop, connection: asyncpg.Connection
) -> None:
    id = await age(connection, await create(shop, *TO_THE_END, external_ref="O-1"), 182)
    before, events = await shop.delivery(id), await shop.events(id)
    mine = {"account_id": shop.account.id}
    booked = await tables.texts(connection, "ledger_entries", mine)
    await erase_what_is_over(shop.platform, KEPT)
    after = await shop.delivery(id)
    assert replace(
        after,
        pickup=before.pickup,
        dropoff=before.dropoff,
        parcel=before.parcel,
        metadata=before.metadata,
    ) == replace(before, pin=None)
    assert after.dropoff == Stop(
        "erased",
        city=VIANA.city,
        province=VIANA.province,
        name="erased",
        phone="+00000000000",
        phone_e164="+00000000000",
        notes="erased",
    )
    assert after.parcel == Parcel(900, "erased", 15_000)
    assert await shop.events(id) == [replace(event, note=None) for event in events]
    assert booked == await tables.texts(connection, "ledger_entries", mine)
    listed, _ = await list_page(shop.platform, shop.scope, ListFilter())
    assert [one.id for one in listed] == [id]


@pytest.mark.usefixtures("company")
async def test_what_ended_lately_or_not_at_all_is_kept_until_its_time_comes(
    shop: Shop, connection: asyncpg.Connection
) -> None:
    await age(connection, await create(shop, *TO_THE_END), 170)
    late = await age(connection, await create(shop, *TO_THE_END), 300)
    since = timedelta(days=-179)
    await tables.change(connection, "deliveries", {"id": late}, updated_at=since)
    alive = await age(connection, await create(shop, Status.ASSIGNED), 300)
    assert await erase_what_is_over(shop.platform, KEPT) == 0
    assert await shop.count("erasures_due") == 2
    for id in (late, alive):
        assert (await shop.delivery(id)).dropoff == DROPOFF
    since = timedelta(days=-181)
    await tables.change(connection, "deliveries", {"id": late}, updated_at=since)
    assert await erase_what_is_over(shop.platform, KEPT) == 1
    assert (await shop.delivery(late)).dropoff.name == "erased"
    assert (await shop.delivery(alive)).dropoff == DROPOFF
    assert await shop.count("erasures_due") == 1


@pytest.mark.usefixtures("company")
async def test_an_account_may_keep_personal_data_shorter_or_longer(
    shop: Shop, connection: asyncpg.Connection
) -> None:
    await age(connection, await create(shop, *TO_THE_END), 40)
    await keep_personal_data(shop.platform, shop.account.name, 365)
    assert await erase_what_is_over(shop.platform, timedelta(days=30)) == 0
    await keep_personal_data(shop.platform, shop.account.name, 30)
    assert await erase_what_is_over(shop.platform, KEPT) == 1


@pytest.mark.usefixtures("company")
async def test_personal_data_is_kept_no_shorter_than_answers_for_repetitions(
    shop: Shop, connection: asyncpg.Connection
) -> None:
    with pytest.raises(AccountRefusedError, match="from 3 to"):
        await keep_personal_data(shop.platform, shop.account.name, 2)
    # as a version before allowed
    where = {"id": shop.account.id}
    await tables.change(shop.platform.pool, "accounts", where, personal_data_days=1)
    for days, erased in ((2, 0), (4.1, 1)):
        await age(connection, await create(shop, *TO_THE_END), days)
        assert await erase_what_is_over(shop.platform, timedelta(days=1)) == erased


async def found(shop: Shop, phone: str = PHONE, **of: Any) -> set[UUID]:
    pages = deliveries_naming(shop.platform, phone, of.get("account"))
    return {delivery.id async for page in pages for delivery in page}


@pytest.mark.usefixtures("company")
async def test_all_that_names_a_phone_is_found_old_and_new_in_every_account(
    shop: Shop, connection: asyncpg.Connection
) -> None:
    old = await age(connection, await create(shop), 3)
    await create(shop, dropoff=replace(DROPOFF, phone_e164="+244923000000"))
    await index_phones(shop.platform)
    new = await create(shop)
    assert {old, new} <= await found(shop)
    assert await found(shop, account=shop.account) == {old, new}
    assert await found(shop, "+244222333444", account=shop.account) > {old, new}
    assert await found(shop, "+244923999999") == set()


@pytest.mark.usefixtures("company")
async def test_no_phone_can_be_read_out_of_the_index(
    shop: Shop, connection: asyncpg.Connection
) -> None:
    await age(connection, await create(shop), 3)
    await index_phones(shop.platform)
    indexed = await tables.texts(connection, "phone_index", {"account_id": shop.account.id})
    assert len(indexed) == 2
    assert "444555" not in "".join(indexed)
    [key] = await tables.values(connection, "data_keys", "key")
    assert len(key) > 32


@pytest.mark.usefixtures("company")
async def test_on_request_what_has_ended_is_erased_and_what_is_under_way_when_it_ends(
    shop: Shop,
) -> None:
    ended, under_way = await create(shop, *TO_THE_END), await create(shop, Status.ASSIGNED)
    done = await erase_phone(shop.platform, PHONE, shop.account)
    assert (done.erased, [one.id for one in done.put_off]) == (1, [under_way])
    assert (await shop.delivery(ended)).dropoff.name == "erased"
    assert (await shop.delivery(under_way)).dropoff == DROPOFF
    assert await erase_what_is_over(shop.platform, KEPT) == 0
    moves = [Move(status, Actor.COURIER) for status in TO_THE_END[1:]]
    await advance(shop.platform, shop.scope, ENTREGA, under_way, moves)
    assert await erase_what_is_over(shop.platform, KEPT) == 1
    assert (await shop.delivery(under_way)).dropoff.name == "erased"
    assert await found(shop, account=shop.account) == set()


def shown(outcome: Any) -> Reply:
    """An answer with personal data, as a dialect gives."""
    told = {"id": str(outcome.id), "to": {"name": outcome.dropoff.name, "phone": WRITTEN}}
    return Reply(201, orjson.dumps({**told, "metadata": outcome.metadata}))


@pytest.mark.usefixtures("company")
async def test_a_request_that_is_repeated_after_an_erasure_makes_no_second_delivery(
    shop: Shop, connection: asyncpg.Connection
) -> None:
    quote = await shop.quote()
    fields = {"pickup": PICKUP, "dropoff": DROPOFF, "parcel": PARCEL, "metadata": METADATA}
    order = shop.order(quote, **fields, render=shown, idempotency=shop.key("k"))
    first = await shop.creator.create(order)
    id = UUID(orjson.loads(first.reply.body)["id"])
    moves = [Move(status, Actor.COURIER) for status in TO_THE_END]
    await advance(shop.platform, shop.scope, ENTREGA, id, moves)
    await erase_phone(shop.platform, PHONE, shop.account)
    again = await shop.creator.create(order)
    assert again.reply.status == 201
    assert orjson.loads(again.reply.body) == {
        "id": str(id),
        "to": {"name": "erased", "phone": "+00000000000"},
        "metadata": {},
    }
    assert await shop.count("deliveries") == 1
    assert said_of(await texts_of(connection, shop)) == []


async def test_an_export_tells_all_that_is_stored_of_a_delivery(
    shop: Shop, connection: asyncpg.Connection
) -> None:
    await shop.company("moto")
    id = await create(shop, *TO_THE_END)
    told = as_json(await stored(shop.platform, await shop.delivery(id)))
    assert set(said_of(repr(told))) == set(PERSONAL)
    assert [step["status"] for step in told["history"]] == ["pending", *TO_THE_END]


async def test_what_another_platform_was_told_is_erased_too(far: Far) -> None:
    platform: Platform = far.shop.platform
    id = await create(far.shop)
    told = "no such street: Brasil 110"
    await tables.change(platform.pool, "dispatches", last_error=told)
    await far.by_hand(id, *TO_THE_END)
    await erase_phone(platform, PHONE)
    row = await far.row(id)
    assert (row["offer"], row["last_error"]) == ("{}", None)
    (quote,) = await tables.read(platform.pool, "quotes")
    assert quote["digests"] == "{}"
    assert "upstream" not in quote["terms"]


async def test_accounts_without_deliveries_cost_nothing(shop: Shop) -> None:
    assert await index_phones(shop.platform) >= 0
    assert await erase_what_is_over(shop.platform, KEPT) == 0
    assert await found(shop, f"+244{new_id().int % 10**9:09d}") == set()
