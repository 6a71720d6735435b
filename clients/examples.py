"""The examples of a contract, in the words of generated clients."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple, cast

from tests.schemas import Document


class Example(NamedTuple):
    """A JSON value, and the name of the schema that it is of."""

    schema: str
    value: Any


def examples(contract: dict[str, Any]) -> list[Example]:
    """Return the examples of all bodies, and one of each object that has a name."""
    document = Document(contract)
    schemas: dict[str, dict[str, Any]] = contract["components"]["schemas"]
    whole = [
        Example(name, document.sample(schema))
        for name, schema in schemas.items()
        if schema.get("type") == "object" and "properties" in schema
    ]
    return [*whole, *_of_bodies(contract)]


def _of_bodies(value: Any) -> Iterator[Example]:
    if isinstance(value, list):
        for each in cast("list[Any]", value):
            yield from _of_bodies(each)
    if not isinstance(value, dict):
        return
    node = cast("dict[str, Any]", value)
    reference: str = node.get("schema", {}).get("$ref", "")
    name = reference.removeprefix("#/components/schemas/")
    if name and "example" in node and "in" not in node:
        yield Example(name, node["example"])
    for each in node.get("examples", {}).values() if name else ():
        yield Example(name, each["value"])
    for key, each in node.items():
        if key not in ("example", "examples"):
            yield from _of_bodies(each)


def as_typescript(found: list[Example], imported: str, named: str) -> str:
    """Return a module that states of each example that it is of its type.

    `imported` is the line that brings the types, `named` how one of them is called, with `{}` where
    its name belongs.
    """
    lines = [
        f"const example{number}: {named.format(each.schema)} = {json.dumps(each.value)};"
        for number, each in enumerate(found)
    ]
    names = ", ".join(f"example{number}" for number in range(len(found)))
    return "\n".join([imported, *lines, f"export {{ {names} }};", ""])


_GO = """package main

import (
	"encoding/json"
	"log"
	"reflect"

	openapi "github.com/GIT_USER_ID/GIT_REPO_ID"
)

func check(text string, model any) {
	var sent, back any
	if err := json.Unmarshal([]byte(text), model); err != nil {
		log.Fatalf("%T: %v: %s", model, err, text)
	}
	written, err := json.Marshal(model)
	if err != nil {
		log.Fatalf("%T: %v: %s", model, err, text)
	}
	_ = json.Unmarshal([]byte(text), &sent)
	_ = json.Unmarshal(written, &back)
	if !reflect.DeepEqual(sent, back) {
		log.Fatalf("%T: %s became %s", model, text, written)
	}
}

func main() {
"""


def as_go(found: list[Example]) -> str:
    """Return a program that reads each example as its type, and writes the same again."""
    lines = [
        f"\tcheck({json.dumps(json.dumps(each.value))}, &openapi.{each.schema}{{}})"
        for each in found
    ]
    return _GO + "\n".join(lines) + "\n}\n"
