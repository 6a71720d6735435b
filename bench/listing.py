"""Asking a server for lists, one after another over one connection, and how long each took."""

import http.client
import json
import time
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from urllib.parse import urlencode, urlsplit

from bench.listing_data import Stock, Tenant, stock
from bench.process import BenchError
from bench.stage import Stage

_PATIENCE_SECONDS = 60.0


class Asker:
    """A client of the server that lists a stock."""

    def __init__(self, base_url: str) -> None:
        """Connects with the first question."""
        parts = urlsplit(base_url)
        self._connection = http.client.HTTPConnection(
            parts.hostname or "", parts.port, timeout=_PATIENCE_SECONDS
        )

    def ask(self, tenant: Tenant, **query: str | int) -> tuple[float, int]:
        """Asks for a page; returns the seconds until the whole answer was there, and its rows."""
        path = f"/v1/deliveries?{urlencode(query)}"
        began = time.perf_counter()
        self._connection.request("GET", path, headers={"Authorization": f"Bearer {tenant.api_key}"})
        response = self._connection.getresponse()
        body = response.read()
        took = time.perf_counter() - began
        if response.status != 200:
            raise BenchError(f"a list was answered with {response.status}: {body[:300]!r}")
        return took, len(json.loads(body)["data"])

    def ask_all(self, tenant: Tenant, searches: Iterable[str]) -> tuple[list[float], int]:
        """The seconds of several searches, and the rows that they found in all."""
        answers = [self.ask(tenant, search=piece) for piece in searches]
        return [took for took, _ in answers], sum(rows for _, rows in answers)

    def close(self) -> None:
        """Ends the connection."""
        with suppress(OSError):
            self._connection.close()


@dataclass(frozen=True)
class Listing:
    """A stock, and a client of a server over it."""

    stock: Stock
    asker: Asker


@asynccontextmanager
async def listing(stage: Stage) -> AsyncGenerator[Listing]:
    """Starts a server of the stock's own database, until the block ends."""
    async with stock() as found:
        environment = {**stage.environment, "DATABASE_URL": found.dsn}
        async with replace(stage, environment=environment).server() as (base_url, _):
            asker = Asker(base_url)
            try:
                yield Listing(found, asker)
            finally:
                asker.close()
