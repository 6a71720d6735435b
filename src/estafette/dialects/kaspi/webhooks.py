"""Kaspi's webhooks: the body, the signature, the schedule of retries."""

from typing import Final

import orjson

from estafette.dialects.kaspi.words import delivery_id, id_on_webhook
from estafette.http.moments import timestamp
from estafette.webhooks.message import Message, Rendered
from estafette.webhooks.retry import RetrySchedule, doubling
from estafette.webhooks.signing import hmac_sha256_hex

SCHEDULE: Final = RetrySchedule(
    delays_seconds=doubling(60, 10),
    timeout_seconds=5,
    jitter=0.1,
    last_attempt_seconds=24 * 60 * 60,
)
"""1, 2, 4 … 512 minutes, each ±10 %, and a last attempt after 24 hours."""


class KaspiRenderer:
    """Writes and signs a webhook for one attempt."""

    schedule = SCHEDULE
    order_seconds = 0.0  # as published, each webhook is sent, and sent again, by itself

    def render(self, message: Message, now_unix_seconds: int) -> Rendered:
        """Returns the request for this attempt: receivers refuse timestamps over 5 minutes old."""
        id = message.event_id
        shown = id_on_webhook(id, message.ordinal, is_test=message.is_test)
        body = orjson.dumps(
            {
                "eventId": shown,
                "type": message.type,
                "attempt": message.attempt,
                "data": {
                    "deliveryId": delivery_id(message.delivery_id or id),
                    "externalOrderId": _order(message),
                    "status": message.type.removeprefix("delivery."),
                    "timestamp": timestamp(message.occurred_at),
                },
            }
        )
        signed = b"%d.%b" % (now_unix_seconds, body)
        return Rendered(
            shown,
            {"Content-Type": "application/json", "User-Agent": "Estafette"},
            body,
            {
                "X-Kaspi-Timestamp": str(now_unix_seconds),
                "X-Kaspi-Signature": hmac_sha256_hex(message.secret.encode(), signed),
            },
        )


def _order(message: Message) -> str:
    if message.is_test:
        return "test-order"  # a test has no delivery
    return message.external_ref or ""


RENDERER = KaspiRenderer()
