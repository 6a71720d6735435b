"""Money that changes hands: booked once, no more than is owed, and the books still sum to zero."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from estafette.core.accounts.account import Mode
from estafette.core.couriers.company import Company
from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.event import Actor
from estafette.core.money.books import NO_COMPANY, Book, Cause, Holder
from estafette.core.money.payment import Payment, PaymentMethod
from estafette.usecases.deliveries.advance import Move
from estafette.usecases.money.books import entry_json, statement
from estafette.usecases.money.close_books import close_books
from estafette.usecases.money.settle import PaymentRefusedError, WantedTransfer, pay
from tests.moving import advance
from tests.rows import money
from tests.rows.money import Line
from tests.usecases.angola import ENTREGA, Shop

_COURSE = (Status.ASSIGNED, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY, Status.DELIVERED)


@pytest.fixture
async def company(shop: Shop) -> Company:
    """The shop's company, which has delivered one parcel for 1,000 and collected 4,500 in cash."""
    company = await shop.company("fast")
    cash = Payment(PaymentMethod.COD, cash_collect=4_500)
    for payment in (Payment(), cash):
        delivery = await shop.create(payment=payment)
        moves = [Move(status, Actor.COURIER) for status in _COURSE]
        await advance(shop.platform, shop.scope, ENTREGA, delivery.id, moves)
    return company


def _wanted(
    shop: Shop, cause: Cause, book: Book, amount: int, company: Company | None
) -> WantedTransfer:
    return WantedTransfer(shop.account, shop.scope.mode, cause, book, amount, "R-1", company)


async def _balances(shop: Shop) -> dict[Holder, int]:
    end = datetime.now(UTC) + timedelta(hours=1)
    of = await statement(shop.platform, shop.account, shop.scope.mode, end, end)
    assert sum(of.opening.values()) == 0
    return of.opening


async def test_what_is_settled_and_paid_out_leaves_nothing_owed(
    shop: Shop, company: Company
) -> None:
    hand, theirs, ours = (
        Holder(Book.CASH, company.id),
        Holder(Book.COMPANY, company.id),
        Holder(Book.MERCHANT, None),
    )
    assert await _balances(shop) == {hand: 4_500, theirs: -2_000, ours: -2_500}
    for cause, book, amount, of in (
        (Cause.SETTLED, Book.CASH, 4_500, company),
        (Cause.PAID_OUT, Book.COMPANY, 2_000, company),
        (Cause.PAID_OUT, Book.MERCHANT, 2_500, None),
    ):
        wanted = replace(_wanted(shop, cause, book, amount, of), reference=f"R-{book}")
        assert (await pay(shop.platform, wanted))[1] is False
    assert await _balances(shop) == {}


async def test_a_payment_is_booked_once_by_its_reference(shop: Shop, company: Company) -> None:
    wanted = _wanted(shop, Cause.SETTLED, Book.CASH, 4_000, company)
    done = await asyncio.gather(*(pay(shop.platform, wanted) for _ in range(5)))
    assert len({payment.id for payment, _ in done}) == 1
    assert sorted(repeated for _, repeated in done) == [False, True, True, True, True]
    assert (await _balances(shop))[Holder(Book.CASH, company.id)] == 500
    with pytest.raises(PaymentRefusedError, match="the reference 'R-1' has another payment"):
        await pay(shop.platform, replace(wanted, amount=400))
    with pytest.raises(PaymentRefusedError, match="owes 500 AOA and no more"):
        await pay(shop.platform, replace(wanted, amount=501, reference="R-2"))


async def test_two_at_once_cannot_take_more_than_is_owed(shop: Shop, company: Company) -> None:
    wanted = _wanted(shop, Cause.PAID_OUT, Book.COMPANY, 1_500, company)
    both = (pay(shop.platform, replace(wanted, reference=name)) for name in ("a", "b"))
    done = await asyncio.gather(*both, return_exceptions=True)
    assert sum(isinstance(one, PaymentRefusedError) for one in done) == 1
    assert (await _balances(shop))[Holder(Book.COMPANY, company.id)] == -500


@pytest.mark.parametrize(
    ("cause", "book", "amount"),
    [
        (Cause.SETTLED, Book.MERCHANT, 1),  # it is owed itself
        (Cause.SETTLED, Book.COMPANY, 1),
        (Cause.PAID_OUT, Book.COMPANY, 2_001),
        (Cause.PAID_OUT, Book.MERCHANT, 2_501),
        (Cause.SETTLED, Book.CASH, 0),
        (Cause.SETTLED, Book.CASH, -1),
        (Cause.SETTLED, Book.CASH, 10**13),
    ],
)
async def test_more_than_is_owed_is_refused(
    shop: Shop, company: Company, cause: Cause, book: Book, amount: int
) -> None:
    of = None if book is Book.MERCHANT else company
    with pytest.raises(PaymentRefusedError):
        await pay(shop.platform, _wanted(shop, cause, book, amount, of))


@pytest.mark.parametrize("reference", ["", " ", "x" * 101, "a\nb", "\x1b[2J"])
async def test_a_reference_is_one_short_line(shop: Shop, company: Company, reference: str) -> None:
    wanted = _wanted(shop, Cause.SETTLED, Book.CASH, 1, company)
    with pytest.raises(PaymentRefusedError, match="the reference must be"):
        await pay(shop.platform, replace(wanted, reference=reference))


async def test_a_statement_shows_payments_and_one_company_alone(
    shop: Shop, company: Company
) -> None:
    await pay(shop.platform, _wanted(shop, Cause.PAID_OUT, Book.MERCHANT, 500, None))
    await pay(
        shop.platform,
        replace(_wanted(shop, Cause.SETTLED, Book.CASH, 1_000, company), reference="R-2"),
    )
    begin, end = datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(hours=1)
    of = await statement(shop.platform, shop.account, Mode.LIVE, begin, end)
    shown = [entry_json(entry, 0) async for entry in of.entries()]
    [own] = [row for row in shown if row["entry"] == "paid_out" and row["book"] == "merchant"]
    assert (own["reference"], own["amount"], own["company_id"]) == ("R-1", 500, None)
    assert own["delivery_id"] is None
    assert own["payment_id"]

    alone = await statement(shop.platform, shop.account, Mode.LIVE, begin, end, company.id)
    books = {(entry.book, entry.cause) async for entry in alone.entries()}
    assert books == {
        (Book.COMPANY, Cause.DELIVERED),
        (Book.CASH, Cause.CASH_COLLECTED),
        (Book.CASH, Cause.SETTLED),
    }
    assert alone.closing[Holder(Book.CASH, company.id)] == 3_500


async def test_a_day_with_payments_is_carried_forward(shop: Shop, company: Company) -> None:
    lines = [Line("merchant", NO_COMPANY, 500), Line("platform", NO_COMPANY, -500)]
    ago = timedelta(days=3)
    await money.book(shop.platform.pool, shop.scope, lines, cause="paid_out", ago=ago)
    before = await _balances(shop)
    assert await close_books(shop.platform) > 0
    assert await _balances(shop) == before
    assert before[Holder(Book.MERCHANT, None)] == -2_000
