"""Asking a server over one connection, one request after another, and how long each took."""

import http.client
import json
import time
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from bench.plan import Plan
from bench.process import BenchError
from bench.stage import Stage
from bench.stocks import Stock, Tenant, aged, stock

_PATIENCE_SECONDS = 60.0


class Answer(NamedTuple):
    """What a server answered, and the seconds until the whole answer was there."""

    seconds: float
    status: int
    body: bytes

    def read(self, what: str) -> Any:
        """The JSON of an answer that says that it went well. Raises BenchError for another."""
        if not 200 <= self.status < 300:
            raise BenchError(f"{what} was answered with {self.status}: {self.body[:300]!r}")
        return json.loads(self.body)


class Asker:
    """A client of a server."""

    def __init__(self, base_url: str) -> None:
        """Connects with the first question."""
        parts = urlsplit(base_url)
        self._connection = http.client.HTTPConnection(
            parts.hostname or "", parts.port, timeout=_PATIENCE_SECONDS
        )

    def send(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Answer:
        """Asks for anything. Raises BenchError when no answer comes."""
        try:
            began = time.perf_counter()
            self._connection.request(method, path, body, dict(headers))
            response = self._connection.getresponse()
            read = response.read()
            return Answer(time.perf_counter() - began, response.status, read)
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise BenchError(f"{method} {path} was not answered: {error!r}") from error

    def ask(self, tenant: Tenant, **query: str | int) -> tuple[float, int]:
        """Asks for a page of Entrega's list; returns the seconds, and how many rows it has."""
        headers = {"Authorization": f"Bearer {tenant.api_key}"}
        answer = self.send("GET", f"/v1/deliveries?{urlencode(query)}", headers)
        return answer.seconds, len(answer.read("a list")["data"])

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
async def listing(stage: Stage, plan: Plan) -> AsyncGenerator[Listing]:
    """Starts a server over the aged database, until the block ends."""
    async with stock(*aged(plan)) as found, found.stage(stage).server() as (base_url, _):
        asker = Asker(base_url)
        try:
            yield Listing(found, asker)
        finally:
            asker.close()
