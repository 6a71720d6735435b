"""What a dialect's contract says there is, so that no path of it is forgotten."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.documents import document_in, resolved
from tests.edges import Call, Edge
from tests.serving import Server

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


@dataclass(frozen=True)
class Operation:
    """A method and a path of a contract.

    Attributes:
        name: as the document writes it, such as `GET /v1/things/{id}`.
        method: in capitals.
        path: with `{parameters}`, from the root of the server.
        is_public: whether it needs no key.
        takes_body: whether a request has a body that is read.
        needs_body: whether it must have one.
        examples: values for its parameters in the path, from the document.
        query: the names of its parameters in the query.
    """

    name: str
    method: str
    path: str
    is_public: bool
    takes_body: bool
    needs_body: bool
    examples: Mapping[str, str]
    query: tuple[str, ...]

    def call(self, edge: Edge, delivery_id: str, body: Any = None) -> Call:
        """A request for that delivery, where it is for one."""

        def value(found: re.Match[str]) -> str:
            name = found[1]
            return delivery_id if name in edge.delivery_parameters else self.examples[name]

        return Call(self.method, re.sub(r"\{(\w+)\}", value, self.path), body)


async def operations(server: Server, edge: Edge) -> list[Operation]:
    """All operations of the contract that the server shows."""
    shown = await server.request("GET", edge.contract)
    document = document_in(shown.body)
    base = document["servers"][0]["url"].rstrip("/")
    found: list[Operation] = []
    for template, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                own: list[Any] = item.get("parameters", []) + item[method].get("parameters", [])
                parameters = [resolved(document, each) for each in own]
                body = resolved(document, item[method].get("requestBody") or {})
                found.append(
                    Operation(
                        name=f"{method.upper()} {template}",
                        method=method.upper(),
                        path=base + template,
                        is_public=not item[method].get("security", document["security"]),
                        takes_body=bool(body),
                        needs_body=body.get("required", False),
                        examples={
                            each["name"]: str(_example(each))
                            for each in parameters
                            if each["in"] == "path"
                        },
                        query=tuple(each["name"] for each in parameters if each["in"] == "query"),
                    )
                )
    return found


def _example(parameter: dict[str, Any]) -> Any:
    return parameter.get("example", parameter.get("schema", {}).get("example", ""))
