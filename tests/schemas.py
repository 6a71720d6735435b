"""Going through the schema of a request by itself: every text in it, and a request that fits."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

Schema = Mapping[str, Any]
Path = tuple[str, ...]


@dataclass(frozen=True)
class TextField:
    """A text of a request: where it is, and how long it may be; None: nothing bounds it.

    A free object, whose members nobody names, is taken for a text too (`is_free`).
    """

    path: Path
    longest: int | None
    is_free: bool = False

    def __str__(self) -> str:
        """Its path, for the names of tests."""
        return ".".join(self.path)


class Document:
    """A document with schemas that refer to one another: OpenAPI's, or pydantic's."""

    def __init__(self, root: Schema) -> None:
        self._root = root

    def resolved(self, schema: Schema) -> Schema:
        """The schema without a reference, and with all that it must be as well."""
        while "$ref" in schema:
            target: Any = self._root
            for part in schema["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            schema = target
        merged: dict[str, Any] = {}
        for part in schema.get("allOf", ()):
            merged |= self.resolved(part)
        return merged | dict(schema)

    def texts(self, schema: Schema, path: Path = ()) -> Iterator[TextField]:
        """Every text that a value of this schema may hold; words from a list are none."""
        schema = self.resolved(schema)
        for choice in (*schema.get("oneOf", ()), *schema.get("anyOf", ())):
            yield from self.texts(choice, path)
        kinds = _kinds(schema)
        if "string" in kinds and not {"enum", "const"} & schema.keys():
            yield TextField(path, schema.get("maxLength"))
        if "object" in kinds and not schema.get("properties"):
            yield TextField(path, None, is_free=True)
        for name, member in schema.get("properties", {}).items():
            yield from self.texts(member, (*path, name))
        if "items" in schema:
            yield from self.texts(schema["items"], (*path, "0"))

    def sample(self, schema: Schema) -> Any:
        """A value of this schema with all that it may have."""
        schema = self.resolved(schema)
        if "const" in schema:
            return schema["const"]
        if "example" in schema:
            return schema["example"]
        if "enum" in schema:
            return schema["enum"][0]
        for choices in ("oneOf", "anyOf"):
            if choices in schema:
                return self.sample(schema[choices][0])
        kinds = _kinds(schema)
        if "object" in kinds:
            members = cast("dict[str, Schema]", schema.get("properties", {}))
            return {name: self.sample(each) for name, each in members.items() if "not" not in each}
        if "array" in kinds:
            return [self.sample(schema.get("items", {}))]
        if "string" in kinds:
            return _FORMATS.get(schema.get("format", ""), "Rua da Missão 9")
        if "boolean" in kinds:
            return True
        return schema.get("minimum", 1) if kinds & {"integer", "number"} else None


_FORMATS = {
    "uuid": "019abcde-0000-7000-8000-000000000001",
    "date-time": "2026-02-01T09:30:00Z",
    "uri": "https://shop.example/hooks",
    "phone": "+7 701 111 1111",
}


def _kinds(schema: Schema) -> set[str]:
    kind: Any = schema.get("type", ())
    return {kind} if isinstance(kind, str) else set(kind)


def replaced(value: Any, path: Path, by: Any) -> Any:
    """A copy of a JSON value with another one at this place, made where there was none."""
    if not path:
        return by
    name, rest = path[0], path[1:]
    if isinstance(value, list):
        return [replaced(cast("list[Any]", value)[0], rest, by)]
    members = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    return {**members, name: replaced(members.get(name), rest, by)}


def objects(value: Any, path: Path = ()) -> Iterator[Path]:
    """Where the objects in a JSON value are, itself included."""
    if isinstance(value, dict):
        yield path
        for name, member in cast("dict[str, Any]", value).items():
            yield from objects(member, (*path, name))
