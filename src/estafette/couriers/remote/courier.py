"""Companies with a platform of their own: asked for quotes over HTTP."""

from collections.abc import Awaitable, Callable

from estafette.core.account import Mode
from estafette.core.courier import Company, Offer, QuoteRequest
from estafette.couriers.remote.client import Access, PlatformClient
from estafette.couriers.remote.errors import InDoubt, Late
from estafette.couriers.remote.mapping import cheapest, offer, quote_body
from estafette.usecases.platform import clock

Reach = Callable[[Company, Mode], Awaitable[Access | None]]
"""Finds how a company is reached in a mode; None: it is not connected for that."""


class RemoteCourier:
    """A `Courier` for companies that another platform quotes, carries and tells of."""

    waits = True

    def __init__(self, client: PlatformClient, reach: Reach) -> None:
        """Asks through `client`."""
        self._client = client
        self._reach = reach

    async def quote(self, company: Company, wanted: QuoteRequest) -> Offer | None:
        """The cheapest that the platform offers; None when it does not carry that.

        Raises CourierFailed, CourierResting among them, and TimeoutError when it is too slow.
        """
        access = await self._reach(company, wanted.mode)
        if access is None:
            return None  # without a key for the mode there is nobody to ask
        body = quote_body(wanted)
        try:
            found = await self._client.quotes(access, body)
        except Late:
            raise TimeoutError from None
        chosen = cheapest(found, clock())
        if chosen is None and found:
            raise InDoubt("its quotes have all expired: is a clock wrong, here or there?")
        return chosen and offer(chosen, body)
