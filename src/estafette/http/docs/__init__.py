"""A dialect's contract: for machines the file itself, for people a page to read and try it.

The page works without internet: all its files are in the package. The build puts the viewer
(Scalar) into `web/assets/vendor`. A key that is typed there is kept in memory only.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import orjson
import yaml
from starlette.types import Receive, Scope

from estafette.http.pages import PRODUCT
from estafette.http.reply import HttpReply
from estafette.http.shell import Group, Link, Shell, query_of, reader_of, render
from estafette.http.texts import gettext, read_by


class Docs:
    """Handlers for a dialect's contract and `/docs`."""

    def __init__(self, vendor: str, contract: str, name: str = "openapi.yaml") -> None:
        """Serves `contract`, OpenAPI 3.1 in YAML. The title names the `vendor`, whose API it is.

        The contract is served beside the page under `name`; if `name` ends in `.json`, as JSON.

        `info.x-changelog` of the contract lists `version`, `date` and `changes`, newest first.
        """
        self._vendor = vendor
        self._contract = contract
        self._name = name

    async def contract(self, _: Scope, __: Receive) -> HttpReply:
        """Returns the contract as it is."""
        content_type, body = self._served
        headers = ((b"content-type", content_type), (b"cache-control", b"no-cache"))
        return HttpReply(200, body, headers)

    async def page(self, scope: Scope, _: Receive) -> HttpReply:
        """Returns the page, which refers to the contract by a relative address."""
        reader = reader_of(scope)
        with read_by(reader):
            links = [
                Link("#reference", gettext("API reference"), is_current=True),
                Link("#changelog", gettext("Changelog")),
                Link(self._name, self._name),
            ]
        shell = Shell(area=self._vendor, groups=[Group(links)], query=query_of(scope))
        return render(
            "http/docs/page.html",
            reader,
            shell,
            headers=((b"cache-control", b"no-cache"),),
            contract=self._name,
            info=self._info,
            has_viewer="reference.js" in PRODUCT,
        )

    @cached_property
    def _served(self) -> tuple[bytes, bytes]:
        if not self._name.endswith(".json"):
            return b"application/yaml", self._contract.encode()
        return b"application/json", orjson.dumps(yaml.safe_load(self._contract))

    @cached_property
    def _info(self) -> Mapping[str, Any]:
        return yaml.safe_load(self._contract)["info"]
