"""What a driver's page shows: the stops in the order of work, the offers, and nothing else.

Whose contacts a driver sees, and when, is said in `core/fleet/privacy.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from estafette.core.accounts.account import Account
from estafette.core.couriers.company import Company
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.failing import HeldPolicy
from estafette.core.deliveries.places import NOT_SAID, StopPlace
from estafette.core.fleet.assignment import Assignment
from estafette.core.fleet.driver import Driver, DriverState
from estafette.core.fleet.message import DriverMessage
from estafette.core.fleet.shift import Shift
from estafette.core.fleet.tour import WANTED_AHEAD, StopKind
from estafette.store.accounts import table as accounts
from estafette.store.couriers import companies
from estafette.store.fleet import assignments, position_tokens
from estafette.usecases.deliveries.failing import policies_of
from estafette.usecases.deliveries.places import dropoff_places
from estafette.usecases.fleet.hold import LANE
from estafette.usecases.fleet.messages import messages_of
from estafette.usecases.fleet.own_work import Carried, own_work, taken_of
from estafette.usecases.money.handovers import CashInHand, cash_in_hand
from estafette.usecases.platform import Platform
from estafette.usecases.proofs.demanded import Shown, shown


class StopState(StrEnum):
    """How far a driver has come with one delivery."""

    ACCEPTED = "accepted"
    ARRIVED = "arrived"
    PICKED_UP = "picked_up"
    ON_THE_WAY = "on_the_way"


@dataclass(frozen=True, slots=True)
class DriverStop:
    """One stop of the tour, its delivery as the driver may see it, and whose it is.

    `planned_at` None: nobody has planned it. A stop that is put off is wanted from `wanted_from`
    on. `place` is where a drop-off is, besides its address. `policy` is what becomes of it where it
    cannot be handed over; None: the dispatcher decides. `shown` are the proofs of the delivery that
    are there.
    """

    assignment: Assignment
    delivery: Delivery
    account: Account
    kind: StopKind
    planned_at: datetime | None = None
    wanted_from: datetime | None = None
    place: StopPlace = NOT_SAID
    policy: HeldPolicy | None = None
    shown: Shown = frozenset()

    @property
    def may_be_left(self) -> bool:
        """Whether the driver may leave the parcel at the door where nobody takes it."""
        if self.kind is not StopKind.DROPOFF or self.policy is None:
            return False
        return self.policy.may_leave(len(self.delivery.attempts))

    @property
    def state(self) -> StopState:
        """How far the driver has come."""
        if self.delivery.status is Status.OUT_FOR_DELIVERY:
            return StopState.ON_THE_WAY
        if self.assignment.picked_up_at is not None:
            return StopState.PICKED_UP
        return StopState.ACCEPTED if self.assignment.arrived_at is None else StopState.ARRIVED


@dataclass(frozen=True, slots=True)
class DriverOffer:
    """A delivery that is offered to the driver, as far as they see it before they accept."""

    assignment: Assignment
    delivery: Delivery
    account: Account


@dataclass(frozen=True, slots=True)
class DriverDay:
    """All that a driver's page shows. `done` counts what was handed over in this shift.

    Whom to call of what was handed over `lately` is still shown. `taken` is, by its assignment,
    what messages say that others have taken, as far as the driver is still shown where it was.
    """

    driver: Driver
    company: Company
    shift: Shift | None
    has_token: bool
    offers: Sequence[DriverOffer]
    stops: Sequence[DriverStop]
    done: int
    lately: Sequence[Carried]
    cash: CashInHand
    messages: Sequence[DriverMessage]
    taken: Mapping[UUID, Carried]

    @property
    def is_paused(self) -> bool:
        """Whether the company gives the driver nothing further."""
        return self.driver.state is DriverState.PAUSED


async def day_of(platform: Platform, driver: Driver) -> DriverDay | None:
    """Returns what a driver sees now; None where the company is gone. Raises Busy."""
    of = (driver.company_id, driver.id)
    work = await own_work(platform, *of)
    every = (*work.offers, *work.carried)
    async with platform.connections.batch(LANE) as connection:
        company = await companies.find(connection, driver.company_id)
        has_token = await position_tokens.has(connection, *of)
        done = 0
        if work.shift is not None:
            done = await assignments.count_done(connection, *of, work.shift.began_at)
        ids = {one.assignment.scope.account_id for one in every}
        owners = await accounts.find_all(connection, ids) if ids else {}
        carried = [one.delivery for one in work.carried]
        places = await dropoff_places(connection, platform, carried)
        policies = await policies_of(connection, carried, company)
        there = await shown(connection, carried) if carried else {}
    if company is None:
        return None
    offers = [
        DriverOffer(one.assignment, one.delivery, owner)
        for one in work.offers
        if (owner := _owner(one, owners))
    ]
    mine = {(one.delivery.scope.account_id, one.delivery.id): one for one in work.carried}
    stops = [
        DriverStop(
            one.assignment,
            one.delivery,
            owner,
            stop.kind,
            stop.planned_at,
            stop.put_off_until and stop.put_off_until - WANTED_AHEAD,
            places[one.delivery.id] if stop.kind is StopKind.DROPOFF else NOT_SAID,
            policies.get(one.delivery.id),
            there[one.delivery.id],
        )
        for stop in work.tour
        if (one := mine.get((stop.account_id, stop.delivery_id))) and (owner := _owner(one, owners))
    ]
    cash = await cash_in_hand(platform, *of)
    said = await messages_of(platform, *of)
    lost = await taken_of(platform, driver.company_id, said)
    return DriverDay(
        driver, company, work.shift, has_token, offers, stops, done, work.lately, cash, said, lost
    )


def _owner(one: Carried, owners: Mapping[UUID, Account]) -> Account | None:
    return owners.get(one.assignment.scope.account_id)
