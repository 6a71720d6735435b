"""Deliveries and a remote platform, whatever fails when, against a model of that platform.

Hypothesis plays merchants who create and cancel, a platform that carries, forgets to answer and
tells old news, workers that die at any point, webhooks, and time. In the end, when nothing fails
any more, everything is here as it is there, and nothing was ever created there without need.
"""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from uuid import UUID

import orjson
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    rule,
)

from estafette.core.couriers.upstream import Recalled, Report, UpstreamStep
from estafette.core.deliveries.delivery import Progress, Status
from estafette.core.deliveries.event import Actor
from estafette.core.errors import CourierUnavailable
from estafette.usecases.couriers.dispatch import (
    Errand,
    Placement,
    followed,
    note_webhook,
    placed,
    refused,
    unplaced,
)
from estafette.usecases.deliveries.advance import Move
from tests.moving import advance
from tests.rows import tables
from tests.usecases.angola import ENTREGA
from tests.usecases.far import Far, far_over
from tests.usecases.machines import Stage, play, staged

NOW = timedelta()
CANCELLABLE = {Status.PENDING, Status.ASSIGNED}


class Carried:
    """A delivery at the platform."""

    def __init__(self, id: str) -> None:
        self.id = id
        self.progress = Progress(Status.PENDING, Status.PENDING)
        self.steps = [UpstreamStep(f"{id}-1", Status.PENDING)]

    @property
    def status(self) -> Status:
        return self.progress.status

    def go(self, to: Status) -> None:
        after = self.progress.moved(to)
        assert after is not None
        self.progress = after
        self.steps.append(UpstreamStep(f"{self.id}-{after.seq}", to))

    def report(self, *, missing: int = 0) -> Report:
        """What it tells; with the last steps `missing`, as an old copy of its data would."""
        steps = tuple(self.steps[: max(1, len(self.steps) - missing)])
        return Report(steps[-1].status, steps)


class Upstream:
    """The platform: never creates twice for one key, and knows when it was asked without need."""

    def __init__(self) -> None:
        self.carried: dict[UUID, Carried] = {}
        self.needless = 0
        self._ids = count(1)

    def create(self, key: UUID, *, in_flight: bool) -> Carried:
        known = self.carried.get(key)
        if known is None:
            self.carried[key] = known = Carried(f"{key}:{next(self._ids)}")
        elif not in_flight:
            self.needless += 1
        return known

    def by_id(self, upstream_id: str) -> Carried:
        return next(one for one in self.carried.values() if one.id == upstream_id)

    def cancel(self, upstream_id: str) -> Recalled:
        carried = self.by_id(upstream_id)
        if carried.status in CANCELLABLE:
            carried.go(Status.CANCELLED)
        return Recalled.CANCELLED if carried.status is Status.CANCELLED else Recalled.REFUSED


@pytest.fixture
def stage(clean_database: str) -> Iterator[Stage[Far]]:
    with staged(far_over(clean_database)) as stage:
        yield stage


class Worker:
    """Runs errands as the connector does, with what hypothesis lets happen on the way."""

    def __init__(self, far: Far, upstream: Upstream) -> None:
        self._platform = far.shop.platform
        self._upstream = upstream

    async def run(self, errand: Errand, fate: str, *, in_flight: bool = False) -> None:
        if errand.upstream_id:
            await self._look(errand, errand.upstream_id, fate)
        elif errand.doubtful or not errand.is_wanted:
            await self._look_up(errand, fate, in_flight=in_flight)
        else:
            await self._create(errand, fate, in_flight=in_flight)

    async def _look(self, errand: Errand, upstream_id: str, fate: str) -> None:
        carried = self._upstream.by_id(upstream_id)
        if fate in {"dies before", "dies after"}:
            return
        if fate in {"down", "busy", "lost request", "lost answer"}:
            await unplaced(self._platform, errand, fate, NOW, doubtful=True)
        else:
            missing = 2 if fate == "stale" else 0
            await followed(self._platform, errand, carried.report(missing=missing), NOW)

    async def _look_up(self, errand: Errand, fate: str, *, in_flight: bool) -> None:
        if fate == "down":
            await unplaced(self._platform, errand, fate, NOW)
            return
        found = self._upstream.carried.get(errand.delivery.id)
        if found is not None:
            await placed(self._platform, errand, Placement(found.id), NOW)
        elif errand.is_wanted:
            await self._create(errand, fate, in_flight=in_flight, looked_up=True)
        else:
            await unplaced(self._platform, errand, "not there", NOW, looked_up=True)

    async def _create(
        self, errand: Errand, fate: str, *, in_flight: bool, looked_up: bool = False
    ) -> None:
        key = errand.delivery.id
        if fate == "dies before":
            return
        if fate in {"down", "busy"}:
            await unplaced(self._platform, errand, fate, NOW, looked_up=looked_up)
        elif fate == "refuses" and key not in self._upstream.carried:
            await refused(self._platform, errand, fate)
        elif fate == "lost request":
            await unplaced(self._platform, errand, fate, NOW, doubtful=True, looked_up=looked_up)
        else:
            carried = self._upstream.create(key, in_flight=in_flight)
            if fate == "lost answer":
                await unplaced(self._platform, errand, fate, NOW, doubtful=True)
            elif fate != "dies after":
                await placed(self._platform, errand, Placement(carried.id), NOW)


FATES = st.sampled_from(
    [
        *["well"] * 4,
        "stale",
        "down",
        "busy",
        "refuses",
        "lost request",
        "lost answer",
        "dies before",
        "dies after",
    ]
)


class Chain(RuleBasedStateMachine):
    """Some deliveries of one shop, and what the platform knows of them."""

    ids = Bundle("ids")

    def __init__(self, stage: Stage[Far]) -> None:
        super().__init__()
        self.stage = stage
        self.far = stage.on
        self.upstream = Upstream()
        self.worker = Worker(self.far, self.upstream)
        self.ours: list[UUID] = []
        self.late: list[Errand] = []
        self.recall_fate = "well"
        self.far.shop.change(recall=self._recall)

    async def _recall(self, _: object, __: object, upstream_id: str) -> Recalled:
        if self.recall_fate == "lost request":
            return Recalled.UNKNOWN
        answer = self.upstream.cancel(upstream_id)
        return Recalled.UNKNOWN if self.recall_fate == "lost answer" else answer

    @rule(target=ids)
    def create(self) -> UUID:
        self.ours.append(self.stage.run(self.far.create()).id)
        return self.ours[-1]

    @rule(fate=FATES)
    def work(self, fate: str) -> None:
        """A worker runs one errand, which may go wrong in any way."""
        self.stage.run(self._work(fate))

    async def _work(self, fate: str) -> None:
        await self.far.make_due()
        for errand in (await self.far.claim(1)).errands:
            await self.worker.run(errand, fate)

    @rule(thought_dead=st.booleans())
    def begin(self, thought_dead: bool) -> None:
        """A worker claims an errand and its request is slow, perhaps slower than its lease."""
        self.stage.run(self._begin(thought_dead))

    async def _begin(self, thought_dead: bool) -> None:
        await self.far.make_due()
        self.late += (await self.far.claim(1)).errands
        if thought_dead:
            await self.far.die()

    @rule(fate=FATES)
    def end(self, fate: str) -> None:
        if self.late:
            self.stage.run(self.worker.run(self.late.pop(0), fate, in_flight=True))

    @rule()
    def leases_end(self) -> None:
        self.stage.run(self.far.die())

    @rule(fate=FATES)
    def much_time_passes(self, fate: str) -> None:
        """Whatever is under way arrives or is lost; then no request is under way any more."""
        self.stage.run(self._land(fate))

    async def _land(self, fate: str) -> None:
        for errand in self.late:
            await self.worker.run(errand, fate, in_flight=True)
        self.late.clear()
        await self.far.die()
        await self.far.land()

    @rule(data=st.data())
    def they_carry(self, data: st.DataObject) -> None:
        """The platform's courier goes on with something."""
        under_way = [one for one in self.upstream.carried.values() if not one.progress.is_final]
        if under_way:
            carried = data.draw(st.sampled_from(under_way))
            carried.go(data.draw(st.sampled_from(sorted(carried.progress.allowed()))))

    @rule(data=st.data(), with_ours=st.booleans())
    def they_tell(self, data: st.DataObject, with_ours: bool) -> None:
        if self.upstream.carried:
            id = data.draw(st.sampled_from(list(self.upstream.carried)))
            there = self.upstream.carried[id].id
            platform, company = self.far.shop.platform, self.far.company.id
            ours = id if with_ours else None
            self.stage.run(note_webhook(platform, company, there, ours))

    @rule(id=ids)
    def it_stalls_here(self, id: UUID) -> None:
        self.stage.run(self._stall(id))

    async def _stall(self, id: UUID) -> None:
        shop = self.far.shop
        if Status.STALLED in (await shop.delivery(id)).progress.allowed():
            move = Move(Status.STALLED, Actor.SYSTEM, "Nothing was heard of it")
            await advance(shop.platform, shop.scope, ENTREGA, id, [move])

    @rule(id=ids, fate=st.sampled_from(["well", "well", "lost request", "lost answer"]))
    def cancel(self, id: UUID, fate: str) -> None:
        self.recall_fate = fate
        self.stage.run(self._cancel(id))

    async def _cancel(self, id: UUID) -> None:
        if (await self.far.row(id))["leased"]:
            await self.far.die()  # an attempt under way would be waited for
        before = await self.far.shop.delivery(id)
        try:
            answer = await self.far.cancel(id)
        except CourierUnavailable:
            assert await self.far.shop.delivery(id) == before
            return
        after = await self.far.shop.delivery(id)
        if orjson.loads(answer.reply.body).get("status") == "cancelled":
            assert after.status is Status.CANCELLED
            carried = self.upstream.carried.get(id)
            assert carried is None or carried.status is Status.CANCELLED
        else:
            assert after == before

    def teardown(self) -> None:
        try:
            self.stage.run(self._settle())
        finally:
            self.stage.run(tables.remove(self.far.shop.platform.pool, "dispatches"))

    async def _settle(self) -> None:
        """Nothing fails any more: workers run until there is no news."""
        for _ in range(4):
            await self._land("well")
            await self.far.make_due()
            for errand in (await self.far.claim(100)).errands:
                await self.worker.run(errand, "well")
        for id in self.ours:
            await self._agrees(id)
        assert self.upstream.needless == 0

    async def _agrees(self, id: UUID) -> None:
        delivery, row = await self.far.shop.delivery(id), await self.far.row(id)
        carried = self.upstream.carried.get(id)
        told = f"{row['state']} ({row['last_error']}), {delivery.status} here"
        assert row["state"] != "disputed", told
        assert delivery.progress.is_final <= (row["state"] == "closed"), told
        if carried is None:
            stalled = delivery.status is Status.STALLED and row["state"] == "refused"
            assert stalled or delivery.status is Status.CANCELLED, told
            assert row["upstream_id"] is None, told
        else:
            assert row["upstream_id"] == carried.id, told
            silent = delivery.status is Status.STALLED
            here = delivery.progress.before_stall if silent else delivery.status
            assert carried.status in {here, delivery.status}, told


def test_whatever_fails_it_is_here_in_the_end_as_it_is_there(stage: Stage[Far]) -> None:
    play(lambda: Chain(stage), examples=35, steps=40)
