"""Our contract holds everything that Kaspi has published: paths, fields, enums, what is required.

The facts are in kaspi_published.json. Ours may say more, and never asks for more.
"""

import json
from pathlib import Path
from typing import Any, cast

import pytest

from estafette.core.sandbox.scenario import SCENARIOS
from estafette.dialects.kaspi import schemas, words
from estafette.dialects.kaspi.app import CONTRACT
from estafette.dialects.kaspi.errors import ERRORS
from tests.documents import document_in

_PUBLISHED: dict[str, Any] = json.loads(
    (Path(__file__).parent / "kaspi_published.json").read_text("utf-8")
)
_OURS = document_in(CONTRACT)
_SCHEMAS: dict[str, Any] = _OURS["components"]["schemas"]
_OPERATIONS: dict[str, Any] = {
    f"{method.upper()} {path}": operation
    for path, item in _OURS["paths"].items()
    for method, operation in item.items()
}


def _resolve(node: dict[str, Any]) -> dict[str, Any]:
    """A schema without a reference; of one that may be null too, what it is otherwise."""
    while "$ref" in node or "oneOf" in node:
        if "oneOf" in node:
            node, null = node["oneOf"]
            assert null == {"type": "null"}
            continue
        target: Any = _OURS
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


def _is(node: dict[str, Any], wanted: Any) -> bool:
    """Whether a schema is of the published type: a JSON type, a component, or an object of both."""
    if isinstance(wanted, dict):
        properties = _resolve(node)["properties"]
        fields = cast("dict[str, Any]", wanted)
        return all(_is(properties[name], type) for name, type in fields.items())
    if wanted.startswith("array of "):
        resolved = _resolve(node)
        return resolved["type"] == "array" and _is(resolved["items"], wanted[len("array of ") :])
    if wanted in _SCHEMAS:
        return _resolve(node) == _SCHEMAS[wanted]
    type = _resolve(node)["type"]
    return wanted in type if isinstance(type, list) else wanted == type


@pytest.mark.parametrize("name", _PUBLISHED["schemas"])
def test_schema_has_every_published_field(name: str) -> None:
    published = _PUBLISHED["schemas"][name]
    ours = _SCHEMAS[name]
    for field, wanted in published["properties"].items():
        assert _is(ours["properties"][field], wanted), field
    if "required" in published:
        assert set(ours["required"]) == set(published["required"])


@pytest.mark.parametrize("name", _PUBLISHED["operations"])
def test_operation_is_as_published(name: str) -> None:
    published, ours = _PUBLISHED["operations"][name], _OPERATIONS[name]
    assert ours["operationId"] == published["operationId"]
    assert ours["tags"] == published["tags"]
    parameters = {
        f"{found['in']} {found['name']}": found for found in map(_resolve, ours["parameters"])
    }
    for parameter, facts in published["parameters"].items():
        assert parameters[parameter]["required"] is facts["required"]
        assert parameters[parameter]["schema"]["type"] == facts["type"]
        assert parameters[parameter]["schema"].get("default") == facts.get("default")
    added = set(parameters) - set(published["parameters"])
    assert not any(parameters[parameter]["required"] for parameter in added)


@pytest.mark.parametrize("name", _PUBLISHED["operations"])
def test_request_is_as_published(name: str) -> None:
    published = _PUBLISHED["operations"][name].get("request")
    if published is None:
        assert "requestBody" not in _OPERATIONS[name]
        return
    body = _OPERATIONS[name]["requestBody"]
    schema = body["content"]["application/json"]["schema"]
    assert body["required"] is published["required"]
    if "schema" in published:
        assert _is(schema, published["schema"])
        return
    assert _is(schema, published["properties"])
    assert "required" not in _resolve(schema)
    for field, values in published.get("enums", {}).items():
        assert _resolve(_resolve(schema)["properties"][field])["enum"] == values


@pytest.mark.parametrize("name", _PUBLISHED["operations"])
def test_responses_are_as_published(name: str) -> None:
    ours = _OPERATIONS[name]["responses"]
    for status, wanted in _PUBLISHED["operations"][name]["responses"].items():
        if isinstance(wanted, str) and wanted in _PUBLISHED["errors"]:
            assert ours[status]["$ref"] == f"#/components/responses/{wanted}"
        elif wanted is not None:
            content = _resolve(ours[status])["content"]["application/json"]
            assert _is(content["schema"], wanted)


@pytest.mark.parametrize("name", _PUBLISHED["errors"])
def test_error_is_as_published(name: str) -> None:
    content = _OURS["components"]["responses"][name]["content"]["application/json"]
    assert content["example"] == _PUBLISHED["errors"][name]
    assert _is(content["schema"], "ErrorResponse")


def test_rate_limit_names_its_header() -> None:
    headers = _OURS["components"]["responses"]["RateLimited"]["headers"]
    assert headers[_PUBLISHED["rate_limit_header"]]["schema"]["type"] == "integer"


def test_key_and_title_are_as_published() -> None:
    assert _OURS["info"]["title"] == _PUBLISHED["title"]
    assert _OURS["openapi"].startswith("3.1.")
    scheme = _OURS["components"]["securitySchemes"]["ApiKeyAuth"]
    assert scheme == {"type": "apiKey", "in": "header", "name": _PUBLISHED["security_header"]}


def test_webhook_is_as_published() -> None:
    published = _PUBLISHED["webhook"]
    body = _OURS["webhooks"][published["name"]]["post"]["requestBody"]
    assert _is(body["content"]["application/json"]["schema"], published["schema"])


def test_statuses_are_the_published_ones_and_no_others() -> None:
    assert _SCHEMAS["DeliveryStatus"]["enum"] == _PUBLISHED["statuses"]
    assert list(words.STATUSES) == _PUBLISHED["statuses"]
    assert _SCHEMAS["WebhookType"]["enum"] == list(words.TYPES)


# The contract and the code say the same


def test_limits_are_those_of_the_code() -> None:
    assert _SCHEMAS["Parcel"]["properties"]["description"]["maxLength"] == schemas.TEXT_LIMIT
    assert _SCHEMAS["WeightGrams"]["maximum"] == schemas.WEIGHT_LIMIT
    assert _SCHEMAS["ValueKzt"]["maximum"] == schemas.VALUE_LIMIT


@pytest.mark.parametrize("name", _OPERATIONS)
def test_every_refusal_of_an_operation_is_documented(name: str) -> None:
    """By what the operation does: shows a key, reads a body, names a delivery."""
    operation = _OPERATIONS[name]
    wanted = {"500"}
    if operation.get("security") != []:
        wanted |= {"401", "403", "429"}
    if "requestBody" in operation:
        wanted |= {"400", "413", "415"}
    if "{deliveryId}" in name:
        wanted |= {"404"}
    assert wanted <= set(operation["responses"])
    for response in map(_resolve, operation["responses"].values()):
        assert "X-Request-Id" in response["headers"]


def test_every_code_of_the_dialect_is_in_the_contract() -> None:
    known = {*_SCHEMAS["ErrorCode"]["enum"], "invalid_request"}
    written = {json.loads(ERRORS.words(status).body)["code"] for status in (400, 500)}
    assert written <= known


def test_changelog_begins_with_this_version() -> None:
    newest = _OURS["info"]["x-changelog"][0]
    assert newest["version"] == _OURS["info"]["version"]


def test_scenarios_in_the_contract_exist() -> None:
    mentioned = set(CONTRACT.replace("`", " ").split()) & {f"sandbox:{name}" for name in SCENARIOS}
    assert mentioned
