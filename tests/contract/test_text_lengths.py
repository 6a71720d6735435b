"""Every text that is read has a length, which its contract names.

The texts are found in the contracts and in the models, so that a new one is covered by being there.
"""

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import BaseModel

from estafette.couriers.entrega import schemas as remote
from estafette.couriers.sandbox.app import Advance
from estafette.dialects.entrega import schemas as entrega_schemas
from estafette.dialects.kaspi import schemas as kaspi_schemas
from tests.contract.operations import EVERY, Operation, document_of, texts_of
from tests.edges import EDGES, Edge
from tests.schemas import Document, TextField


def _models(module: Any) -> list[type[BaseModel]]:
    values: list[Any] = [getattr(module, name) for name in dir(module)]
    kinds = [each for each in values if isinstance(each, type) and issubclass(each, BaseModel)]
    return [each for each in kinds if each.__module__ == module.__name__]


@EVERY
def test_every_text_of_an_operation_has_a_length(operation: Operation) -> None:
    texts = [each for each in operation.fields() if not each.is_free]
    for parameter in operation.parameters:
        texts += operation.document.texts(parameter["schema"], (parameter["name"],))
    assert [str(each) for each in texts if each.longest is None] == []


_FORMATTED = {"date-time", "uuid"}  # whose reader knows how long they are


@pytest.mark.parametrize("model", [Advance, *_models(remote)], ids=lambda model: model.__name__)
def test_every_text_that_is_read_without_a_contract_has_a_length(model: type[BaseModel]) -> None:
    schema = model.model_json_schema()
    endless = [each for each in Document(schema).texts(schema) if each.longest is None]
    known = [each for each in endless if each.is_free or _is_formatted(schema, each)]
    assert [str(each) for each in endless if each not in known] == []


def _is_formatted(schema: Mapping[str, Any], field: TextField) -> bool:
    document = Document(schema)
    found = document.resolved(schema)
    for name in field.path:
        found = document.resolved(found["items"] if name == "0" else found["properties"][name])
    return found.get("format") in _FORMATTED


_BODIES = {
    "kaspi": (
        (kaspi_schemas.DeliveryRequest, "DeliveryRequest"),
        (kaspi_schemas.QuoteRequest, "QuoteRequest"),
        (kaspi_schemas.CancelRequest, "CancelRequest"),
        (kaspi_schemas.TestRequest, "TestWebhookRequest"),
    ),
    "entrega": (
        (entrega_schemas.QuoteRequest, "QuoteRequest"),
        (entrega_schemas.DeliveryRequest, "DeliveryRequest"),
    ),
}


@pytest.mark.parametrize("edge", EDGES, ids=str)
def test_the_lengths_of_the_contract_are_those_of_the_code(edge: Edge) -> None:
    root = document_of(edge.name)
    schemas = root["components"]["schemas"]
    for model, name in _BODIES[edge.name]:
        promised = {each.path: each.longest for each in Document(root).texts(schemas[name])}
        for each in texts_of(model):
            if each.path == ("type",):
                continue  # a word of a list in the contract
            assert each.path in promised, f"{name}.{each}"
            assert each.longest in (None, promised[each.path]), f"{name}.{each}"


def test_what_a_quote_binds_is_at_most_16_kib_of_text() -> None:
    for edge, name in ((EDGES[0], "QuoteRequest"), (EDGES[1], "QuoteRequest")):
        root = document_of(edge.name)
        fields = Document(root).texts(root["components"]["schemas"][name])
        assert sum(4 * (field.longest or 0) for field in fields) <= 16 * 1024
