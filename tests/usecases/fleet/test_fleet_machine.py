"""The fleet after any sequence of operations, through the real database.

Hypothesis plays drivers, dispatchers, the merchant, the operator and the clock in any order. What
is not possible has to be refused; after each step the invariants hold.
"""

from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from estafette.core.deliveries.delivery import Delivery, Progress, Status
from estafette.core.deliveries.event import Actor
from estafette.core.errors import Refusal
from estafette.core.fleet.assignment import ENDING, AssignmentState
from estafette.core.fleet.driver import Driver
from estafette.core.fleet.refusals import FleetRefusal
from estafette.core.fleet.tour import StopKind
from estafette.core.ids import new_id
from estafette.store.webhooks import endpoints
from estafette.usecases.deliveries.advance import Move, advance
from estafette.usecases.deliveries.cancel import Cancellation, cancel
from estafette.usecases.fleet.accept import accept
from estafette.usecases.fleet.assign import assign
from estafette.usecases.fleet.expire import expire
from estafette.usecases.fleet.hand_over import hand_over
from estafette.usecases.fleet.offer import offer
from estafette.usecases.fleet.refuse import refuse
from estafette.usecases.fleet.shifts import end_shift, start_shift
from estafette.usecases.fleet.steps import arrive, pick_up, set_out
from estafette.usecases.fleet.take_back import hand_back, take_back
from tests.rows import tables
from tests.rows import webhooks as webhook_rows
from tests.usecases.angola import ENTREGA, angola_over, new_shop
from tests.usecases.fleet.conftest import MINUTE, Fleet
from tests.usecases.machines import Stage, play, staged
from tests.usecases.stage import render

GRAMS = (900, 900, 1_800, 1_800)
HOLDS, PARCELS = 2_500, 2
DRIVERS = st.integers(0, 2)
DELIVERIES = st.integers(0, 3)
RARELY = st.sampled_from([False, False, False, True])


@asynccontextmanager
async def fleet_over(dsn: str) -> AsyncGenerator[Fleet]:
    async with angola_over(dsn) as platform:
        shop = await new_shop(platform)
        async with platform.pool.acquire() as connection:
            url = "http://127.0.0.1:9/"
            assert await endpoints.insert(connection, shop.scope, new_id(), "default", url, b"")
        yield Fleet(shop, await shop.company(f"moto-{shop.account.id.hex[-8:]}"))


@pytest.fixture
def stage(clean_database: str) -> Iterator[Stage[Fleet]]:
    with staged(fleet_over(clean_database)) as stage:
        yield stage


class FleetMachine(RuleBasedStateMachine):
    """Three drivers, of whom one begins off shift, and four deliveries."""

    def __init__(self, stage: Stage[Fleet]) -> None:
        super().__init__()
        self._stage = stage
        self._fleet = stage.on
        self._drivers: list[Driver] = []
        self._deliveries: list[Delivery] = []

    def _try(self, work: Coroutine[Any, Any, object]) -> None:
        """Does what may be refused."""
        with suppress(FleetRefusal, Refusal):
            self._stage.run(work)

    @initialize()
    def begin(self) -> None:
        async def made() -> None:
            for on_shift in (True, True, False):
                wanted = self._fleet.driver(on_shift=on_shift, grams=HOLDS, parcels=PARCELS)
                self._drivers.append(await wanted)
            for grams in GRAMS:
                self._deliveries.append(await self._fleet.delivery(grams))

            first, second = self._drivers[:2]
            await self._fleet.accepted(first, self._deliveries[0])
            await self._fleet.offered(self._deliveries[1], first)
            await self._fleet.offered(self._deliveries[1], second)

        self._stage.run(made())

    @rule(to=DRIVERS, of=DELIVERIES)
    def offers(self, to: int, of: int) -> None:
        self._try(
            offer(
                self._fleet.platform,
                self._fleet.id,
                self._deliveries[of].id,
                self._drivers[to].id,
                MINUTE,
            )
        )

    @rule(of=DELIVERIES, number=st.integers(0, 2), verb=st.sampled_from([accept, accept, refuse]))
    def answers(self, of: int, number: int, verb: Callable[..., Any]) -> None:
        history = self._stage.run(self._fleet.history(self._deliveries[of]))
        for one in history[-1 - number :][:1]:
            self._try(verb(self._fleet.platform, self._fleet.id, one.driver_id, one.id))

    @rule(
        of=DELIVERIES,
        by=DRIVERS,
        what=st.sampled_from(["time", "back", "cancel", "stall", "pending", "moved", "day"]),
    )
    def others_decide(self, of: int, by: int, what: str) -> None:
        """What is rarer than the work: one rule, so that the work is common."""
        if what == "time":
            self._time_runs_out(of)
        elif what == "back":
            self._dispatcher_takes_back(of)
        elif what == "cancel":
            self._merchant_cancels(of)
        elif what == "day":
            self._another_day(by)
        else:
            to = {"stall": Status.STALLED, "pending": Status.PENDING}
            self._operator_moves(of, to.get(what, Status.IN_TRANSIT))

    def _time_runs_out(self, of: int) -> None:
        where = {"delivery_id": self._deliveries[of].id, "answer_by": tables.PRESENT}
        over = tables.change(
            self._fleet.platform.pool, "assignments", where, answer_by=timedelta(seconds=-1)
        )
        self._stage.run(over)
        self._stage.run(expire(self._fleet.platform))

    def _holder(self, of: int) -> UUID | None:
        """Returns who has a delivery now."""
        history = self._stage.run(self._fleet.history(self._deliveries[of]))
        accepted = [one for one in history if one.state is AssignmentState.ACCEPTED]
        return accepted[0].driver_id if accepted else None

    @rule(to=DRIVERS, of=DELIVERIES, is_blind=RARELY, took_over=RARELY)
    def assigns(self, to: int, of: int, is_blind: bool, took_over: bool) -> None:
        self._try(
            assign(
                self._fleet.platform,
                self._fleet.id,
                self._deliveries[of].id,
                self._drivers[to].id,
                instead_of=None if is_blind else self._holder(of),
                took_over=took_over,
            )
        )

    @rule(
        by=st.none() | DRIVERS,
        of=DELIVERIES,
        verb=st.sampled_from([arrive, pick_up, pick_up, set_out, hand_over, hand_over, hand_back]),
    )
    def works(self, by: int | None, of: int, verb: Callable[..., Any]) -> None:
        """Somebody taps: most often who has it, else whoever had it, or never did."""
        driver = self._holder(of) if by is None else self._drivers[by].id
        if driver is not None:
            delivery = self._deliveries[of].id
            self._try(verb(self._fleet.platform, self._fleet.id, driver, delivery))

    def _dispatcher_takes_back(self, of: int) -> None:
        self._try(take_back(self._fleet.platform, self._fleet.id, self._deliveries[of].id))

    def _merchant_cancels(self, of: int) -> None:
        wanted = Cancellation(self._fleet.shop.scope, ENTREGA, self._deliveries[of].id, render)
        self._try(cancel(self._fleet.platform, wanted))

    def _operator_moves(self, of: int, to: Status) -> None:
        scope, id = self._fleet.shop.scope, self._deliveries[of].id
        self._try(advance(self._fleet.platform, scope, ENTREGA, id, [Move(to, Actor.OPERATOR)]))

    def _another_day(self, by: int) -> None:
        of = (self._fleet.platform, self._fleet.id, self._drivers[by].id)
        self._try(end_shift(*of))
        self._try(start_shift(*of, "a phone"))

    @invariant()
    def holds(self) -> None:
        if self._drivers:
            self._stage.run(self._must_hold())

    async def _must_hold(self) -> None:
        carried: dict[UUID, list[int]] = {driver.id: [] for driver in self._drivers}
        stops: dict[UUID, set[tuple[UUID, StopKind]]] = {one.id: set() for one in self._drivers}
        for known in self._deliveries:
            delivery = await self._fleet.shop.delivery(known.id)
            await self._has_its_events(delivery)
            history = await self._fleet.history(delivery)
            accepted = [one for one in history if one.state is AssignmentState.ACCEPTED]
            assert len(accepted) <= 1, "two drivers have one delivery"
            assert [one.number for one in history] == list(range(1, len(history) + 1))
            for one in history:
                assert one.is_open == (one.ended_at is None)
                assert (one.state is AssignmentState.OFFERED) == (one.answer_by is not None)
            if delivery.status in ENDING:
                assert not accepted, "a driver has what is over, or nobody's"
            for one in accepted:
                carried[one.driver_id].append(one.grams)
                if delivery.status is not Status.STALLED:
                    assert one.is_on_board == delivery.progress.picked_up
                kinds = [StopKind.DROPOFF] if one.is_on_board else list(StopKind)
                stops[one.driver_id] |= {(delivery.id, kind) for kind in kinds}
        for driver in self._drivers:
            grams = carried[driver.id]
            assert sum(grams) <= HOLDS, "the vehicle is too heavy"
            assert len(grams) <= PARCELS, "the vehicle is too full"
            assert set(await self._fleet.tour(driver)) == stops[driver.id]

    async def _has_its_events(self, delivery: Delivery) -> None:
        """Every status has its event, by legal moves, and each event its webhooks."""
        events = await self._fleet.shop.events(delivery.id)
        assert [event.seq for event in events] == list(range(1, delivery.progress.seq + 1))
        assert events[-1].status is delivery.status
        progress = Progress(Status.PENDING, Status.PENDING)
        announced: list[str] = [*ENTREGA.announcements(None, progress)]
        for event in events[1:]:
            after = progress.moved(event.status)
            assert after is not None, (progress, event.status)
            announced += ENTREGA.announcements(progress, after)
            progress = after
        assert progress == delivery.progress
        pool, account_id = self._fleet.platform.pool, self._fleet.shop.account.id
        sent = await webhook_rows.announcements(pool, account_id, delivery.id)
        assert [message["type"] for message in sent] == announced


def test_one_driver_per_delivery_full_vehicles_and_events_whatever_happens(
    stage: Stage[Fleet],
) -> None:
    play(lambda: FleetMachine(stage), examples=12, steps=22)
