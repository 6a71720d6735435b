"""Every text of every request has a length.

The fields are found in the contracts and in the models, so that a new one is covered by being
there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from estafette.couriers.remote import schemas as remote
from estafette.couriers.sandbox.app import Advance
from estafette.dialects import entrega, kaspi
from estafette.dialects.entrega import schemas as entrega_schemas
from estafette.dialects.kaspi import schemas as kaspi_schemas
from tests.edges import EDGES, Edge
from tests.schemas import Document, TextField

# What is walked


def _document(edge: Edge) -> dict[str, Any]:
    contracts = {"kaspi": kaspi, "entrega": entrega}
    app = import_module(f"{contracts[edge.name].__name__}.app")
    return yaml.safe_load(app.CONTRACT)


@dataclass(frozen=True)
class _Operation:
    """An operation of a contract, with what may be put into it."""

    edge: Edge
    name: str
    parameters: tuple[Mapping[str, Any], ...]
    body: Mapping[str, Any] | None
    document: Document

    def __str__(self) -> str:
        return f"{self.edge}-{self.name}"

    def fields(self) -> list[TextField]:
        """The texts of its body."""
        return [] if self.body is None else list(self.document.texts(self.body))


def _operations() -> Iterator[_Operation]:
    for edge in EDGES:
        root = _document(edge)
        document = Document(root)
        for path, item in root["paths"].items():
            for method, operation in item.items():
                if method == "parameters":
                    continue
                own = (*item.get("parameters", ()), *operation.get("parameters", ()))
                body = document.resolved(operation.get("requestBody", {})).get("content", {})
                yield _Operation(
                    edge,
                    f"{method.upper()} {path}",
                    tuple(document.resolved(each) for each in own),
                    next(iter(body.values()))["schema"] if body else None,
                    document,
                )


OPERATIONS = list(_operations())
_EVERY = pytest.mark.parametrize("operation", OPERATIONS, ids=str)


def _models(module: Any) -> list[type[BaseModel]]:
    values: list[Any] = [getattr(module, name) for name in dir(module)]
    kinds = [each for each in values if isinstance(each, type) and issubclass(each, BaseModel)]
    return [each for each in kinds if each.__module__ == module.__name__]


def _texts(model: type[BaseModel]) -> list[TextField]:
    schema = model.model_json_schema(by_alias=True)
    return list(Document(schema).texts(schema))


# Every text has a length


@_EVERY
def test_every_text_of_an_operation_has_a_length(operation: _Operation) -> None:
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
    root = _document(edge)
    schemas = root["components"]["schemas"]
    for model, name in _BODIES[edge.name]:
        promised = {each.path: each.longest for each in Document(root).texts(schemas[name])}
        for each in _texts(model):
            if each.path == ("type",):
                continue  # a word of a list in the contract
            assert each.path in promised, f"{name}.{each}"
            assert each.longest in (None, promised[each.path]), f"{name}.{each}"


def test_what_a_quote_binds_is_at_most_16_kib_of_text() -> None:
    for edge, name in ((EDGES[0], "QuoteRequest"), (EDGES[1], "QuoteRequest")):
        root = _document(edge)
        fields = Document(root).texts(root["components"]["schemas"][name])
        assert sum(4 * (field.longest or 0) for field in fields) <= 16 * 1024
