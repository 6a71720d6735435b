"""The contracts as documents: examples that fit, and nothing that generators of clients break on.

`make clients` tries the generators themselves; here is what was learned from them, as rules.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple, cast

import jsonschema_rs
import pytest

from tests.documents import document_of, resolved
from tests.edges import EDGES, Edge

_DOCUMENTS = {edge.name: document_of(edge.name) for edge in EDGES}
_METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}

_WORDS = {
    *("$ref", "type", "format", "title", "description", "default", "example", "examples"),
    *("enum", "const", "pattern", "minLength", "maxLength", "minimum", "maximum", "multipleOf"),
    *("exclusiveMinimum", "exclusiveMaximum", "items", "minItems", "maxItems", "uniqueItems"),
    *("properties", "additionalProperties", "propertyNames", "required"),
    *("dependentRequired", "dependentSchemas"),
    *("minProperties", "maxProperties", "allOf", "anyOf", "oneOf", "not", "if", "then", "else"),
    *("discriminator", "deprecated", "readOnly", "writeOnly", "contentMediaType"),
}
"""Those of schemas, by JSON Schema 2020-12 and OpenAPI 3.1."""


class _Place(NamedTuple):
    """A value of a document, and the keys that lead to it."""

    path: tuple[str, ...]
    value: Any

    def __str__(self) -> str:
        return "/".join(self.path)


def _places(value: Any, path: tuple[str, ...] = ()) -> Iterator[_Place]:
    """All values of a document, less those of examples, which are no part of its form."""
    yield _Place(path, value)
    members: Iterator[tuple[Any, Any]] = iter(())
    if isinstance(value, dict):
        members = iter(cast("dict[str, Any]", value).items())
    elif isinstance(value, list):
        members = iter(enumerate(cast("list[Any]", value)))
    for name, member in members:
        if name not in ("example", "examples") or path[-1:] == ("properties",):
            yield from _places(member, (*path, str(name)))


def _schemas(document: dict[str, Any]) -> list[_Place]:
    """All schemas, those within others included."""
    keys = {"schema", "items", "additionalProperties"}
    found: list[_Place] = []
    for place in _places(document):
        before = place.path[:-1]
        is_schema = place.path[-1:] and (
            before == ("components", "schemas")
            or place.path[-1] in keys
            or before[-1:] in (("properties",), ("oneOf",))
        )
        if is_schema and isinstance(place.value, dict):
            found.append(place)
    return found


def _operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{kind} {method} {name}", operation)
        for kind in ("paths", "webhooks")
        for name, item in document[kind].items()
        for method, operation in item.items()
        if method in _METHODS
    ]


@pytest.fixture(params=EDGES, ids=str)
def edge(request: pytest.FixtureRequest) -> Edge:
    """Each dialect in turn."""
    return request.param


@pytest.fixture
def document(edge: Edge) -> dict[str, Any]:
    """Its contract."""
    return _DOCUMENTS[edge.name]


def _examples(document: dict[str, Any]) -> Iterator[tuple[_Place, Any]]:
    """Every example: where it is, with what it should fit; and the example."""
    for place in _places(document):
        if not isinstance(place.value, dict) or place.path[-1:] == ("properties",):
            continue
        value = cast("dict[str, Any]", place.value)
        schema = value.get("schema", value)
        if "example" in value:
            yield _Place(place.path, schema), value["example"]
        examples = value.get("examples")
        if isinstance(examples, dict):
            for each in cast("dict[str, Any]", examples).values():
                yield _Place(place.path, schema), each["value"]
    for place in _schemas(document):
        if "default" in place.value:
            yield place, place.value["default"]


def test_every_example_and_every_default_fits_its_schema(document: dict[str, Any]) -> None:
    found = list(_examples(document))
    assert len(found) > 15
    for place, example in found:
        schema = {**place.value, "components": document["components"]}
        value = json.loads(json.dumps(example))
        validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
        problems = [error.message for error in validator.iter_errors(value)]
        assert problems == [], str(place)


def test_an_example_that_does_not_fit_is_found() -> None:
    schema = {"type": "array", "items": {"type": "string", "format": "date-time"}}
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    assert not validator.is_valid(["yesterday"])
    assert validator.is_valid(["2026-11-22T09:30:00Z"])


def test_operations_have_names_of_their_own_that_programs_can_have(
    document: dict[str, Any],
) -> None:
    names = [operation["operationId"] for _, operation in _operations(document)]
    assert len({name.lower() for name in names}) == len(names)
    for name in names:
        assert re.fullmatch(r"[a-z][A-Za-z0-9]+", name)


def test_operations_say_what_they_are(document: dict[str, Any]) -> None:
    """A webhook has no tag: generators make a class of each, and one makes a class of both kinds
    twice, the second over the first."""
    known = {tag["name"] for tag in document["tags"]}
    for name, operation in _operations(document):
        assert operation["summary"], name
        assert operation["description"], name
        tags = operation.get("tags", [])
        assert len(tags) == (0 if name.startswith("webhooks") else 1), name
        assert set(tags) <= known, name
    assert document["info"]["contact"]
    assert document["info"]["license"]


def test_links_hold_texts_alone(document: dict[str, Any]) -> None:
    """The reader of openapi-generator refuses the whole document otherwise."""
    links = [place for place in _places(document) if place.path[-2:-1] == ("links",)]
    assert links
    names = {operation["operationId"] for _, operation in _operations(document)}
    for place in links:
        assert isinstance(place.value.get("requestBody", ""), str), str(place)
        assert place.value["operationId"] in names, str(place)
        for value in place.value.get("parameters", {}).values():
            assert value.startswith("$"), str(place)


def test_every_object_and_every_list_of_words_has_a_name(document: dict[str, Any]) -> None:
    """Else generators make names up, such as InlineObject, which change with the document."""
    for place in _schemas(document):
        has_name = place.path[:-1] == ("components", "schemas")
        parameter = place.path[-3:-2] == ("parameters",) or "headers" in place.path
        if place.value.get("type") == "object":
            assert has_name, str(place)
        if len(place.value.get("enum", ())) > 1:
            assert has_name or parameter, str(place)


def test_lists_of_words_are_written_once(document: dict[str, Any]) -> None:
    words = [
        tuple(place.value["enum"])
        for place in _schemas(document)
        if len(place.value.get("enum", ())) > 1
    ]
    assert words
    assert len(set(words)) == len(words)


def test_words_of_lists_are_texts(document: dict[str, Any]) -> None:
    """Of a list with `true` alone, openapi-generator makes one of the text "true"."""
    for place in _schemas(document):
        if not {"if", "then"} & set(place.path):
            words = [*place.value.get("enum", ()), place.value.get("const", "")]
            assert all(isinstance(word, str) for word in words), str(place)


def test_null_is_written_in_two_ways_and_no_choices_are_left_to_generators(
    document: dict[str, Any],
) -> None:
    """Of what is written where it is: a type and null; of what has a name: it, or null."""
    kinds = 0
    for place in _schemas(document):
        value: dict[str, Any] = place.value
        assert not {"allOf", "anyOf", "not", "nullable", "discriminator"} & value.keys(), str(place)
        if "oneOf" in value:
            named, null = value["oneOf"]
            assert set(named) == {"$ref"}, str(place)
            assert null == {"type": "null"}, str(place)
            kinds += 1
        if isinstance(value.get("type"), list):
            _, null = value["type"]
            assert null == "null", str(place)
            assert "enum" not in value, str(place)
        if "$ref" in value:
            assert set(value) == {"$ref"}, str(place)
    assert kinds > 2


def test_objects_say_what_is_in_them_and_lists_too(document: dict[str, Any]) -> None:
    """An object of which nothing is said is one without members to openapi-typescript."""
    for place in _schemas(document):
        kinds = place.value.get("type", ())
        if "object" in kinds:
            assert {"properties", "additionalProperties"} & place.value.keys(), str(place)
        if "array" in kinds:
            assert isinstance(place.value["items"], dict), str(place)
        required = set(place.value.get("required", ()))
        assert required <= set(place.value.get("properties", required)), str(place)


def test_texts_of_a_form_that_have_a_name_have_an_example(document: dict[str, Any]) -> None:
    for place in _schemas(document):
        if place.path[:-1] == ("components", "schemas") and "pattern" in place.value:
            assert "example" in place.value, str(place)


@pytest.mark.parametrize("name", [*_DOCUMENTS, "operator"])
def test_schemas_are_written_in_words_of_openapi(name: str) -> None:
    """A word that is none is passed over by every reader, and so bounds nothing."""
    words = {word for place in _schemas(document_of(name)) for word in place.value}
    assert {word for word in words if not word.startswith("x-")} <= _WORDS


def test_formats_are_those_that_are_known(document: dict[str, Any]) -> None:
    """What a generator does not know it takes for a text, which a phone number is."""
    formats = {place.value["format"] for place in _schemas(document) if "format" in place.value}
    assert formats <= {"date-time", "uri", "uuid", "phone", "int64"}


def test_whole_numbers_that_may_be_long_say_so(document: dict[str, Any]) -> None:
    """Else they are of 32 bits in Go and Java."""
    long = 0
    for place in _schemas(document):
        if {"if", "then"} & set(place.path):
            continue  # what is said there is said besides
        name = place.path[-1]
        is_money = name.endswith(("_aoa", "Kzt", "Kwanza")) and "integer" in place.value.get(
            "type", ()
        )
        if is_money or place.value.get("maximum", 0) > 2**31 - 1:
            assert place.value["format"] == "int64", str(place)
            long += 1
    assert long


def test_every_error_is_typed(edge: Edge, document: dict[str, Any]) -> None:
    kind = {"kaspi": "application/json", "entrega": "application/problem+json"}[edge.name]
    for name, operation in _operations(document):
        if name.startswith("webhooks"):
            continue
        statuses = {status for status in operation["responses"] if status >= "400"}
        assert "429" in statuses, name
        assert "500" in statuses, name
        for status in statuses:
            answer = resolved(document, operation["responses"][status])
            assert list(answer["content"]) == [kind], (name, status)
            assert "$ref" in answer["content"][kind]["schema"], (name, status)


def test_every_answer_has_a_schema(document: dict[str, Any]) -> None:
    for place in _places(document):
        if place.path[-2:-1] == ("content",):
            assert place.value["schema"], str(place)


def test_parameters_say_how_lists_are_sent(document: dict[str, Any]) -> None:
    lists = 0
    for place in _places(document):
        parameter = cast("dict[str, Any]", place.value)
        if not isinstance(place.value, dict) or not {"in", "schema"} <= parameter.keys():
            continue
        assert parameter["description"], str(place)
        if resolved(document, parameter["schema"]).get("type") == "array":
            assert (parameter["style"], parameter["explode"]) == ("form", False)
            lists += 1
    assert lists
