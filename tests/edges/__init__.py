"""The edges of Estafette for tests: each dialect described once, and a server to call them on.

Suites that hold for every dialect (idempotency, isolation, hostile input) take the parameter
`edge` from `EDGES` and speak of requests in its terms:

    @pytest.mark.parametrize("edge", EDGES, ids=str)
    async def test_something(edge: Edge, server: Server) -> None:
        tenant = await server.tenant(edge)
        answer = await tenant.post(edge.create_path, edge.body("order-1"))

`tests.serving.running` gives the server.
"""

from tests.edges.edge import Ask, Belongings, Call, Edge, Heard, Reach
from tests.edges.entrega import ENTREGA
from tests.edges.kaspi import KASPI

EDGES = (KASPI, ENTREGA)
"""All dialects."""

__all__ = [
    "EDGES",
    "ENTREGA",
    "KASPI",
    "Ask",
    "Belongings",
    "Call",
    "Edge",
    "Heard",
    "Reach",
]
