"""Kaspi Delivery, spoken by Estafette."""

from estafette.dialects.kaspi.app import build
from estafette.dialects.kaspi.errors import fallback
from estafette.dialects.kaspi.mapping import DIALECT
from estafette.dialects.kaspi.webhooks import RENDERER
from estafette.dialects.kaspi.words import delivery_id, id_on_webhook, parse_delivery_id

__all__ = [
    "DIALECT",
    "RENDERER",
    "build",
    "delivery_id",
    "fallback",
    "id_on_webhook",
    "parse_delivery_id",
]
