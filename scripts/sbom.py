"""Writes what Estafette is made of as a CycloneDX 1.6 document, from the lock files alone.

    python scripts/sbom.py dist/sbom.cdx.json      # with the Python of .venv; `make sbom`

The same lock files give the same document, byte for byte: it holds no time and no serial number.
"""

import base64
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

ROOT = Path(__file__).resolve().parent.parent

_PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_SHA512 = "sha512-"


def python_components(lock: str) -> Iterator[Component]:
    """The packages of a lock file of Python, with the hashes of all their files."""
    for entry in re.split(r"\n(?=\S)", lock):
        if pinned := _PINNED.match(entry):
            name, version = pinned.groups()
            hashes = [HashType(alg=HashAlgorithm.SHA_256, content=h) for h in _HASH.findall(entry)]
            yield _component("pypi", name, version, hashes)


def npm_components(lock: str) -> Iterator[Component]:
    """The packages of a lock file of npm."""
    packages: dict[str, dict[str, Any]] = json.loads(lock)["packages"]
    for place, package in packages.items():
        name = place.rpartition("node_modules/")[2]
        if name:
            digest = base64.b64decode(package["integrity"].removeprefix(_SHA512)).hex()
            hashes = [HashType(alg=HashAlgorithm.SHA_512, content=digest)]
            yield _component("npm", name, package["version"], hashes)


def _component(kind: str, name: str, version: str, hashes: list[HashType]) -> Component:
    namespace, _, plain = name.rpartition("/")
    purl = PackageURL(kind, namespace or None, plain, version)
    return Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        purl=purl,
        bom_ref=purl.to_string(),
        hashes=hashes,
    )


def document(root: Path = ROOT) -> str:
    """The whole document as JSON."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    bom = Bom()
    bom.metadata.component = Component(
        name=project["name"],
        version=project["version"],
        type=ComponentType.APPLICATION,
        bom_ref=project["name"],
    )
    parts = [
        *python_components((root / "requirements.lock").read_text("utf-8")),
        *npm_components((root / "frontend" / "package-lock.json").read_text("utf-8")),
    ]
    bom.components.update(parts)
    bom.register_dependency(bom.metadata.component, parts)
    written: dict[str, Any] = json.loads(JsonV1Dot6(bom).output_as_string())
    written.pop("serialNumber", None)
    written["metadata"].pop("timestamp", None)
    return json.dumps(written, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(document(), "utf-8")
    sys.stderr.write(f"Written to {target}\n")
