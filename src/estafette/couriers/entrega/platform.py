"""What errands ask of a platform that speaks Entrega, between the core's words and its own."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from estafette.core.couriers.company import Offer
from estafette.core.couriers.upstream import Report
from estafette.core.deliveries.delivery import Delivery
from estafette.couriers.entrega.client import EntregaClient
from estafette.couriers.entrega.mapping import (
    cheapest,
    create_body,
    offer,
    placement,
    route,
    step,
)
from estafette.couriers.platforms.failures import InDoubt
from estafette.couriers.platforms.reach import Access
from estafette.couriers.platforms.slots import Manners
from estafette.usecases.couriers.dispatch import Placement
from estafette.usecases.platform import clock


class EntregaPlatform:
    """A `PlatformApi` for companies whose platform speaks Entrega."""

    def __init__(self, client: EntregaClient) -> None:
        """Asks through `client`."""
        self._client = client

    def manners(self, company_id: UUID) -> Manners:
        """Returns how the company's platform has behaved towards this process."""
        return self._client.calls.manners(company_id)

    async def find(self, access: Access, delivery_id: UUID, since: datetime) -> Placement | None:
        """The delivery there that names ours in its metadata, among those created since then."""
        found = await self._client.find(access, str(delivery_id), since)
        return found and placement(found)

    async def place(
        self, access: Access, delivery: Delivery, upstream: Mapping[str, Any]
    ) -> Placement:
        """Creates a delivery from the quote of an offer, under our id as the idempotency key."""
        body = create_body(delivery, upstream, clock())
        return placement(await self._client.create(access, body, str(delivery.id)))

    async def quote_again(
        self, access: Access, delivery: Delivery, upstream: Mapping[str, Any]
    ) -> Offer | None:
        """Returns the cheapest quote for what was quoted, now with whom to call at either end."""
        asked = route(delivery, upstream)
        found = await self._client.quotes(access, asked, delivery.scope.account_id)
        chosen = cheapest(found, clock())
        return chosen and offer(chosen, asked)

    async def report(self, access: Access, upstream_id: str) -> Report:
        """Returns its timeline; the delivery itself where that tells nothing."""
        steps = [step(event) for event in await self._client.events(access, upstream_id)]
        if steps:
            return Report(steps[-1].status, steps)
        status = (await self._client.show(access, upstream_id)).status
        if status is None:
            raise InDoubt("its status is none that is known")
        return Report(status, steps)

    async def call_off(self, access: Access, upstream_id: str) -> None:
        """Cancels it there."""
        await self._client.cancel(access, upstream_id)
