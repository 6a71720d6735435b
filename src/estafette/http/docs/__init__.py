"""A dialect's contract, for machines as it is and for people as a page to read and try it.

The page works without internet: what it needs is in the package. The viewer (Swagger UI) is laid
into `web/assets/vendor` when the package is built.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import orjson
import yaml
from starlette.types import Receive, Scope

from estafette.http.pages import PACKAGE, VENDOR, Files, page_headers, template
from estafette.http.reply import HttpReply

_HERE = PACKAGE / "http" / "docs"
_FILES = Files(
    [
        VENDOR / "swagger-ui.css",
        VENDOR / "swagger-ui-bundle.js",
        _HERE / "docs.css",
        _HERE / "docs.js",
        _HERE / "emblem.svg",
    ]
)

# The viewer writes style attributes and draws with data: images; it runs no code of the contract.
_PAGE_HEADERS = page_headers(
    script="'self'", style="'self' 'unsafe-inline'", img="'self' data:", connect="'self'"
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
        return _FILES.reply(scope["path_params"]["name"])

    @cached_property
    def _served(self) -> tuple[bytes, bytes]:
        if not self._name.endswith(".json"):
            return b"application/yaml", self._contract.encode()
        return b"application/json", orjson.dumps(yaml.safe_load(self._contract))

    @cached_property
    def _page(self) -> bytes:
        info: Mapping[str, Any] = yaml.safe_load(self._contract)["info"]
        return (
            template("http/docs/page.html")
            .render(
                vendor=self._vendor,
                contract=self._name,
                info=info,
                edition=_FILES.edition,
                has_viewer="swagger-ui-bundle.js" in _FILES,
            )
            .encode()
        )
