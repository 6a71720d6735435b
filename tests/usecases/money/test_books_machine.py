"""The books after any sequence of operations, through the real database, against a model.

Hypothesis plays merchants, couriers, the operator and the clock in any order. After each step the
books must sum to zero, transfer by transfer and in all, and say what the model says.
"""

from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    rule,
)

from estafette.core.couriers.company import Margin
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.event import Actor
from estafette.core.errors import PaymentNotAwaited, TransitionRefused
from estafette.core.money.payment import Payment, PaymentMethod
from estafette.usecases.deliveries.advance import Move
from estafette.usecases.deliveries.cancel import Cancellation, cancel
from estafette.usecases.deliveries.due_moves import look_after
from estafette.usecases.money.payments import confirm_payment
from tests.moving import advance
from tests.rows import deliveries as delivery_rows
from tests.rows import tables
from tests.usecases.angola import ENTREGA, WITH_BANK, Shop, angola_over, fees, new_shop
from tests.usecases.machines import Stage, play, staged
from tests.usecases.stage import render

ONWARDS = {
    Status.PENDING: Status.ASSIGNED,
    Status.ASSIGNED: Status.PICKUP_READY,
    Status.PICKUP_READY: Status.IN_TRANSIT,
    Status.IN_TRANSIT: Status.OUT_FOR_DELIVERY,
    Status.OUT_FOR_DELIVERY: Status.DELIVERED,
}


@asynccontextmanager
async def shop_over(dsn: str) -> AsyncGenerator[Shop]:
    """An account and two companies, one of which keeps a margin."""
    async with angola_over(dsn) as platform:
        shop = await new_shop(platform)
        for slug, fee, margin in (("bank", 1_000, 150), ("fast", 700, 0)):
            await shop.company(
                slug, fees((10_000, fee)), capabilities=WITH_BANK, margin=Margin(fixed=margin)
            )
        yield shop


@pytest.fixture
def stage(clean_database: str) -> Iterator[Stage[Shop]]:
    with staged(shop_over(clean_database)) as stage:
        yield stage


@dataclass
class Account:
    """What the model knows of one delivery: whether its transfer is at the company."""

    fee: int
    company_fee: int | None
    payment: Payment
    paid: bool = False
    status: Status = Status.PENDING

    def balances(self) -> dict[str, int]:
        """What its books must say, in words of their own."""
        delivered = self.status is Status.DELIVERED
        kept = self.paid and self.status not in {Status.CANCELLED, Status.FAILED}
        cash = (self.payment.cash_collect or 0) if delivered else 0
        at_bank = self.fee if kept else 0
        earned, asked = (self.fee, self.company_fee or 0) if delivered else (0, 0)
        return {
            "merchant": earned - at_bank - cash,
            "company": at_bank - asked,
            "platform": asked - earned,
            "cash": cash,
        }


class Books(RuleBasedStateMachine):
    """Several deliveries of one account, each with its model."""

    ids = Bundle("ids")

    def __init__(self, stage: Stage[Shop]) -> None:
        super().__init__()
        self.stage = stage
        self.known: dict[UUID, Account] = {}

    @rule(
        target=ids,
        method=st.sampled_from(PaymentMethod),
        cash=st.integers(1, 10**12),
        which=st.integers(0, 1),
    )
    def create(self, method: PaymentMethod, cash: int, which: int) -> UUID:
        payment = Payment(method, cash if method is PaymentMethod.COD else None)
        shop = self.stage.on

        async def work() -> Delivery:
            return await shop.create((await shop.quotes())[which], payment=payment)

        delivery = self.stage.run(work())
        self.known[delivery.id] = Account(
            delivery.fee, delivery.company_fee, payment, status=delivery.status
        )
        return delivery.id

    @rule(id=ids, to=st.sampled_from(Status), actor=st.sampled_from(Actor))
    def advance(self, id: UUID, to: Status, actor: Actor) -> None:
        shop, known = self.stage.on, self.known[id]
        try:
            moved = self.stage.run(
                advance(shop.platform, shop.scope, ENTREGA, id, [Move(to, actor)])
            )
        except TransitionRefused:
            return
        # an operator who moves it on says that the transfer has arrived
        known.paid |= known.status is Status.AWAITING_PAYMENT and to is Status.PENDING
        known.status = moved.status

    @rule(id=ids)
    def go_on(self, id: UUID) -> None:
        """Moves along the normal course, so that long lives are common."""
        if onwards := ONWARDS.get(self.known[id].status):
            self.advance(id=id, to=onwards, actor=Actor.COURIER)

    @rule(id=ids)
    def confirm(self, id: UUID) -> None:
        shop, known = self.stage.on, self.known[id]
        awaited = known.status is Status.AWAITING_PAYMENT
        try:
            self.stage.run(confirm_payment(shop.platform, shop.scope, ENTREGA, id))
        except PaymentNotAwaited:
            assert not awaited
            return
        assert awaited
        known.paid, known.status = True, Status.PENDING

    @rule(id=ids)
    def cancel(self, id: UUID) -> None:
        shop = self.stage.on
        self.stage.run(cancel(shop.platform, Cancellation(shop.scope, ENTREGA, id, render)))
        self.known[id].status = self.stage.run(shop.delivery(id)).status

    @rule(id=ids)
    def time_passes(self, id: UUID) -> None:
        """What was due long ago, as far as this delivery is concerned, happens."""
        shop = self.stage.on
        long_ago = timedelta(days=1_000)
        self.stage.run(delivery_rows.end_payment_time(shop.platform.pool, id, long_ago))
        while self.stage.run(look_after(shop.platform)).done:
            pass
        self.known[id].status = self.stage.run(shop.delivery(id)).status

    @invariant()
    def books_are_right(self) -> None:
        assert self.stage.run(self._books()) == {
            id: {book: amount for book, amount in account.balances().items() if amount}
            for id, account in self.known.items()
        }
        assert self.stage.run(self._unbalanced()) == []

    async def _books(self) -> dict[UUID, dict[str, int]]:
        mine = {"delivery_id": list(self.known)}
        sums = {id: Counter[str]() for id in self.known}
        for row in await tables.read(self.stage.on.platform.pool, "ledger_entries", mine):
            sums[row["delivery_id"]][row["book"]] += row["amount"]
        return {
            id: {book: amount for book, amount in of_it.items() if amount}
            for id, of_it in sums.items()
        }

    async def _unbalanced(self) -> list[tuple[Any, ...]]:
        """What was booked for a cause at once and does not sum to zero."""
        sums = Counter[tuple[Any, ...]]()
        for row in await tables.read(self.stage.on.platform.pool, "ledger_entries"):
            sums[row["account_id"], row["delivery_id"], row["cause"]] += row["amount"]
        return [transfer for transfer, amount in sums.items() if amount]


def test_books_say_what_happened_whatever_happens(stage: Stage[Shop]) -> None:
    play(lambda: Books(stage), examples=25, steps=25)
