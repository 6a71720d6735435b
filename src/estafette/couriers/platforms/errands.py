"""One errand at another platform: place a delivery there, once, or look how it goes.

What comes of it is a verdict; writing it down is the worker's. Nothing here touches the database.

Which API the platform speaks is its client's matter: `PlatformApi` is what an errand asks of that.

A delivery is placed under its own id as the idempotency key, and carries that id there. Whenever an
earlier try may have arrived, it is looked up before it is placed again: the platform may have
forgotten the key, and a quote that it used says nothing of who used it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol
from uuid import UUID

from estafette.core.couriers.company import CourierFailed, CourierResting, Offer
from estafette.core.couriers.upstream import Report
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.couriers.platforms.failures import Declined, InDoubt, QuoteTrouble, told
from estafette.couriers.platforms.places import Manners
from estafette.couriers.platforms.reach import Access
from estafette.usecases.couriers.dispatch import Errand, Placement

GIVE_UP: Final = timedelta(hours=24)
"""How long a delivery is tried to be placed: as long as the platform remembers the key."""

LOOK_BACK: Final = timedelta(minutes=10)
"""How much earlier than the first try a delivery may seem created, by the other side's clock."""

_CONFLICT: Final = 409
_UNKNOWN: Final = 404
_FOR_GOOD: Final = frozenset({400, 413, 415, 422})


class PlatformApi(Protocol):
    """What is asked of the platform of a company, in the core's words.

    Every call raises NotSent, InDoubt, Late, Declined or CourierResting.
    """

    def manners(self, company_id: UUID) -> Manners:
        """How the company's platform has behaved towards this process."""
        ...

    async def find(self, access: Access, delivery_id: UUID, since: datetime) -> Placement | None:
        """The delivery there that was created for ours, among those created since then."""
        ...

    async def place(
        self, access: Access, delivery: Delivery, upstream: Mapping[str, Any]
    ) -> Placement:
        """Creates a delivery there by the quote of an offer, which `upstream` is kept of."""
        ...

    async def quote_again(
        self, access: Access, delivery: Delivery, upstream: Mapping[str, Any]
    ) -> Offer | None:
        """A new offer for what was quoted; None when the company does not carry it any more."""
        ...

    async def report(self, access: Access, upstream_id: str) -> Report:
        """How a delivery goes there."""
        ...

    async def call_off(self, access: Access, upstream_id: str) -> None:
        """Cancels a delivery there; Declined with 409 where it is cancelled or too far."""
        ...


@dataclass(frozen=True, slots=True)
class Placed:
    """It is there; `found`: since an earlier try."""

    placement: Placement
    found: bool


@dataclass(frozen=True, slots=True)
class NotNow:
    """It is not placed by this try; see `usecases.dispatch.unplaced` for the rest.

    `retry_in_seconds` is what the platform or its breaker asks for, None: as usual.
    """

    reason: str
    doubtful: bool
    looked_up: bool
    retry_in_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Never:
    """It is not there and never will be."""

    reason: str


@dataclass(frozen=True, slots=True)
class Seen:
    """How it is there."""

    report: Report


@dataclass(frozen=True, slots=True)
class Unseen:
    """It could not be looked at."""

    reason: str
    retry_in_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """The platform has not known it any more for too long."""

    reason: str


Verdict = Placed | NotNow | Never | Seen | Unseen | Lost


class Placing:
    """One try to place a delivery; `doubtful` tells at any time whether it may be there by it."""

    def __init__(self, api: PlatformApi, access: Access, errand: Errand) -> None:
        """Asks through `api`."""
        self._api = api
        self._access = access
        self._errand = errand
        self.doubtful = False
        self.looked_up = False

    async def place(self) -> Verdict:
        """What came of it, whatever happens."""
        try:
            return await self._place()
        except CourierFailed as error:
            return self.not_now(error)

    def not_now(self, error: Exception) -> NotNow:
        """The verdict when something kept it from being placed."""
        wait = None
        if isinstance(error, CourierResting):
            wait = error.seconds
        elif isinstance(error, Declined):
            wait = error.retry_in_seconds
        return NotNow(told(error), self.doubtful, self.looked_up, wait)

    async def _place(self) -> Verdict:
        errand = self._errand
        if errand.doubtful:
            found = await self._find()
            if found is not None:
                return found
        if not errand.is_wanted:
            return NotNow("it is not wanted any more", False, self.looked_up)
        if errand.trying_for >= GIVE_UP:
            return Never(f"it could not be placed within {GIVE_UP.total_seconds() / 3600:g} hours")
        try:
            return await self._create(errand.upstream)
        except Declined as no:
            if no.status == _CONFLICT or no.quote is QuoteTrouble.USED:
                self.doubtful = True
                found = await self._find()
                if found is not None:
                    return found
                self.doubtful = no.status == _CONFLICT  # under the key there is something
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
        except BaseException:  # cut off in the middle
            self.doubtful = True
            raise
        return Placed(made, found=False)

    async def _quote_again(self) -> Verdict:
        """Places it by a new quote, if that asks for no more than the one that binds us."""
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
            return Never(f"the company refuses it: {told(no)}")
        return self.not_now(no)


async def look(api: PlatformApi, access: Access, errand: Errand, id: str) -> Verdict:
    """How a delivery goes that was placed as `id`, whatever happens.

    One that was cancelled here without the platform being asked is called off there first.
    """
    try:
        if errand.delivery.status is Status.CANCELLED:
            await _call_off(api, access, id)
        return Seen(await api.report(access, id))
    except CourierResting as resting:
        return Unseen(told(resting), resting.seconds)
    except Declined as no:
        if no.status == _UNKNOWN and errand.trying_for >= GIVE_UP:
            return Lost("the company's platform does not know it any more")
        return Unseen(told(no), no.retry_in_seconds)  # a wrong key can be put right
    except CourierFailed as error:
        return Unseen(told(error))


async def _call_off(api: PlatformApi, access: Access, id: str) -> None:
    try:
        await api.call_off(access, id)
    except Declined as no:
        if no.status != _CONFLICT:  # cancelled already, or gone too far: the report will tell
            raise
