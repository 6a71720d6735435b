"""A dialect's contract, for machines as it is and for people as a page to read and try it.

The page works without internet: what it needs is in the package. The viewer (Swagger UI) is laid
into `web/assets/vendor` when the package is built.
"""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.resources import files
from typing import Any

import orjson
import yaml
from jinja2 import Environment, StrictUndefined
from starlette.types import Receive, Scope

from estafette.http.refusals import PathUnknown
from estafette.http.reply import Header, HttpReply

_HERE = files("estafette.http.docs")
_VENDOR = files("estafette.web") / "assets" / "vendor"

_FILES = {
    "swagger-ui.css": (_VENDOR, b"text/css; charset=utf-8"),
    "swagger-ui-bundle.js": (_VENDOR, b"text/javascript; charset=utf-8"),
    "docs.css": (_HERE, b"text/css; charset=utf-8"),
    "docs.js": (_HERE, b"text/javascript; charset=utf-8"),
    "emblem.svg": (_HERE, b"image/svg+xml"),
}

# The viewer writes style attributes and draws with data: images; it runs no code of the contract.
_PAGE_HEADERS: Sequence[Header] = (
    (b"content-type", b"text/html; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
        b" img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none';"
        b" frame-ancestors 'none'",
    ),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)


class Docs:
    """Handlers for a dialect's contract, `/docs` and `/docs/{name}`."""

    def __init__(self, vendor: str, contract: str, name: str = "openapi.yaml") -> None:
        """`vendor` is whose API it is, for the title; `contract` is OpenAPI 3.1 in YAML.

        It is served beside the page under `name`, which may end in `.json`: then as JSON.

        `info.x-changelog` of the contract lists `version`, `date` and `changes`, newest first.
        """
        self._vendor = vendor
        self._contract = contract
        self._name = name

    async def contract(self, _: Scope, __: Receive) -> HttpReply:
        """The contract as it is."""
        content_type, body = self._served
        headers = ((b"content-type", content_type), (b"cache-control", b"no-cache"))
        return HttpReply(200, body, headers)

    async def page(self, _: Scope, __: Receive) -> HttpReply:
        """The page; it refers to everything by relative addresses."""
        return HttpReply(200, self._page, _PAGE_HEADERS)

    async def file(self, scope: Scope, _: Receive) -> HttpReply:
        """A file of the page. Raises PathUnknown."""
        name: str = scope["path_params"]["name"]
        body = self._files.get(name)
        if body is None:
            raise PathUnknown
        headers = (
            (b"content-type", _FILES[name][1]),
            (b"cache-control", b"public, max-age=31536000, immutable"),
            (b"x-content-type-options", b"nosniff"),
        )
        return HttpReply(200, body, headers)

    @cached_property
    def _served(self) -> tuple[bytes, bytes]:
        if not self._name.endswith(".json"):
            return b"application/yaml", self._contract.encode()
        return b"application/json", orjson.dumps(yaml.safe_load(self._contract))

    @cached_property
    def _files(self) -> Mapping[str, bytes]:
        found = {name: folder / name for name, (folder, _) in _FILES.items()}
        return {name: file.read_bytes() for name, file in found.items() if file.is_file()}

    @cached_property
    def _page(self) -> bytes:
        info: Mapping[str, Any] = yaml.safe_load(self._contract)["info"]
        environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
        template = environment.from_string((_HERE / "page.html").read_text("utf-8"))
        edition = hashlib.sha256(b"".join(self._files.values())).hexdigest()[:12]
        return template.render(
            vendor=self._vendor,
            contract=self._name,
            info=info,
            edition=edition,
            has_viewer="swagger-ui-bundle.js" in self._files,
        ).encode()
