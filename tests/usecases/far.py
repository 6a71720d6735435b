"""What tests of remote companies stand on: a shop whose only company has a platform of its own."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg

from estafette.core.accounts.account import Mode
from estafette.core.couriers.company import Capabilities, Company, Connector, Offer
from estafette.core.couriers.dispatch import Room, Rooms
from estafette.core.couriers.upstream import Recalled, Report, UpstreamStep
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.event import Actor
from estafette.core.money.payment import BankAccount
from estafette.usecases.couriers.dispatch import Errand, ErrandRound, Placement, claim, placed
from estafette.usecases.deliveries.advance import Move
from estafette.usecases.deliveries.cancel import Cancellation, cancel
from estafette.usecases.deliveries.idempotency import Answer
from estafette.usecases.platform import Patience
from tests.moving import advance
from tests.rows import dispatches, tables
from tests.usecases.angola import ENTREGA, OFFER, FakeCourier, Shop, angola_over, new_shop
from tests.usecases.stage import render

LEASE = timedelta(minutes=5)
LATER = timedelta(minutes=1)
FAR_OFFER = Offer(
    700, OFFER.pickup_within, OFFER.delivery_within, upstream={"quote_id": "q-1", "zero": 0.50}
)
BANK = Capabilities(bank_transfer_enabled=True, bank=BankAccount("BAI", "AO06", "Far Lda"))


def told(*statuses: Status, pin: str | None = None) -> Report:
    """A report of a delivery that passed these statuses, its steps numbered from 1 on."""
    steps = [
        UpstreamStep(f"e{number}", each, f"n{number}") for number, each in enumerate(statuses, 1)
    ]
    return Report(statuses[-1], steps, pin)


@dataclass
class Far:
    """A shop, its remote company, and what the company's platform answers to recalls."""

    shop: Shop
    company: Company
    answers: list[Recalled] = field(default_factory=list[Recalled])
    recalls: list[tuple[str, Mode, str]] = field(default_factory=list[tuple[str, Mode, str]])
    outcomes: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def __post_init__(self) -> None:
        self.shop.change(
            recall=self._recall,
            patience=Patience(quote=60.0, placing=60.0, answer=60.0, news=0.1),
            observe_dispatch=self._observe,
        )

    def _observe(self, company: Company, what: str) -> None:
        self.outcomes.append((company.slug, what))

    async def _recall(self, company: Company, mode: Mode, upstream_id: str) -> Recalled:
        self.recalls.append((company.slug, mode, upstream_id))
        return self.answers.pop(0)

    def lose_patience(self) -> None:
        """From now on an attempt under way and a silent platform are waited for a moment only."""
        self.shop.change(patience=Patience(quote=60.0, placing=0.1, answer=0.1, news=0.1))

    async def create(self, **changes: Any) -> Delivery:
        return await self.shop.create(**changes)

    async def claim(
        self,
        at_once: int = 10,
        of: Mapping[UUID, Room] | None = None,
        most: Room | None = None,
        **limits: Any,
    ) -> ErrandRound:
        room = Room(at_once, at_once)
        rooms = Rooms(of or {}, room, most or room, at_once, **limits)
        return await claim(self.shop.platform, LEASE, rooms)

    async def errand(self) -> Errand:
        """The only errand that is due."""
        (errand,) = (await self.claim()).errands
        return errand

    async def errand_created(self) -> Errand:
        """A new delivery's errand, claimed; nothing else is to be placed."""
        delivery = await self.create()
        (errand,) = [
            errand
            for errand in (await self.claim(most=Room(1, 0))).errands
            if errand.delivery.id == delivery.id
        ]
        return errand

    async def errand_placed(self, upstream_id: str = "up-1") -> Errand:
        """The only delivery placed, and claimed again to be looked at."""
        errand = await self.errand()
        assert await placed(self.shop.platform, errand, Placement(upstream_id), timedelta())
        return await self.errand()

    async def row(self, delivery_id: UUID) -> asyncpg.Record:
        """The dispatch of a delivery, with whether it is leased and in how many seconds due."""
        return await dispatches.of_delivery(self.shop.platform.pool, delivery_id)

    async def die(self) -> None:
        """Lets every lease end, as if whoever held it had died."""
        await dispatches.end_leases(self.shop.platform.pool)

    async def land(self) -> None:
        """Lets so much time pass that no request can still be under way."""
        earlier = timedelta(minutes=-2)
        await tables.shift(self.shop.platform.pool, "dispatches", doubted_at=earlier)

    async def make_due(self) -> None:
        """Lets everything be due that is not leased, what was created first before all."""
        await dispatches.make_due(self.shop.platform.pool)

    async def by_hand(self, delivery_id: UUID, *statuses: Status) -> None:
        """The operator moves a delivery."""
        moves = [Move(status, Actor.OPERATOR) for status in statuses]
        await advance(self.shop.platform, self.shop.scope, ENTREGA, delivery_id, moves)

    async def cancel(self, delivery_id: UUID, **changes: Any) -> Answer:
        wanted = Cancellation(
            self.shop.scope, ENTREGA, delivery_id, render, "Changed my mind", **changes
        )
        return await cancel(self.shop.platform, wanted)

    async def statuses(self, delivery_id: UUID) -> Sequence[Status]:
        return [event.status for event in await self.shop.events(delivery_id)]


@asynccontextmanager
async def far_over(dsn: str) -> AsyncGenerator[Far]:
    """A fresh shop in live mode whose only company, "far", is remote and takes bank transfers."""
    async with angola_over(dsn) as platform:
        shop = await new_shop(platform)
        remote = FakeCourier({"far": FAR_OFFER})
        shop.change(couriers={**platform.couriers, Connector.REMOTE: remote})
        fields: dict[str, Any] = {"connector": Connector.REMOTE, "capabilities": BANK}
        yield Far(shop, await shop.company("far", [], **fields))
