"""Kaspi Delivery, spoken by Estafette."""

from estafette.dialects import DialectRecord, Ids, introduction
from estafette.dialects.kaspi.app import build
from estafette.dialects.kaspi.errors import errors
from estafette.dialects.kaspi.mapping import DIALECT
from estafette.dialects.kaspi.webhooks import RENDERER
from estafette.dialects.kaspi.words import delivery_id, id_on_webhook, parse_id

RECORD = DialectRecord(
    dialect=DIALECT,
    introduction=introduction(DIALECT.name),
    build=build,
    errors=errors,
    renderer=RENDERER,
    ids=Ids(delivery_id, parse_id, id_on_webhook),
)
