"""One errand at another platform: place a delivery there once, or look at its state there.

The result of an errand is a verdict, which the worker records. Nothing here uses the database. The
API of a platform is known to its client alone: `PlatformApi` is what an errand asks of that.

A delivery is placed under its own id as the idempotency key, and carries that id there. Whenever an
earlier try may have arrived, it is looked up before it is placed again: the platform may have
forgotten the key, and a used quote does not show for which delivery it was used.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol
from uuid import UUID

from estafette.core.couriers.company import CourierFailed, CourierResting, Offer
from estafette.core.couriers.upstream import Report
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.couriers.platforms.failures import Declined, InDoubt, QuoteTrouble, failure_text
from estafette.couriers.platforms.reach import Access
from estafette.couriers.platforms.slots import Manners
from estafette.usecases.couriers.dispatch import Errand, Placement

GIVE_UP: Final = timedelta(hours=24)
"""For how long placing a delivery is tried: as long as the platform remembers the key."""

LOOK_BACK: Final = timedelta(minutes=10)
"""How long before the first try a search begins, in case the platform's clock is slow."""

_CONFLICT: Final = 409
_UNKNOWN: Final = 404
_FOR_GOOD: Final = frozenset({400, 413, 415, 422})


class PlatformApi(Protocol):
    """What errands ask of a company's platform, in the core's words.

    Every call raises NotSent, InDoubt, Late, Declined or CourierResting.
    """

    def manners(self, company_id: UUID) -> Manners:
        """Returns how the company's platform has answered this process lately."""
        ...

    async def find(self, access: Access, delivery_id: UUID, since: datetime) -> Placement | None:
        """Returns the delivery there that was created for ours, if there is one from `since` on."""
        ...

    async def place(
        self, access: Access, delivery: Delivery, upstream: Mapping[str, Any]
    ) -> Placement:
        """Creates a delivery there from the quote of an offer. `upstream` is the offer's."""
        ...

    async def quote_again(
        self, access: Access, delivery: Delivery, upstream: Mapping[str, Any]
    ) -> Offer | None:
        """Returns a new offer for the delivery; None where the company does not carry it now."""
        ...

    async def report(self, access: Access, upstream_id: str) -> Report:
        """Returns the state of a delivery there."""
        ...

    async def call_off(self, access: Access, upstream_id: str) -> None:
        """Cancels a delivery there. Raises Declined with 409 where it has ended or gone too far."""
        ...


@dataclass(frozen=True, slots=True)
class Placed:
    """The delivery is there. `found` is true if an earlier try had placed it."""

    placement: Placement
    found: bool


@dataclass(frozen=True, slots=True)
class NotNow:
    """This try did not place the delivery, a later one may; see `usecases.dispatch.unplaced`.

    `retry_in_seconds` is the wish of the platform or its breaker; None leaves it to the worker.
    """

    reason: str
    doubtful: bool
    looked_up: bool
    retry_in_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Never:
    """The delivery is not there, and no try will place it."""

    reason: str


@dataclass(frozen=True, slots=True)
class DeliverySeen:
    """The state of a placed delivery."""

    report: Report


@dataclass(frozen=True, slots=True)
class Unseen:
    """A placed delivery could not be looked at."""

    reason: str
    retry_in_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """The platform has not known a placed delivery for too long."""

    reason: str


Verdict = Placed | NotNow | Never | DeliverySeen | Unseen | Lost


class Placing:
    """One try to place a delivery.

    `doubtful` is whether the delivery may be there by this try, as far as is known at any time;
    `looked_up` is whether the platform was asked for it and did not have it.
    """

    def __init__(self, api: PlatformApi, access: Access, errand: Errand) -> None:
        """Will ask through `api`."""
        self._api = api
        self._access = access
        self._errand = errand
        self.doubtful = False
        self.looked_up = False

    async def place(self) -> Verdict:
        """Returns the verdict; failures of the platform are verdicts too."""
        try:
            return await self._place()
        except CourierFailed as error:
            return self.not_now(error)

    def not_now(self, error: Exception) -> NotNow:
        """Returns the verdict after an error because of which the delivery was not placed."""
        wait = None
        if isinstance(error, CourierResting):
            wait = error.seconds
        elif isinstance(error, Declined):
            wait = error.retry_in_seconds
        return NotNow(failure_text(error), self.doubtful, self.looked_up, wait)

    async def _place(self) -> Verdict:
        errand = self._errand
        if errand.doubtful and (found := await self._find()):
            return found
        if not errand.is_wanted:
            return NotNow("it is not wanted any more", False, self.looked_up)
        if errand.trying_for >= GIVE_UP:
            return Never(f"it could not be placed within {GIVE_UP.total_seconds() / 3600:g} hours")
        try:
            return await self._create(errand.upstream)
        except Declined as no:
            return await self._after_refusal(no)

    async def _after_refusal(self, no: Declined) -> Verdict:
        """Looks for the delivery where an earlier try may have placed it; else gets a quote."""
        if no.status == _CONFLICT or no.quote is QuoteTrouble.USED:
            self.doubtful = True
            if found := await self._find():
                return found
            self.doubtful = no.status == _CONFLICT  # the platform has something under the key
        if no.quote is not None:
            return await self._quote_again()
        return self._declined(no)

    async def _find(self) -> Placed | None:
        since = self._errand.first_tried_at - LOOK_BACK
        found = await self._api.find(self._access, self._errand.delivery.id, since)
        self.looked_up = True
        return found and Placed(found, found=True)

    async def _create(self, upstream: Mapping[str, Any]) -> Placed:
        try:
            made = await self._api.place(self._access, self._errand.delivery, upstream)
        except InDoubt:
            self.doubtful = True
            raise
        except CourierFailed:
            raise
        except BaseException:  # cancelled while the request was under way
            self.doubtful = True
            raise
        return Placed(made, found=False)

    async def _quote_again(self) -> Verdict:
        """Places the delivery by a new quote, if that costs no more than the one before."""
        errand = self._errand
        most = errand.delivery.company_fee
        offer = await self._api.quote_again(self._access, errand.delivery, errand.upstream)
        if offer is None:
            return Never("the company does not carry it any more")
        if most is not None and offer.fee > most:
            return Never(f"the company's quote has expired, and it asks {offer.fee} now")
        try:
            return await self._create(offer.upstream or {})
        except Declined as no:
            if no.status == _CONFLICT:
                self.doubtful = True
            return self._declined(no)

    def _declined(self, no: Declined) -> Verdict:
        if no.status in _FOR_GOOD and no.is_reasoned and not self.doubtful:
            return Never(f"the company refuses it: {failure_text(no)}")
        return self.not_now(no)


async def look(api: PlatformApi, access: Access, errand: Errand, id: str) -> Verdict:
    """Returns the state of a delivery that was placed as `id`; failures are verdicts too.

    A delivery that was cancelled here without asking the platform is cancelled there first.
    """
    try:
        if errand.delivery.status is Status.CANCELLED:
            await _call_off(api, access, id)
        return DeliverySeen(await api.report(access, id))
    except CourierResting as resting:
        return Unseen(failure_text(resting), resting.seconds)
    except Declined as no:
        if no.status == _UNKNOWN and errand.trying_for >= GIVE_UP:
            return Lost("the company's platform does not know it any more")
        return Unseen(failure_text(no), no.retry_in_seconds)  # the operator can correct a wrong key
    except CourierFailed as error:
        return Unseen(failure_text(error))


async def _call_off(api: PlatformApi, access: Access, id: str) -> None:
    try:
        await api.call_off(access, id)
    except Declined as no:
        if no.status != _CONFLICT:  # it is cancelled, or too late to cancel: the report shows which
            raise
