"""Companies whose platform speaks Entrega: asked for quotes, and to call off."""

import asyncio

from estafette.core.accounts.account import Mode
from estafette.core.couriers.company import Company, CourierFailed, Offer, QuoteRequest
from estafette.core.couriers.upstream import Recalled
from estafette.core.deliveries.delivery import Status
from estafette.couriers.entrega.client import EntregaClient
from estafette.couriers.entrega.mapping import cheapest, offer, quote_body
from estafette.couriers.platforms.failures import Declined, InDoubt, Late, failure_text
from estafette.couriers.platforms.reach import Reach
from estafette.logs import Logger
from estafette.usecases.platform import clock

_log = Logger()


class EntregaCourier:
    """A `Courier` for companies that a platform which speaks Entrega quotes and carries for."""

    waits = True

    def __init__(self, client: EntregaClient, reach: Reach) -> None:
        """Asks through `client`."""
        self._client = client
        self._reach = reach

    async def quote(self, company: Company, wanted: QuoteRequest) -> Offer | None:
        """Returns the cheapest that the platform offers; None when it does not carry that.

        Raises CourierFailed, CourierResting among them, and TimeoutError when it is too slow.
        """
        access = await self._reach(company, wanted.mode)
        if access is None:
            return None  # without a key for the mode there is nobody to ask
        body = quote_body(wanted)
        try:
            found = await self._client.quotes(access, body, wanted.account_id)
        except Late:
            raise TimeoutError from None
        chosen = cheapest(found, clock())
        if chosen is None and found:
            raise InDoubt("its quotes have all expired: is a clock wrong, here or there?")
        return chosen and offer(chosen, body)

    async def recall(self, company: Company, mode: Mode, upstream_id: str) -> Recalled:
        """Calls a delivery off there, in a hurry. Raises nothing."""
        try:
            async with asyncio.timeout(self._client.hurry_seconds):
                return await self._recall(company, mode, upstream_id)
        except (CourierFailed, TimeoutError) as error:
            _log.warning("recall_failed", company=company.slug, reason=failure_text(error))
            return Recalled.UNKNOWN

    async def _recall(self, company: Company, mode: Mode, upstream_id: str) -> Recalled:
        access = await self._reach(company, mode)
        if access is None:
            raise CourierFailed("it is not connected in this mode")
        try:
            found = await self._client.cancel(access, upstream_id)
            refused = False
        except Declined as no:
            if no.status != 409:
                raise
            found = await self._client.show(access, upstream_id)  # it may have been before
            refused = True
        if found.status is Status.CANCELLED:
            return Recalled.CANCELLED
        return Recalled.REFUSED if refused else Recalled.UNKNOWN
