"""One errand at another platform: place a delivery there, once, or look how it goes.

What comes of it is a verdict; writing it down is the worker's. Nothing here touches the database.

A delivery is placed under its own id as the idempotency key, and carries that id in its metadata
there. Whenever an earlier try may have arrived, it is looked up before it is placed again: the
platform may have forgotten the key, and a quote that it used says nothing of who used it.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from estafette.core.couriers.company import CourierFailed, CourierResting
from estafette.core.deliveries.delivery import Status
from estafette.couriers.remote.client import Access, PlatformClient
from estafette.couriers.remote.failures import Declined, InDoubt, told
from estafette.couriers.remote.mapping import cheapest, create_body, route, step
from estafette.couriers.remote.schemas import UpstreamDelivery
from estafette.usecases.couriers.dispatch import Errand, Placement, Report
from estafette.usecases.platform import clock

GIVE_UP: Final = timedelta(hours=24)
"""How long a delivery is tried to be placed: as long as the platform remembers the key."""

LOOK_BACK: Final = timedelta(minutes=10)
"""How much earlier than the first try a delivery may seem created, by the other side's clock."""

_QUOTE_AGAIN: Final = frozenset(
    {
        "quote_expired",
        "quote_not_found",
        "quote_already_used",
        "quote_payload_mismatch",  # it binds contacts, of which the quote was not told
    }
)
_MAY_EXIST: Final = "quote_already_used"
_FOR_GOOD: Final = frozenset({400, 413, 415, 422})


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

    def __init__(self, client: PlatformClient, access: Access, errand: Errand) -> None:
        """Asks through `client`."""
        self._client = client
        self._access = access
        self._errand = errand
        self._our_id = str(errand.delivery.id)
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
            return await self._create(errand.upstream["quote_id"])
        except Declined as no:
            if no.status == 409 or no.code == _MAY_EXIST:
                self.doubtful = True
                found = await self._find()
                if found is not None:
                    return found
                self.doubtful = no.status == 409  # under the key there is something
            if no.code in _QUOTE_AGAIN:
                return await self._quote_again()
            return self._declined(no)

    async def _find(self) -> Placed | None:
        since = self._errand.first_tried_at - LOOK_BACK
        found = await self._client.find(self._access, self._our_id, since)
        self.looked_up = True
        return found and Placed(_placement(found), found=True)

    async def _create(self, quote_id: str) -> Placed:
        delivery, upstream = self._errand.delivery, self._errand.upstream
        body = create_body(delivery, upstream, quote_id, clock())
        try:
            made = await self._client.create(self._access, body, self._our_id)
        except InDoubt:
            self.doubtful = True
            raise
        except CourierFailed:
            raise
        except BaseException:  # cut off in the middle
            self.doubtful = True
            raise
        return Placed(_placement(made), found=False)

    async def _quote_again(self) -> Verdict:
        """Places it by a new quote, if that asks for no more than the one that binds us."""
        most = self._errand.delivery.company_fee
        delivery = self._errand.delivery
        asked = route(delivery, self._errand.upstream)
        found = await self._client.quotes(self._access, asked, delivery.scope.account_id)
        chosen = cheapest(found, clock())
        if chosen is None:
            return Never("the company does not carry it any more")
        if most is not None and chosen.fee_aoa > most:
            return Never(f"the company's quote has expired, and it asks {chosen.fee_aoa} now")
        try:
            return await self._create(chosen.quote_id)
        except Declined as no:
            if no.status == 409:
                self.doubtful = True
            return self._declined(no)

    def _declined(self, no: Declined) -> Verdict:
        if no.status in _FOR_GOOD and no.is_reasoned and not self.doubtful:
            return Never(f"the company refuses it: {told(no)}")
        return self.not_now(no)


async def look(client: PlatformClient, access: Access, errand: Errand, id: str) -> Verdict:
    """How a delivery goes that was placed as `id`, whatever happens.

    One that was cancelled here without the platform being asked is called off there first.
    """
    try:
        if errand.delivery.status is Status.CANCELLED:
            await _call_off(client, access, id)
        steps = [step(event) for event in await client.events(access, id)]
        status = steps[-1].status if steps else (await client.show(access, id)).status
        if status is None:
            raise InDoubt("its status is none that is known")
        return Seen(Report(status, steps))
    except CourierResting as resting:
        return Unseen(told(resting), resting.seconds)
    except Declined as no:
        if no.status == 404 and errand.trying_for >= GIVE_UP:
            return Lost("the company's platform does not know it any more")
        return Unseen(told(no), no.retry_in_seconds)  # a wrong key can be put right
    except CourierFailed as error:
        return Unseen(told(error))


async def _call_off(client: PlatformClient, access: Access, id: str) -> None:
    try:
        await client.cancel(access, id)
    except Declined as no:
        if no.status != 409:  # it is cancelled already, or has gone too far: its events will tell
            raise


def _placement(found: UpstreamDelivery) -> Placement:
    return Placement(found.id, found.delivery_pin, found.courier_fee_aoa)
