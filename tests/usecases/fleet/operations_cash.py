"""Cash and payments of the machine over live operations: counted, reversed, settled, paid out."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar
from uuid import UUID, uuid4

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from estafette.core.accounts.account import Mode
from estafette.core.audit import By
from estafette.core.fleet.tap import TapKind
from estafette.core.money.books import Book, Cause
from estafette.core.money.cash import CashRefusal, Handover, HandoverState
from estafette.usecases.money.handovers import (
    confirm_handover,
    declare_handover,
    reverse_handover,
    withdraw_handover,
)
from estafette.usecases.money.settle import WantedTransfer, pay
from tests.rows import tables
from tests.usecases.fleet.operations import REFUSED, Ground, Operations
from tests.usecases.fleet.operations_checks import Checks
from tests.usecases.machines import Stage

T = TypeVar("T")


class CashAtWork(RuleBasedStateMachine):
    """What people do with the cash of the first company's drivers, and the operator with money."""

    def __init__(self, stage: Stage[Ground]) -> None:
        super().__init__()
        self._stage = stage
        self._on: Operations
        self._checks: Checks
        self._counters = [By.person(uuid4(), None) for _ in range(2)]
        self._handovers: list[UUID] = []

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._stage.run(work)

    def _try(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Does what may be refused."""
        try:
            return self._run(work)
        except REFUSED:
            return None

    def _one(self, of: int) -> UUID:
        return self._on.deliveries[of % len(self._on.deliveries)]

    @rule(
        by=st.integers(0, 1),
        part=st.sampled_from([0.5, 1.0, 1.0, 1.2]),
        off=st.sampled_from([None, 0, 0, -1, 1, -500]),
        taps=st.booleans(),
    )
    def hands_cash_over(self, by: int, part: float, off: int | None, taps: bool) -> None:
        """A driver declares some of what there is, or more; most often it is counted at once."""
        phone = self._on.phones[by]
        driver = phone.driver
        in_hand = self._checks.hands[driver.id]
        amount = round(in_hand * part)
        if taps:
            self._run(self._on.tap(phone, TapKind.CASH_DECLARED, cash=amount))
        else:
            platform = self._on.platform.acting(phone.by)
            self._try(declare_handover(platform, driver.company_id, driver.id, amount))
        mine = {"driver_id": driver.id, "state": "declared"}
        for id in self._run(tables.values(self._on.platform.pool, "cash_handovers", "id", mine)):
            assert 0 < amount <= in_hand or id in self._checks.handovers
            if id not in self._checks.handovers:
                self._handovers.append(id)
                self._checks.handovers[id] = "declared"
            if off is not None:
                self._count(id, off, 1)

    def _handover(self, which: int) -> UUID | None:
        return self._handovers[which % len(self._handovers)] if self._handovers else None

    @rule(
        which=st.integers(0, 3),
        off=st.sampled_from([0, -1, 1]),
        times=st.integers(1, 3),
        what=st.sampled_from(["count", "withdraw", "reverse"]),
    )
    def counts_cash(self, which: int, off: int, times: int, what: str) -> None:
        """Somebody counts, who may send it again, or two at once; or it is taken back."""
        if (id := self._handover(which)) is None:
            return
        before = self._checks.handovers[id]
        platform, company = self._on.platform, self._on.companies["AO"].id
        if what == "count":
            self._count(id, off, times)
        elif what == "withdraw":
            if self._try(withdraw_handover(platform, company, id)):
                assert before in ("declared", "withdrawn")
                self._checks.handovers[id] = "withdrawn"
        elif self._try(reverse_handover(platform, company, id, "wrong")):
            assert before in ("counted", "reversed")
            self._checks.may_rise = True
            self._checks.handovers[id] = "reversed"

    def _count(self, id: UUID, off: int, times: int) -> None:
        async def work() -> list[Handover | BaseException]:
            pool, of = self._on.platform.pool, {"id": id}
            declared = await tables.value(pool, "cash_handovers", "declared", of)
            counting = (
                confirm_handover(
                    self._on.platform.acting(self._counters[number % 2]),
                    self._on.companies["AO"].id,
                    id,
                    max(0, declared + off),
                    "counted",
                )
                for number in range(times)
            )
            return await asyncio.gather(*counting, return_exceptions=True)

        done = self._run(work())
        assert all(isinstance(one, Handover | CashRefusal) for one in done)
        won = {one.id: one for one in done if isinstance(one, Handover)}
        if won and self._checks.handovers[id] == "declared":
            assert [one.state for one in won.values()] == [HandoverState.COUNTED]
            self._checks.handovers[id] = "counted"

    @rule(
        of=st.integers(0, 2),
        paid=st.sampled_from(
            [
                (Cause.PAID_OUT, Book.MERCHANT),
                (Cause.SETTLED, Book.CASH),
                (Cause.SETTLED, Book.MERCHANT),
                (Cause.PAID_OUT, Book.COMPANY),
            ]
        ),
        amount=st.sampled_from([400, 1_500]),
    )
    def pays(self, of: int, paid: tuple[Cause, Book], amount: int) -> None:
        """The operator pays, or is paid, and books it twice at once under one reference."""
        merchant, (cause, book) = self._on.merchants[of], paid
        company = self._on.companies[merchant.account.market.code]
        of_company = None if book is Book.MERCHANT else company
        wanted = WantedTransfer(
            merchant.account, Mode.LIVE, cause, book, amount, f"R-{uuid4()}", of_company
        )

        async def work() -> list[Any]:
            twice = [pay(self._on.platform, wanted) for _ in range(2)]
            return await asyncio.gather(*twice, return_exceptions=True)

        first, second = self._run(work())
        if isinstance(first, REFUSED):
            assert isinstance(second, REFUSED)
            return
        assert (first[0], {first[1], second[1]}) == (second[0], {False, True})
        booked = (cause.value, book.value, of_company and of_company.id, amount)
        self._checks.payments.append((merchant.account.id, *booked))
