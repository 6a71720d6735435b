"""Cash of drivers after any sequence of what people do with it, through the real database.

After each step: every transfer sums to zero; no driver has less than nothing; what a driver has
collected is what was counted, the differences, and what is in hand; nothing was booked twice.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Delivery
from estafette.core.money.books import Book, Cause
from estafette.core.money.cash import CashRefusal, Handover, HandoverState
from estafette.usecases.money.handovers import (
    confirm_handover,
    declare_handover,
    reverse_collection,
    reverse_handover,
    withdraw_handover,
)
from estafette.usecases.money.settle import PaymentRefusedError, WantedTransfer, pay
from tests.rows import tables
from tests.usecases.angola import angola_over, new_shop
from tests.usecases.machines import Stage, play, staged
from tests.usecases.money.cash_stage import CashStage, OneDriver, cash_stage


@asynccontextmanager
async def cash_over(dsn: str) -> AsyncGenerator[CashStage]:
    async with angola_over(dsn) as platform:
        yield await cash_stage(await new_shop(platform))


@pytest.fixture
def stage(clean_database: str) -> Iterator[Stage[CashStage]]:
    with staged(cash_over(clean_database)) as stage:
        yield stage


class Cash(RuleBasedStateMachine):
    """Two drivers of one company that carries for two accounts, each with its model."""

    handovers = Bundle("handovers")
    deliveries = Bundle("deliveries")

    def __init__(self, stage: Stage[CashStage]) -> None:
        super().__init__()
        self.stage = stage
        self.on = stage.on
        self.number = 0
        self.in_hand = Counter[UUID]()
        self.counted = Counter[UUID]()
        self.differences = Counter[UUID]()
        self.collected = Counter[UUID]()
        self.drivers: list[OneDriver] = []

    @initialize()
    def begin(self) -> None:
        self.drivers = [self.stage.run(self.on.driver()) for _ in range(2)]

    @rule(
        target=deliveries,
        which=st.integers(0, 1),
        cash=st.integers(1, 9_999),
        elsewhere=st.booleans(),
    )
    def collect(self, which: int, cash: int, elsewhere: bool) -> Delivery:
        driver = self.drivers[which]
        of = self.on.other if elsewhere else self.on.shop
        delivery = self.stage.run(self.on.delivered(driver, cash, of))
        self.in_hand[driver.id] += cash
        self.collected[driver.id] += cash
        return delivery

    @rule(target=handovers, which=st.integers(0, 1), part=st.floats(0, 1.2))
    def declare(self, which: int, part: float) -> UUID | None:
        driver = self.drivers[which]
        amount = round(self.in_hand[driver.id] * part)
        work = declare_handover(
            self.on.acting(driver.person_id), driver.company_id, driver.id, amount
        )
        try:
            return self.stage.run(work).id
        except CashRefusal:
            return None

    @rule(id=handovers, off=st.sampled_from([0, 0, -1, 1, -500, 700]), times=st.integers(1, 3))
    def count(self, id: UUID | None, off: int, times: int) -> None:
        """Somebody counts, who may send it again, or two at once."""
        if id is None:
            return

        async def work() -> list[Handover | BaseException]:
            before = await tables.value(self.on.pool, "cash_handovers", "declared", {"id": id})
            counting = (
                confirm_handover(
                    self.on.acting(self.on.counters[number % 2]),
                    self.on.company.id,
                    id,
                    max(0, before + off),
                    "counted",
                )
                for number in range(times)
            )
            return await asyncio.gather(*counting, return_exceptions=True)

        state = self._state(id)
        done = self.stage.run(work())
        assert all(isinstance(one, Handover | CashRefusal) for one in done)
        if state is HandoverState.DECLARED and (self._state(id)) is HandoverState.COUNTED:
            [won] = {one.id: one for one in done if isinstance(one, Handover)}.values()
            self.in_hand[won.driver_id] -= won.declared
            self.counted[won.driver_id] += won.counted or 0
            self.differences[won.driver_id] += won.difference

    @rule(id=handovers)
    def withdraw(self, id: UUID | None) -> None:
        if id is not None:
            self._try(withdraw_handover(self.on.shop.platform, self.on.company.id, id))

    @rule(id=handovers)
    def reverse(self, id: UUID | None) -> None:
        if id is None:
            return
        before = self._state(id)
        of = self._try(reverse_handover(self.on.shop.platform, self.on.company.id, id, "wrong"))
        if of is not None and before is HandoverState.COUNTED:
            self.in_hand[of.driver_id] += of.declared
            self.counted[of.driver_id] -= of.counted or 0
            self.differences[of.driver_id] -= of.difference

    @rule(delivery=deliveries)
    def not_collected(self, delivery: Delivery) -> None:
        async def work() -> UUID:
            of = {"delivery_id": delivery.id, "book": "driver", "cause": "cash_collected"}
            platform = self.on.shop.platform
            await reverse_collection(platform, delivery.scope, delivery.id, "by card")
            return await tables.value(self.on.pool, "ledger_entries", "driver_id", of)

        driver = self._try(work())
        if driver is not None:
            cash = delivery.payment.cash_collect or 0
            self.in_hand[driver] -= cash
            self.collected[driver] -= cash

    @rule(amount=st.integers(1, 5_000), elsewhere=st.booleans())
    def settle(self, amount: int, elsewhere: bool) -> None:
        self.number += 1
        shop = self.on.other if elsewhere else self.on.shop
        name = f"R-{id(self)}-{self.number}"
        wanted = WantedTransfer(
            shop.account, Mode.LIVE, Cause.SETTLED, Book.CASH, amount, name, self.on.company
        )
        try:
            self.stage.run(pay(shop.platform, wanted))
        except PaymentRefusedError:
            return

    def _try(self, work: Any) -> Any:
        try:
            return self.stage.run(work)
        except CashRefusal:
            return None

    def _state(self, id: UUID) -> HandoverState:
        found = tables.value(self.on.pool, "cash_handovers", "state", {"id": id})
        return HandoverState(self.stage.run(found))

    @invariant()
    def cash_is_where_it_must_be(self) -> None:
        ids = [driver.id for driver in self.drivers]
        lines = self.stage.run(tables.read(self.on.pool, "ledger_entries"))
        transfers, cash, hands = Counter[Any](), Counter[Any](), Counter[UUID]()
        for row in lines:
            transfers[row["account_id"], row["delivery_id"], row["cause"]] += row["amount"]
            if row["book"] == "cash":
                cash[row["account_id"]] += row["amount"]
            if row["driver_id"] in ids:
                hands[row["driver_id"]] += row["amount"]
        assert not any(transfers.values())
        assert min(cash.values(), default=0) >= 0
        kept = Counter[UUID]()
        rows = self.stage.run(tables.read(self.on.pool, "driver_cash", {"driver_id": ids}))
        for row in rows:
            assert row["in_hand"] >= 0
            kept[row["driver_id"]] += row["in_hand"]
        for id in ids:
            assert hands[id] == kept[id] == self.in_hand[id]
            moved = self.counted[id] + self.differences[id] + self.in_hand[id]
            assert self.collected[id] == moved


def test_cash_is_nowhere_twice_and_nowhere_lost_whatever_happens(stage: Stage[CashStage]) -> None:
    play(lambda: Cash(stage), examples=12, steps=20)
