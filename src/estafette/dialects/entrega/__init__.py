"""Entrega, spoken by Estafette."""

from estafette.dialects import DialectRecord, Ids, introduction, later
from estafette.dialects.entrega.mapping import DIALECT
from estafette.dialects.entrega.webhooks import RENDERER
from estafette.dialects.entrega.words import PROBLEMS, delivery_id, id_on_webhook, parse_id

RECORD = DialectRecord(
    dialect=DIALECT,
    introduction=introduction(DIALECT.name),
    build=later("estafette.dialects.entrega.app:build"),
    errors=later("estafette.dialects.entrega.errors:errors"),
    renderer=RENDERER,
    orders=later("estafette.dialects.entrega.ordering:rules"),
    ids=Ids(delivery_id, parse_id, id_on_webhook),
    pages={PROBLEMS: later("estafette.dialects.entrega.problem_pages:build_problem_pages")},
)
