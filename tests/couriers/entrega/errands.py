"""Errands at other platforms, as a worker would run them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from estafette.core.accounts.account import Mode, Scope
from estafette.core.couriers.company import Company, Connector
from estafette.core.deliveries.delivery import Delivery, Parcel, Progress, Status, Stop
from estafette.core.ids import new_id
from estafette.couriers.entrega import EntregaClient, EntregaPlatform
from estafette.couriers.platforms import Access
from estafette.couriers.platforms.errands import Placing, Verdict, look
from estafette.usecases.couriers.dispatch import Errand
from tests.couriers.stage import access, asked, delivery, told
from tests.receivers import Behaviour, Receiver
from tests.usecases.angola import ENTREGA

NOW = datetime.now(UTC)
A_WHILE = timedelta(minutes=5)
"""How long it has been in doubt whether a creation arrived."""

BODY: dict[str, Any] = {
    "origin": {"address_line": "Rua 1", "city": "Luanda", "province": "Luanda"},
    "destination": {"address_line": "Rua 2", "city": "Luanda", "province": "Luanda"},
    "parcel": {"weight_grams": 5},
}
"""What the company's quote binds."""

COMPANY = Company(new_id(), "AO", None, "Far", "far", Connector.REMOTE, "Africa/Luanda")


def errand(delivery_changes: dict[str, Any] | None = None, **changes: Any) -> Errand:
    """The first try to place a delivery that costs 700 there."""
    fields: dict[str, Any] = {
        "id": new_id(),
        "scope": Scope(new_id(), Mode.LIVE),
        "progress": Progress(Status.PENDING, Status.PENDING),
        "pickup": Stop("Rua 1"),
        "dropoff": Stop("Rua 2"),
        "parcel": Parcel(5),
        "fee": 800,
        "company_fee": 700,
        "pickup_by": NOW,
        "deliver_by": NOW,
        "created_at": NOW,
        "updated_at": NOW,
        "metadata": {"the merchant's": "own"},
        **(delivery_changes or {}),
    }
    first = Errand(
        company=COMPANY,
        delivery=Delivery(**fields),
        dialect=ENTREGA,
        attempt=1,
        upstream={"quote_id": "quote-1", **BODY},
        upstream_id=None,
        doubt=None,
        first_tried_at=NOW,
        trying_for=timedelta(),
        seen=None,
        polls=0,
        recalled=False,
    )
    return replace(first, **changes)


async def place(client: EntregaClient, platform: Receiver, wanted: Errand) -> Verdict:
    """What comes of placing a delivery at a platform."""
    return await Placing(EntregaPlatform(client), access(platform), wanted).place()


async def looked(client: EntregaClient, at: Access, given: Errand, id: str) -> Verdict:
    """What comes of looking at a delivery by its id there."""
    return await look(EntregaPlatform(client), at, given, id)


def calls(platform: Receiver) -> list[str]:
    """What a platform was asked, in order."""
    return [asked(request) for request in platform.requests]


def created(wanted: Errand, **changes: Any) -> Behaviour:
    """Answers as to a creation for an errand."""
    return told({"data": delivery(str(wanted.delivery.id), id="theirs", **changes)}, 201)
