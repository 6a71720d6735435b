"""Every operation of every contract, with a plain request and the texts that it takes."""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel

from tests.documents import document_of
from tests.edges import EDGES, Edge
from tests.schemas import Document, TextField
from tests.serving import Answer, Server, Tenant

SECRET = "whsec-x"
"""What other platforms sign with here."""


@dataclass(frozen=True)
class Call:
    """A request, and how it is refused in its API's shape."""

    method: str
    path: str
    body: Any
    headers: Mapping[str, str]
    edge: Edge | None = None

    async def send(self, server: Server, **changes: Any) -> Answer:
        """Sends it with another path, body or headers; a body is sent as raw UTF-8."""
        told = {**self.__dict__, **changes}
        data = told["body"]
        if data is not None and not isinstance(data, bytes):
            data = json.dumps(data, ensure_ascii=False).encode()
        headers = {**self.headers, **changes.get("headers", {})}
        if "/upstream/" in self.path and data is not None:
            digest = hmac.new(SECRET.encode(), data, hashlib.sha256).hexdigest()
            headers.setdefault("x-entrega-signature", f"sha256={digest}")
        return await server.request(self.method, told["path"], data, headers)


def texts_of(model: type[BaseModel]) -> list[TextField]:
    """The texts of a model that is read without a contract, or that is held against one."""
    schema = model.model_json_schema(by_alias=True)
    return list(Document(schema).texts(schema))


@dataclass(frozen=True)
class Operation:
    """An operation of a contract, with what may be put into it."""

    edge: Edge
    name: str
    parameters: tuple[Mapping[str, Any], ...]
    body: Mapping[str, Any] | None
    document: Document

    def __str__(self) -> str:
        return f"{self.edge}-{self.name}"

    def call(self, tenant: Tenant, id: str) -> Call:
        """A plain request of it."""
        method, template = self.name.split(" ", 1)
        path = template
        for each in self.parameters:
            if each["in"] == "path":
                own = each["name"] in self.edge.delivery_parameters
                value = id if own else str(each.get("example", "x"))
                path = path.replace(f"{{{each['name']}}}", value)
        body = None if self.body is None else self.document.sample(self.body)
        headers = tenant.authorization(self.name)
        return Call(method, self.edge.base + path, body, headers, self.edge)

    def fields(self) -> list[TextField]:
        """The texts of its body."""
        return [] if self.body is None else list(self.document.texts(self.body))


def _operations() -> Iterator[Operation]:
    for edge in EDGES:
        root = document_of(edge.name)
        document = Document(root)
        for path, item in root["paths"].items():
            for method, operation in item.items():
                if method == "parameters":
                    continue
                own = (*item.get("parameters", ()), *operation.get("parameters", ()))
                body = document.resolved(operation.get("requestBody", {})).get("content", {})
                yield Operation(
                    edge,
                    f"{method.upper()} {path}",
                    tuple(document.resolved(each) for each in own),
                    next(iter(body.values()))["schema"] if body else None,
                    document,
                )


OPERATIONS = list(_operations())
EVERY = pytest.mark.parametrize("operation", OPERATIONS, ids=str)
"""Marks a test that is made for each of them."""
