"""Entrega, spoken by Estafette."""

from estafette.dialects.entrega.app import build
from estafette.dialects.entrega.errors import Errors
from estafette.dialects.entrega.mapping import DIALECT
from estafette.dialects.entrega.problem_pages import build_problem_pages
from estafette.dialects.entrega.webhooks import RENDERER
from estafette.dialects.entrega.words import delivery_id, id_on_webhook, parse_id

__all__ = [
    "DIALECT",
    "RENDERER",
    "Errors",
    "build",
    "build_problem_pages",
    "delivery_id",
    "id_on_webhook",
    "parse_id",
]
