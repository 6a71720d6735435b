"""Lives of deliveries through the real database, against an independent model.

Hypothesis plays merchants, couriers, operators and simulated couriers in any order; after each move
the stored row, the events and the outbox must be what the model says.
"""

from collections.abc import AsyncGenerator, Coroutine, Iterator
from contextlib import asynccontextmanager
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

from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.event import Actor
from estafette.core.errors import TransitionRefused
from estafette.core.sandbox.scenario import SCENARIOS
from estafette.usecases.deliveries.advance import Move
from estafette.usecases.deliveries.cancel import Cancellation, cancel
from estafette.usecases.deliveries.move_by_hand import move_by_hand
from estafette.usecases.sandbox.simulate import step_by_hand
from tests.core.life import Life
from tests.moving import advance
from tests.usecases.machines import Stage, play, staged
from tests.usecases.stage import DIALECT, SHOWN, Tenant, new_tenant, platform_over, render

KASPI: list[str] = ["created", "accepted", "in_transit", "out_for_delivery", "delivered"]

ONWARDS = {
    "pending": Status.ASSIGNED,
    "assigned": Status.PICKUP_READY,
    "pickup_ready": Status.IN_TRANSIT,
    "in_transit": Status.OUT_FOR_DELIVERY,
    "out_for_delivery": Status.DELIVERED,
}


@asynccontextmanager
async def tenant_over(dsn: str) -> AsyncGenerator[Tenant]:
    async with platform_over(dsn, step=timedelta(), size=2) as platform:
        tenant = await new_tenant(platform)
        await tenant.set_endpoint()
        yield tenant


@pytest.fixture
def stage(postgres_dsn: str) -> Iterator[Stage[Tenant]]:
    with staged(tenant_over(postgres_dsn)) as stage:
        yield stage


def told(life: Life) -> list[str]:
    """The webhooks that a life has caused, in order: each shown status once, none left out."""
    furthest = max(
        (name for name in life.been if name in {status.value for status in SHOWN}),
        key=lambda name: -1 if name == "cancelled" else _rank(name),
    )
    shown = KASPI[: _rank(furthest) + 1]
    return [*shown, "cancelled"] if life.status == "cancelled" else shown


def _rank(name: str) -> int:
    return KASPI.index(SHOWN[Status(name)])


class Lives(RuleBasedStateMachine):
    """Several deliveries of one account, each with its model."""

    ids = Bundle("ids")

    def __init__(self, stage: Stage[Tenant]) -> None:
        super().__init__()
        self.stage = stage
        self.lives: dict[UUID, Life] = {}
        self.touched: UUID | None = None

    @rule(target=ids, scenario=st.sampled_from([None, *SCENARIOS]))
    def create(self, scenario: str | None) -> UUID:
        id = self.stage.run(self.stage.on.create(scenario and f"sandbox:{scenario}"))
        self.lives[id] = Life("pending")
        self.touched = id
        return id

    @rule(id=ids, to=st.sampled_from(Status), actor=st.sampled_from(Actor))
    def advance(self, id: UUID, to: Status, actor: Actor) -> None:
        tenant = self.stage.on
        work = advance(tenant.platform, tenant.scope, DIALECT, id, [Move(to, actor)])
        assert self._done(work) is self.lives[id].move(to.value)
        self.touched = id

    @rule(id=ids)
    def go_on(self, id: UUID) -> None:
        """Moves along the normal course, so that long lives are common."""
        onwards = ONWARDS.get(self.lives[id].status)
        if onwards:
            self.advance(id=id, to=onwards, actor=Actor.COURIER)

    @rule(id=ids)
    def cancel(self, id: UUID) -> None:
        tenant, life = self.stage.on, self.lives[id]
        answer = self.stage.run(
            cancel(tenant.platform, Cancellation(tenant.scope, DIALECT, id, render))
        )
        allowed = not life.picked_up and life.move("cancelled")
        assert (answer.reply.status == 201) is allowed
        self.touched = id

    @rule(id=ids)
    def step_by_hand(self, id: UUID) -> None:
        """The simulated courier's next step, whatever it is, is one that the model allows."""
        tenant = self.stage.on
        if self._done(step_by_hand(tenant.platform, tenant.scope, DIALECT, id)):
            to = self.stage.run(tenant.delivery(id)).status
            assert self.lives[id].move(to.value)
        self.touched = id

    @rule(id=ids, to=st.sampled_from(Status))
    def move_by_hand(self, id: UUID, to: Status) -> None:
        """Each status that is passed on the way is one that the model allows; a refusal is none."""
        tenant, life = self.stage.on, self.lives[id]
        moved = self._done(move_by_hand(tenant.platform, tenant.scope, DIALECT, id, to, None))
        if moved:
            events = self.stage.run(tenant.events(id))[life.events :]
            assert all(life.move(event.status.value) for event in events)
            assert life.status == to.value
        else:
            assert to.value not in life.allowed()
        self.touched = id

    def _done(self, work: Coroutine[Any, Any, Any]) -> bool:
        try:
            self.stage.run(work)
        except TransitionRefused:
            return False
        return True

    @invariant()
    def the_database_tells_the_same_life(self) -> None:
        if self.touched is None:
            return
        id, life, tenant = self.touched, self.lives[self.touched], self.stage.on
        delivery = self.stage.run(tenant.delivery(id))
        events = self.stage.run(tenant.events(id))
        assert (delivery.status, delivery.milestone) == (life.status, life.milestone)
        assert [event.status for event in events] == life.been
        assert [event.seq for event in events] == list(range(1, len(life.been) + 1))
        assert delivery.progress.seq == life.events
        assert delivery.progress.allowed() == life.allowed()
        times = [event.occurred_at for event in events]
        assert times == sorted(times)
        assert [type for event in events for type in event.announced] == told(life)
        messages = self.stage.run(tenant.messages(id))
        copies = 2 if delivery.scenario == "webhook_duplicate" else 1
        assert [message["type"] for message in messages] == [
            type for type in told(life) for _ in range(copies)
        ]


def test_every_life_goes_as_the_model_says(stage: Stage[Tenant]) -> None:
    play(lambda: Lives(stage), examples=45, steps=40)
