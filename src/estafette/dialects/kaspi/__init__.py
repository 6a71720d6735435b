"""Kaspi Delivery, spoken by Estafette."""

from estafette.dialects import DialectRecord, Ids, introduction, later
from estafette.dialects.kaspi.mapping import DIALECT
from estafette.dialects.kaspi.webhooks import RENDERER
from estafette.dialects.kaspi.words import delivery_id, id_on_webhook, parse_id

RECORD = DialectRecord(
    dialect=DIALECT,
    introduction=introduction(DIALECT.name),
    build=later("estafette.dialects.kaspi.app:build"),
    errors=later("estafette.dialects.kaspi.errors:errors"),
    renderer=RENDERER,
    orders=later("estafette.dialects.kaspi.ordering:rules"),
    ids=Ids(delivery_id, parse_id, id_on_webhook),
)
