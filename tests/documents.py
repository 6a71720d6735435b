"""The contracts of the dialects as documents, and whether an answer is as its contract says."""

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema_rs
import yaml


@cache
def document_in(text: str | bytes) -> dict[str, Any]:
    """The document that a contract is, read once. Whoever changes something takes a copy."""
    return yaml.load(text, yaml.CSafeLoader)


def document_of(name: str) -> dict[str, Any]:
    """The contract of a dialect, by the dialect's name, as it is in the package."""
    return document_in((files("estafette.dialects") / name / "openapi.yaml").read_bytes())


def resolved(document: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    """A value of a document, without a reference to where it stands."""
    while "$ref" in value:
        target: Any = document
        for part in value["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        value = target
    return value


def answer_fault(name: str, method: str, path: str, status: int, body: bytes) -> str | None:
    """Returns how an answer differs from the contract of a dialect; None: it is as it says.

    `path` is below the contract's server, with its query. What is at no path of the contract must
    be refused as such.
    """
    if method == "HEAD":
        return None  # as GET, with no body
    document = document_of(name)
    template = _template_of(name, path.partition("?")[0])
    described = document["paths"].get(template, {}).get(method.lower())
    what = f"{method} {path}, {status}"
    if described is None:
        return None if status in (404, 405) else f"{what} is not in the contract"
    if str(status) not in described["responses"]:
        return f"{what} is not among its answers: {body!r}"
    validator = _validator(name, method.lower(), template, str(status))
    faults = [] if validator is None else [*validator.iter_errors(json.loads(body))]
    return f"{what}: {faults[0].message}: {body!r}" if faults else None


@cache
def _template_of(name: str, path: str) -> str:
    """The path as the document writes it; one without parameters goes before one with."""
    fits = [
        template
        for template in document_of(name)["paths"]
        if re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)), path)
    ]
    return min(fits, key=lambda template: template.count("{"), default="")


@cache
def _validator(
    name: str, method: str, template: str, status: str
) -> jsonschema_rs.Draft202012Validator | None:
    document = document_of(name)
    response = resolved(document, document["paths"][template][method]["responses"][status])
    kinds = [each for kind, each in response.get("content", {}).items() if "json" in kind]
    if not kinds:
        return None
    schema = {**kinds[0]["schema"], "components": document["components"]}
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
