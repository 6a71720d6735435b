"""A fleet at work after any sequence of operations, through the real database.

Hypothesis plays merchants of both dialects, drivers at their phones, dispatchers, automatic
dispatching, whoever counts cash, the operator and the clock, one after another and several at once.
What is not possible has to be refused; after each step everything in `operations_checks.py` holds.
"""

from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from estafette.core.accounts.account import Scope
from estafette.core.deliveries.delivery import Status
from estafette.core.fleet.tap import TapKind
from estafette.core.proofs.demand import NOTHING, Demand
from estafette.core.proofs.proof import ProofKind, ProofStage
from estafette.usecases.fleet.accept import accept
from estafette.usecases.fleet.assign import assign
from estafette.usecases.fleet.expire import expire
from estafette.usecases.fleet.hand_over import hand_over
from estafette.usecases.fleet.offer import offer
from estafette.usecases.fleet.steps import pick_up
from estafette.usecases.fleet.take_back import take_back
from estafette.usecases.fleet.taps import TapOutcome
from estafette.usecases.money.handovers import reverse_collection
from tests.rows import tables
from tests.usecases.fleet.operations import Ground, Phone, begun, ground_over
from tests.usecases.fleet.operations_cash import CashAtWork
from tests.usecases.fleet.operations_checks import Checks
from tests.usecases.machines import Stage, play, staged

MINUTE = timedelta(minutes=1)
MOST_DELIVERIES = 9
DRIVERS = st.integers(0, 4)
DELIVERIES = st.integers(0, MOST_DELIVERIES)
RARELY = st.sampled_from([False, False, False, True])
PIN = Demand(dropoff=frozenset({ProofKind.PIN}))
AT_BOTH_ENDS = Demand(
    pickup=frozenset({ProofKind.NAME}),
    dropoff=frozenset({ProofKind.AGE}),
    returned=frozenset({ProofKind.NAME}),
)
DEMANDS = st.sampled_from([NOTHING, NOTHING, PIN, AT_BOTH_ENDS])
PROOFS = st.sampled_from(
    [
        (ProofKind.NAME, ProofStage.PICKUP),
        (ProofKind.NAME, ProofStage.DROPOFF),
        (ProofKind.AGE, ProofStage.DROPOFF),
        (ProofKind.NAME, ProofStage.RETURN),
    ]
)
STEPS = [TapKind.ARRIVED, TapKind.PICKED_UP, TapKind.ON_THE_WAY, TapKind.HANDED_OVER]
OTHERS = [TapKind.ATTEMPT_FAILED, TapKind.HANDED_BACK]
COURSE = {
    Status.PENDING: TapKind.ARRIVED,
    Status.ASSIGNED: TapKind.PICKED_UP,
    Status.PICKUP_READY: TapKind.PICKED_UP,
    Status.IN_TRANSIT: TapKind.ON_THE_WAY,
    Status.OUT_FOR_DELIVERY: TapKind.HANDED_OVER,
    Status.STALLED: TapKind.ON_THE_WAY,
}
Work = Callable[[], Awaitable[object]]


@pytest.fixture
def stage(clean_database: str) -> Iterator[Stage[Ground]]:
    with staged(ground_over(clean_database)) as stage:
        yield stage


class Fleet(CashAtWork):
    """Five drivers of two companies, and what three merchants order."""

    @initialize()
    def begin(self) -> None:
        """One is delivered and paid in cash, one on board, one offered to two, one accepted."""
        self._on = self._run(begun(self._stage.on))
        self._checks = Checks(self._on)
        orders = ((0, 3_500, NOTHING), (1, 2_000, AT_BOTH_ENDS), (0, 2_500, PIN), (2, 0, NOTHING))
        for of, cash, demand in orders:
            self._run(self._on.order(of, 900, cash, demand))
        for of, steps in enumerate((5, 2, 0, 0)):
            self._get(of, 0)
            self._go_on(self._one(of), steps)
        self._on.deliveries.append(self._on.deliveries.pop(2))
        self._run(self._on.order(1, 900, 2_000, PIN))
        for phone in self._on.phones[:2]:
            self._offer(phone, self._on.deliveries[-1])

    def _phone(self, by: int | None, id: UUID) -> Phone | None:
        """The phone of that number; without one, of whoever has the delivery."""
        if by is not None:
            return self._on.phones[by]
        holder = self._run(self._on.holder(id))
        return holder and self._on.phone_of(holder)

    def _about(self, phone: Phone, id: UUID) -> UUID | None:
        """The last assignment of a driver, or else of anybody."""
        every = self._run(self._on.history(id))
        own = [one for one in every if one["driver_id"] == phone.driver.id]
        return (own or every)[-1]["id"] if every else None

    @rule(
        of=st.integers(0, 2),
        grams=st.sampled_from([900, 1_800]),
        cash=st.sampled_from([0, 2_500, 4_000]),
        demand=DEMANDS,
        is_cold=st.booleans(),
    )
    def orders(self, of: int, grams: int, cash: int, demand: Demand, is_cold: bool) -> None:
        if len(self._on.deliveries) < MOST_DELIVERIES:
            skills = ("Cold",) if is_cold else ()
            self._run(self._on.order(of, grams, cash, demand, skills))

    @rule(of=DELIVERIES, to=st.integers(0, 2))
    def gets(self, of: int, to: int) -> None:
        """A driver of the company is offered it, and accepts."""
        self._get(of, to)

    def _get(self, of: int, to: int) -> None:
        id = self._one(of)
        delivery = self._run(self._on.delivery(id))
        company = self._on.company_of(delivery)
        theirs = [one for one in self._on.phones if one.driver.company_id == company.id]
        phone = theirs[to % len(theirs)]
        self._offer(phone, id)
        if about := self._about(phone, id):
            self._run(self._on.tap(phone, TapKind.OFFER_ACCEPTED, about))

    @rule(to=DRIVERS, of=DELIVERIES)
    def offers(self, to: int, of: int) -> None:
        self._offer(self._on.phones[to], self._one(of))

    def _offer(self, phone: Phone, id: UUID) -> None:
        driver = phone.driver
        self._try(offer(self._on.platform, driver.company_id, id, driver.id, MINUTE))

    @rule(
        of=DELIVERIES,
        number=st.integers(0, 2),
        kind=st.sampled_from([TapKind.OFFER_ACCEPTED] * 2 + [TapKind.OFFER_REFUSED]),
    )
    def answers(self, of: int, number: int, kind: TapKind) -> None:
        """Whoever was asked last, or before; most often who still can."""
        every = self._run(self._on.history(self._one(of)))
        asked = [one for one in every if one["state"] == "offered"] or every
        for one in asked[-1 - number :][:1]:
            self._answer(self._on.phone_of(one["driver_id"]), self._one(of), kind)

    def _answer(self, phone: Phone, id: UUID, kind: TapKind) -> None:
        self._run(self._on.tap(phone, kind, self._about(phone, id)))

    @rule(to=DRIVERS, of=DELIVERIES, is_blind=RARELY, took_over=RARELY)
    def assigns(self, to: int, of: int, is_blind: bool, took_over: bool) -> None:
        id, driver = self._one(of), self._on.phones[to].driver
        holder = None if is_blind else self._run(self._on.holder(id))
        given = assign(
            self._on.platform,
            driver.company_id,
            id,
            driver.id,
            instead_of=holder,
            took_over=took_over,
        )
        self._try(given)

    @rule(of=DELIVERIES, steps=st.integers(1, 4))
    def goes_on(self, of: int, steps: int) -> None:
        """Whoever has it does what comes next, with all that is demanded."""
        self._go_on(self._one(of), steps)

    @rule(of=DELIVERIES)
    def arrives(self, of: int) -> None:
        """The same until the end."""
        self._go_on(self._one(of), 5)

    @rule(of=DELIVERIES, times=st.integers(1, 2))
    def cannot_hand_over(self, of: int, times: int) -> None:
        """Whoever has it is at the door, and nobody opens; perhaps a second time."""
        id = self._one(of)
        for _ in range(times):
            for _ in range(3):
                if self._run(self._on.delivery(id)).status is not Status.OUT_FOR_DELIVERY:
                    self._take_a_step(id)
            if (phone := self._phone(None, id)) and (about := self._about(phone, id)):
                self._tap(phone, TapKind.ATTEMPT_FAILED, about, None, None)

    def _go_on(self, id: UUID, steps: int) -> None:
        for _ in range(steps):
            self._take_a_step(id)

    def _take_a_step(self, id: UUID) -> None:
        if (phone := self._phone(None, id)) is None:
            return
        delivery = self._run(self._on.delivery(id))
        kind = COURSE.get(delivery.status, TapKind.ARRIVED)
        about = self._about(phone, id)
        assert about is not None
        stage = ProofStage.DROPOFF if delivery.return_of is None else ProofStage.RETURN
        if kind is TapKind.PICKED_UP:
            stage = ProofStage.PICKUP
        if kind in (TapKind.PICKED_UP, TapKind.HANDED_OVER):
            for each in (ProofKind.NAME, ProofKind.AGE)[: 1 + (stage is ProofStage.DROPOFF)]:
                self._try(self._on.prove(phone, about, each, stage))
        self._tap(phone, kind, about, delivery.payment.cash_collect, delivery.pin)

    @rule(
        by=st.none() | DRIVERS,
        of=DELIVERIES,
        kind=st.sampled_from([*STEPS, *STEPS, *OTHERS]),
        is_right=st.booleans(),
    )
    def works(self, by: int | None, of: int, kind: TapKind, is_right: bool) -> None:
        """Somebody taps anything: whoever has it, whoever had it, or never did."""
        id = self._one(of)
        phone = self._phone(by, id)
        if phone is None or (about := self._about(phone, id)) is None:
            return
        delivery = self._run(self._on.delivery(id))
        cash, pin = delivery.payment.cash_collect, delivery.pin
        if not is_right:
            cash, pin = 1, pin and pin[::-1]
        self._tap(phone, kind, about, cash, pin)

    def _tap(
        self, phone: Phone, kind: TapKind, about: UUID, cash: int | None, pin: str | None
    ) -> None:
        facts: dict[str, str | int] = {"reason": "absent"} if kind in OTHERS else {}
        if kind is TapKind.HANDED_OVER:
            facts |= ({"cash": cash} if cash else {}) | ({"pin": pin} if pin else {})
        self._run(self._on.tap(phone, kind, about, **facts))

    @rule(
        by=DRIVERS,
        of=DELIVERIES,
        what=st.sampled_from(["proof", "again", "day", "day", "back", "cancel", "not_collected"])
        | st.sampled_from(Status),
        proof=PROOFS,
    )
    def others_decide(
        self, by: int, of: int, what: str, proof: tuple[ProofKind, ProofStage]
    ) -> None:
        """What is rarer than the work: one rule, so that the work is common."""
        id, phone = self._one(of), self._on.phones[by]
        delivery = self._run(self._on.delivery(id))
        if what == "proof":
            if (about := self._about(phone, id)) is not None:
                self._try(self._on.prove(phone, about, *proof))
        elif what == "again":
            self._run(self._on.send_again(phone, 6))
        elif what == "day":
            self._have_another_day(phone)
        elif what == "back":
            self._try(take_back(self._on.platform, self._on.company_of(delivery).id, id))
        elif what == "cancel":
            self._run(self._on.cancel(id))
        elif what == "not_collected":
            self._try(self._not_collected(id, delivery.scope))
        else:
            self._try(self._on.move(id, Status(what)))

    def _have_another_day(self, phone: Phone) -> None:
        ended = self._run(self._on.tap(phone, TapKind.SHIFT_ENDED))
        if ended.outcome is TapOutcome.DONE:
            mine = {"driver_id": phone.driver.id, "state": ["offered", "accepted"]}
            assert not self._run(tables.count(self._on.platform.pool, "assignments", mine))
        self._run(self._on.tap(phone, TapKind.SHIFT_STARTED))

    async def _not_collected(self, id: UUID, scope: Scope) -> None:
        await reverse_collection(self._on.platform, scope, id, "by card")
        assert id not in self._on.uncollected
        self._on.uncollected.add(id)

    @rule(
        minutes=st.sampled_from([2, 20, 300]),
        seen=st.sets(DRIVERS),
        looks=st.booleans(),
    )
    def time_passes(self, minutes: int, seen: set[int], looks: bool) -> None:
        """Offers end, deliveries stall, drivers vanish; who is seen does not."""
        self._run(self._on.let_pass(timedelta(minutes=minutes)))
        for by in sorted(seen):
            self._run(self._on.be_seen(self._on.phones[by]))
        if looks:
            self.dispatching_looks(market="AO" if minutes == 20 else "KZ")

    @rule(market=st.sampled_from(["AO", "KZ"]))
    def dispatching_looks(self, market: str) -> None:
        self._run(self._on.dispatch(self._on.companies[market]))

    @rule(
        of=DELIVERIES,
        to=DRIVERS,
        what=st.sets(
            st.sampled_from(
                ["accept", "assign", "back", "pick_up", "hand_over", "cancel", "time", "look"]
            ),
            min_size=2,
        ),
    )
    def at_once(self, of: int, to: int, what: set[str]) -> None:
        """Several do something with one delivery at a time."""
        self._run(self._together(self._one(of), self._on.phones[to], what))

    async def _together(self, id: UUID, to: Phone, what: set[str]) -> None:
        on, platform = self._on, self._on.platform
        delivery, holder = await on.delivery(id), await on.holder(id)
        company = on.company_of(delivery).id
        works: list[Work] = []
        if "accept" in what:
            works += [
                partial(accept, platform, company, one["driver_id"], one["id"])
                for one in await on.history(id)
                if one["state"] == "offered"
            ]
        mine = (platform, company, holder or to.driver.id, id)
        possible: dict[str, Work] = {
            "assign": partial(
                assign, platform, company, id, to.driver.id, instead_of=holder, took_over=False
            ),
            "back": partial(take_back, platform, company, id),
            "pick_up": partial(pick_up, *mine),
            "hand_over": partial(hand_over, *mine, pin=delivery.pin),
            "cancel": partial(on.cancel, id),
            "time": partial(expire, platform),
            "look": partial(on.dispatch, on.company_of(delivery)),
        }
        works += [possible[name] for name in sorted(what - {"accept"})]
        await on.all_at_once(works)

    @invariant()
    def holds(self) -> None:
        if hasattr(self, "_checks"):
            self._run(self._checks.hold())

    def teardown(self) -> None:
        if hasattr(self, "_on"):
            self._run(self._on.close())


def test_whatever_happens_each_parcel_is_with_one_driver_and_each_sum_and_webhook_is_right(
    stage: Stage[Ground],
) -> None:
    play(lambda: Fleet(stage), examples=16, steps=60)
