"""Entrega's webhooks: the body, the signature, the schedule of retries."""

from typing import Any, Final

import orjson

from estafette.core.deliveries.delivery import Status
from estafette.dialects.entrega.words import CREATED, delivery_id, event_id, shown
from estafette.http.moments import timestamp
from estafette.webhooks.message import Message, Rendered
from estafette.webhooks.retry import RetrySchedule, doubling
from estafette.webhooks.signing import hmac_sha256_hex

SCHEDULE: Final = RetrySchedule(delays_seconds=doubling(60, 9), timeout_seconds=5, jitter=0.1)
"""Ten attempts: the waits between them are 1, 2, 4 … 256 minutes, each ±10 %."""

ORDER_SECONDS: Final = 600.0
"""For how many seconds a webhook waits for an earlier one of its delivery that is sent again.

In that time the earlier one has four attempts. The contract says nothing of the order; we send the
webhooks of a delivery one after another.
"""

_TEST_REFERENCE = "DLV-0000-00000"


class EntregaRenderer:
    """Writes and signs a webhook for one attempt; the body is the same on every one."""

    schedule = SCHEDULE
    order_seconds = ORDER_SECONDS

    def render(self, message: Message, now_unix_seconds: int) -> Rendered:
        """Returns the request for this attempt."""
        data: dict[str, Any] = {"status": _status(message)}
        if message.metadata:
            data["metadata"] = message.metadata
        id = event_id(message.event_id)
        body = orjson.dumps(
            {
                "id": id,
                "event": message.type,
                "occurred_at": timestamp(message.occurred_at),
                "delivery_id": delivery_id(message.delivery_id or message.event_id),
                "delivery_reference": _TEST_REFERENCE if message.is_test else message.reference,
                "data": data,
            }
        )
        signature = hmac_sha256_hex(message.secret.encode(), body)
        return Rendered(
            id,
            {"content-type": "application/json", "user-agent": "Entrega-Webhooks/1.0"},
            body,
            {"x-entrega-signature": f"sha256={signature}"},
        )


def _status(message: Message) -> str:
    """Returns the status after the event; for a test, the status that its type names."""
    if message.status is not None:
        return shown(message.status)
    return (
        shown(Status.PENDING) if message.type == CREATED else message.type.removeprefix("delivery.")
    )


RENDERER = EntregaRenderer()
