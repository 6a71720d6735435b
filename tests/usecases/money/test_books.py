"""The books in the database: what is written with moves, what a statement shows of them."""

import csv
import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from estafette.core.accounts.account import Mode
from estafette.core.couriers.company import Margin
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.event import Actor
from estafette.core.errors import TransitionRefused
from estafette.core.money.books import Book, Cause, Holder
from estafette.core.money.payment import Payment, PaymentMethod
from estafette.store.migrate import migrations
from estafette.usecases.deliveries.advance import Move
from estafette.usecases.deliveries.cancel import Cancellation, cancel
from estafette.usecases.money.books import COLUMNS, Statement, as_csv, as_json, statement
from estafette.usecases.money.payments import confirm_payment
from tests.moving import advance
from tests.rows import money, tables
from tests.rows.money import Line
from tests.usecases.angola import BY_TRANSFER, ENTREGA, WITH_BANK, Shop, fees
from tests.usecases.stage import render

ON_THE_WAY = (Status.ASSIGNED, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY)
IN_CASH = Payment(PaymentMethod.COD, cash_collect=25_000)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
async def bank(shop: Shop) -> UUID:
    """A company that asks 1,000, on which the platform puts 150."""
    company = await shop.company(
        "bank", fees((10_000, 1_000)), capabilities=WITH_BANK, margin=Margin(fixed=150)
    )
    return company.id


async def move(shop: Shop, delivery: Delivery, *statuses: Status) -> None:
    moves = [Move(status, Actor.COURIER) for status in statuses]
    await advance(shop.platform, shop.scope, ENTREGA, delivery.id, moves)


async def read(shop: Shop, begin: datetime = LONG_AGO, end: datetime | None = None) -> Statement:
    end = end or datetime.now(UTC) + timedelta(minutes=1)
    return await statement(shop.platform, shop.account, shop.mode, begin, end)


async def balances(shop: Shop) -> dict[Book, int]:
    found = await read(shop)
    async for _ in found.entries():
        pass
    return {holder.book: amount for holder, amount in found.closing.items()}


async def text(pieces: AsyncIterator[str]) -> str:
    return "".join([piece async for piece in pieces])


@pytest.mark.usefixtures("bank")
async def test_the_books_of_a_transfer_a_delivery_and_its_cash(shop: Shop) -> None:
    paid = await shop.create(payment=BY_TRANSFER)
    assert paid.fee == 1_150
    assert await balances(shop) == {}
    await confirm_payment(shop.platform, shop.scope, ENTREGA, paid.id)
    assert await balances(shop) == {Book.COMPANY: 1_150, Book.MERCHANT: -1_150}
    await move(shop, paid, *ON_THE_WAY, Status.DELIVERED)
    # the company has the platform's margin in its bank
    settled = {Book.COMPANY: 150, Book.MERCHANT: 0, Book.PLATFORM: -150}
    assert await balances(shop) == settled
    with_cash = await shop.create(payment=IN_CASH)
    await move(shop, with_cash, *ON_THE_WAY)
    assert await balances(shop) == settled
    await move(shop, with_cash, Status.DELIVERED)
    assert await balances(shop) == {
        Book.CASH: 25_000,
        Book.COMPANY: 150 - 1_000,
        Book.MERCHANT: 1_150 - 25_000,
        Book.PLATFORM: -300,
    }


async def test_balances_may_outgrow_what_one_entry_can_hold(shop: Shop, bank: UUID) -> None:
    for _ in range(2):
        most = 2**63 - 1
        lines = [Line("cash", bank, most), Line("merchant", bank, -most)]
        await money.book(shop.platform.pool, shop.scope, lines, cause="cash_collected")
    assert await balances(shop) == {Book.CASH: 2**64 - 2, Book.MERCHANT: 2 - 2**64}
    later = await read(shop, datetime.now(UTC) + timedelta(seconds=30))
    assert later.opening[Holder(Book.MERCHANT, None)] == 2 - 2**64


@pytest.mark.usefixtures("bank")
async def test_a_cancellation_and_a_failure_give_a_transfer_back(shop: Shop) -> None:
    for failing in (False, True):
        delivery = await shop.create(payment=BY_TRANSFER)
        await confirm_payment(shop.platform, shop.scope, ENTREGA, delivery.id)
        if failing:
            await move(shop, delivery, Status.ASSIGNED, Status.IN_TRANSIT, Status.FAILED)
        else:
            await cancel(shop.platform, Cancellation(shop.scope, ENTREGA, delivery.id, render))
        assert await balances(shop) == {Book.COMPANY: 0, Book.MERCHANT: 0}


@pytest.mark.usefixtures("bank")
async def test_a_refused_move_books_nothing(shop: Shop) -> None:
    delivery = await shop.create(payment=IN_CASH)
    await move(shop, delivery, *ON_THE_WAY, Status.DELIVERED)
    before = await shop.count("ledger_entries")
    with pytest.raises(TransitionRefused):
        await move(shop, delivery, Status.DELIVERED)
    assert await shop.count("ledger_entries") == before


@pytest.mark.usefixtures("bank")
async def test_live_and_sandbox_have_books_of_their_own(shop: Shop) -> None:
    await move(shop, await shop.create(), *ON_THE_WAY, Status.DELIVERED)
    live = await balances(shop)
    shop.mode = Mode.SANDBOX
    assert live
    assert await balances(shop) == {}


@pytest.mark.usefixtures("bank")
async def test_the_books_are_only_ever_added_to(shop: Shop) -> None:
    await move(shop, await shop.create(), *ON_THE_WAY, Status.DELIVERED)
    pool, mine = shop.platform.pool, {"account_id": shop.account.id}
    with pytest.raises(asyncpg.RestrictViolationError):
        await tables.shift(pool, "ledger_entries", mine, amount=1)
    with pytest.raises(asyncpg.RestrictViolationError):
        await tables.remove(pool, "ledger_entries", mine)
    with pytest.raises(asyncpg.RestrictViolationError):
        await money.truncate(pool)


async def test_lines_that_do_not_sum_to_zero_are_refused_at_the_commit(
    shop: Shop, bank: UUID
) -> None:
    delivery = await shop.create()
    of, id = shop.scope, delivery.id
    more, less = Line("merchant", bank, 500), Line("merchant", bank, -400)
    with pytest.raises(asyncpg.CheckViolationError):
        await money.book(shop.platform.pool, of, [more], delivery_id=id)
    async with shop.platform.pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await money.book(connection, of, [more, less], delivery_id=id)
        with pytest.raises(asyncpg.CheckViolationError):
            await transaction.commit()
    assert await shop.count("ledger_entries") == 0


async def test_a_cause_is_booked_once_for_a_delivery(shop: Shop, bank: UUID) -> None:
    delivery = await shop.create()
    await move(shop, delivery, *ON_THE_WAY, Status.DELIVERED)
    lines = [Line("merchant", bank, 500)]
    with pytest.raises(asyncpg.UniqueViolationError):
        await money.book(shop.platform.pool, shop.scope, lines, delivery_id=delivery.id)


async def days(shop: Shop, delivery: Delivery, day: int) -> datetime:
    """Moves what was booked for a delivery to a day of March; returns its end."""
    at = datetime(2026, 3, day, 12, tzinfo=UTC)
    of_it = {"delivery_id": delivery.id}
    async with shop.platform.pool.acquire() as connection, money.rewriting(connection):
        await tables.change(connection, "ledger_entries", of_it, booked_at=at)
    return at + timedelta(hours=12)


async def test_periods_that_follow_one_another_tile(shop: Shop, bank: UUID) -> None:
    ends = [LONG_AGO]
    for day in (1, 2, 3):
        delivery = await shop.create(payment=IN_CASH)
        await move(shop, delivery, *ON_THE_WAY, Status.DELIVERED)
        ends.append(await days(shop, delivery, day))
    closing: dict[Holder, int] = {}
    for number, (begin, end) in enumerate(pairwise(ends), 1):
        found = await read(shop, begin, end)
        assert found.opening == closing
        assert len([entry async for entry in found.entries()]) == 5
        closing = found.closing
        assert closing[Holder(Book.CASH, bank)] == number * 25_000


async def test_a_statement_of_many_entries_has_each_once(shop: Shop, bank: UUID) -> None:
    for begun in (3, 4_800):  # few, and more than are read at once, twice
        # Three lines each, all of one moment: pieces end between two lines of a delivery.
        await money.book_many(shop.platform.pool, shop.scope, bank, begun)
    found = await read(shop)
    entries = [(e.delivery_id, e.cause, e.number) async for e in found.entries()]
    assert len(entries) == await shop.count("ledger_entries") == 3 * (3 + 4_800)
    assert len(set(entries)) == len(entries)
    assert found.closing == {Holder(Book.MERCHANT, None): 0}


async def test_a_statement_as_json_names_balances_and_entries(shop: Shop, bank: UUID) -> None:
    first, second = await shop.create(), await shop.create(payment=IN_CASH)
    for delivery, day in ((first, 1), (second, 2)):
        await move(shop, delivery, *ON_THE_WAY, Status.DELIVERED)
        begin = await days(shop, delivery, day) - timedelta(days=1)
    shown = json.loads(await text(as_json(await read(shop, begin, begin + timedelta(days=9)))))
    company = {"company": "Bank", "company_id": str(bank)}
    nobody = {"company": None, "company_id": None}
    assert shown["opening"] == [
        {"book": "company", **company, "balance": -1_000},
        {"book": "merchant", **nobody, "balance": 1_150},
        {"book": "platform", **nobody, "balance": -150},
    ]
    assert [(e["entry"], e["book"], e["amount"], e["balance"]) for e in shown["entries"]] == [
        ("cash_collected", "cash", 25_000, 25_000),
        ("cash_collected", "merchant", -25_000, 1_150 - 25_000),
        ("delivered", "merchant", 1_150, 2_300 - 25_000),
        ("delivered", "company", -1_000, -2_000),
        ("delivered", "platform", -150, -300),
    ]
    assert shown["entries"][0] == {
        "booked_at": "2026-03-02T12:00:00.000Z",
        "entry": "cash_collected",
        "delivery_id": str(second.id),
        "payment_id": None,
        "handover_id": None,
        "driver_id": None,
        "reference": second.reference,
        "book": "cash",
        **company,
        "amount": 25_000,
        "balance": 25_000,
    }
    assert sum(row["balance"] for row in shown["closing"]) == 0
    assert (shown["currency"], shown["from"]) == ("AOA", "2026-03-02T00:00:00.000Z")


async def test_a_statement_as_csv_begins_and_ends_with_balances(shop: Shop, bank: UUID) -> None:
    for day in (1, 2):
        delivery = await shop.create()
        await move(shop, delivery, *ON_THE_WAY, Status.DELIVERED)
        begin = await days(shop, delivery, day) - timedelta(days=1)
    lines = await text(as_csv([await read(shop, begin, begin + timedelta(days=1))]))
    rows: list[dict[str, Any]] = list(csv.DictReader(io.StringIO(lines)))
    assert lines.startswith(",".join(COLUMNS) + "\r\n")
    kinds = ["opening"] * 3 + ["delivered"] * 3 + ["closing"] * 3
    assert [row["entry"] for row in rows] == kinds
    assert rows[0]["company_id"] == str(bank)
    assert [row["balance"] for row in rows[-3:]] == ["-2000", "2300", "-300"]


async def test_a_company_cannot_put_a_formula_into_a_statement(shop: Shop) -> None:
    await shop.company("formula", name="=1+1")
    delivery = await shop.create()
    await move(shop, delivery, *ON_THE_WAY, Status.DELIVERED)
    rows = list(csv.DictReader(io.StringIO(await text(as_csv([await read(shop)])))))
    assert {row["company"] for row in rows} == {"'=1+1", ""}
    assert "-1000" in {row["amount"] for row in rows}


async def test_an_account_without_entries_has_an_empty_statement(shop: Shop) -> None:
    shown = json.loads(await text(as_json(await read(shop))))
    assert (shown["opening"], shown["entries"], shown["closing"]) == ([], [], [])


def test_the_database_knows_every_cause_and_book() -> None:
    sql = "".join(text for _, text in migrations())
    for word in (*Cause, *Book):
        assert f"'{word}'" in sql
