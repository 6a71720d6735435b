"""Entrega, spoken by Estafette."""

from estafette.dialects import DialectRecord, Ids, introduction
from estafette.dialects.entrega.app import build
from estafette.dialects.entrega.errors import PROBLEMS, errors
from estafette.dialects.entrega.mapping import DIALECT
from estafette.dialects.entrega.problem_pages import build_problem_pages
from estafette.dialects.entrega.webhooks import RENDERER
from estafette.dialects.entrega.words import delivery_id, id_on_webhook, parse_id

RECORD = DialectRecord(
    dialect=DIALECT,
    introduction=introduction(DIALECT.name),
    build=build,
    errors=errors,
    renderer=RENDERER,
    ids=Ids(delivery_id, parse_id, id_on_webhook),
    pages={PROBLEMS: build_problem_pages},
)
