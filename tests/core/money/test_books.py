"""Which transfers follow from which move."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from estafette.core.accounts.account import Mode, Scope
from estafette.core.deliveries.delivery import Delivery, Parcel, Progress, Status, Stop
from estafette.core.money.books import (
    Book,
    Cause,
    Holder,
    Line,
    Transfer,
    holder,
    outstanding,
    payment,
    transfers,
)
from estafette.core.money.payment import Payment, PaymentMethod

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BY_TRANSFER = Payment(PaymentMethod.BANK_TRANSFER)
IN_CASH = Payment(PaymentMethod.COD, cash_collect=25_000)


def delivery(status: Status, payment: Payment | None = None) -> Delivery:
    """A delivery for 1,500, of which 1,400 are the company's."""
    return Delivery(
        id=UUID(int=1),
        scope=Scope(UUID(int=2), Mode.LIVE),
        progress=Progress(status, Status.IN_TRANSIT),
        pickup=Stop("Rua 1"),
        dropoff=Stop("Rua 2"),
        parcel=Parcel(1_000),
        fee=1_500,
        pickup_by=NOON,
        deliver_by=NOON,
        created_at=NOON,
        updated_at=NOON,
        company_id=UUID(int=3),
        company_fee=1_400,
        payment=payment or Payment(),
    )


def booked(before: Status, moved: Delivery) -> dict[Cause, dict[Book, int]]:
    return {
        transfer.cause: {line.book: line.amount for line in transfer.lines}
        for transfer in transfers(before, moved)
    }


DELIVERED = {Book.MERCHANT: 1_500, Book.COMPANY: -1_400, Book.PLATFORM: -100}


def test_a_delivered_parcel_earns_the_company_its_fee_and_the_platform_its_margin() -> None:
    moved = delivery(Status.DELIVERED)
    assert booked(Status.OUT_FOR_DELIVERY, moved) == {Cause.DELIVERED: DELIVERED}


def test_without_a_margin_the_platform_has_no_line() -> None:
    moved = replace(delivery(Status.DELIVERED), company_fee=1_500)
    lines = {Book.MERCHANT: 1_500, Book.COMPANY: -1_500}
    assert booked(Status.OUT_FOR_DELIVERY, moved) == {Cause.DELIVERED: lines}


def test_a_delivery_for_nothing_books_nothing() -> None:
    moved = replace(delivery(Status.DELIVERED), fee=0, company_fee=0)
    assert booked(Status.OUT_FOR_DELIVERY, moved) == {}


def test_collected_cash_is_the_merchants_in_the_companys_hand() -> None:
    assert booked(Status.OUT_FOR_DELIVERY, delivery(Status.DELIVERED, IN_CASH)) == {
        Cause.DELIVERED: DELIVERED,
        Cause.CASH_COLLECTED: {Book.CASH: 25_000, Book.MERCHANT: -25_000},
    }


def test_a_confirmed_transfer_is_at_the_company() -> None:
    moved = delivery(Status.PENDING, BY_TRANSFER)
    assert booked(Status.AWAITING_PAYMENT, moved) == {
        Cause.TRANSFER_CONFIRMED: {Book.COMPANY: 1_500, Book.MERCHANT: -1_500}
    }


@pytest.mark.parametrize("end", [Status.CANCELLED, Status.FAILED])
def test_what_was_transferred_is_given_back_when_nothing_comes_of_it(end: Status) -> None:
    assert booked(Status.STALLED, delivery(end, BY_TRANSFER)) == {
        Cause.REFUNDED: {Book.MERCHANT: 1_500, Book.COMPANY: -1_500}
    }


def test_an_unpaid_delivery_that_is_cancelled_books_nothing() -> None:
    assert booked(Status.AWAITING_PAYMENT, delivery(Status.CANCELLED, BY_TRANSFER)) == {}


@pytest.mark.parametrize("before", [Status.ASSIGNED, Status.PICKUP_READY, Status.STALLED])
def test_a_courier_who_gives_back_a_paid_delivery_books_nothing(before: Status) -> None:
    assert booked(before, delivery(Status.PENDING, BY_TRANSFER)) == {}


@pytest.mark.parametrize("payment", [Payment(), IN_CASH])
@pytest.mark.parametrize("end", [Status.CANCELLED, Status.FAILED])
def test_a_vain_delivery_earns_nothing_and_collects_nothing(end: Status, payment: Payment) -> None:
    assert booked(Status.STALLED, delivery(end, payment)) == {}


@pytest.mark.parametrize("status", Status)
def test_a_delivery_without_a_company_books_nothing(status: Status) -> None:
    moved = replace(delivery(status, IN_CASH), company_id=None)
    assert booked(Status.STALLED, moved) == {}


@pytest.mark.parametrize("book", [Book.MERCHANT, Book.COMPANY, Book.CASH])
def test_money_that_is_received_and_money_that_is_paid_are_booked_the_other_way_round(
    book: Book,
) -> None:
    received = (Line(book, -700), Line(Book.PLATFORM, 700))
    assert payment(Cause.SETTLED, book, 700) == Transfer(Cause.SETTLED, received)
    paid = (Line(book, 700), Line(Book.PLATFORM, -700))
    assert payment(Cause.PAID_OUT, book, 700) == Transfer(Cause.PAID_OUT, paid)


@pytest.mark.parametrize(
    ("balance", "to_settle", "to_pay_out"), [(700, 700, 0), (-700, 0, 700), (0, 0, 0), (1, 1, 0)]
)
def test_who_owes_settles_and_who_is_owed_is_paid_out_up_to_the_balance(
    balance: int, to_settle: int, to_pay_out: int
) -> None:
    assert outstanding(Cause.SETTLED, balance) == to_settle
    assert outstanding(Cause.PAID_OUT, balance) == to_pay_out


def test_a_company_has_books_of_its_own_and_the_others_one_for_all_companies() -> None:
    company_id = UUID(int=3)
    assert holder(Book.COMPANY, company_id) == Holder(Book.COMPANY, company_id)
    assert holder(Book.CASH, company_id) == Holder(Book.CASH, company_id)
    assert holder(Book.MERCHANT, company_id) == Holder(Book.MERCHANT, None)
    assert holder(Book.PLATFORM, company_id) == Holder(Book.PLATFORM, None)


def test_a_company_whose_part_is_not_known_gets_the_whole_fee() -> None:
    moved = replace(delivery(Status.DELIVERED), company_fee=None)
    lines = {Book.MERCHANT: 1_500, Book.COMPANY: -1_500}
    assert booked(Status.OUT_FOR_DELIVERY, moved) == {Cause.DELIVERED: lines}
