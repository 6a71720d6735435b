"""What hostile callers aim at: a server whose log is heard, with a tenant and its delivery."""

import json
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

from tests.contracts import Operation
from tests.edges import Edge
from tests.rows import tables
from tests.serving import Answer, Server, Tenant
from tests.wire import request, wire


@dataclass(frozen=True)
class Target:
    """A server with a tenant and its delivery, and all that its contract names."""

    tenant: Tenant
    delivery: str
    operations: list[Operation]

    @property
    def edge(self) -> Edge:
        return self.tenant.edge

    @property
    def server(self) -> Server:
        return self.tenant.server

    def with_body(self) -> list[Operation]:
        return [each for each in self.operations if each.takes_body]

    async def send(self, operation: Operation, body: Any, **headers: str) -> Answer:
        """Makes a request with a good key."""
        shown = {**self.tenant.authorization(operation.name), **headers}
        return await self.tenant.call(operation.call(self.edge, self.delivery, body), shown)

    async def talk(self, data: bytes) -> list[Answer]:
        """Sends bytes that end the connection; gives all answers, none of which blames us."""
        async with wire(self.server.port) as connection:
            connection.send(data)
            answers = await connection.answers()
        for answer in answers:
            assert answer.status < 500
            assert answer.headers["x-request-id"]
        return answers

    async def path(
        self,
        method: str,
        path: str,
        operation: str | None = None,
        *,
        key: Mapping[str, str] | None = None,
    ) -> Answer:
        """Makes a request to a path, to the letter, with a key that is good for the operation.

        `key` are headers that show one where no dialect reads it.
        """
        head = request(method, path, key or self.tenant.authorization(operation), last=True)
        (answer,) = await self.talk(head)
        assert not any("injected" in name for name in answer.headers)
        return answer

    def refused(self, answer: Answer, *statuses: int, why: Any = None) -> None:
        """Asserts a refusal in the dialect's shape."""
        assert answer.status in statuses, (why, answer.status, answer.body)
        self.edge.check_error(answer.status, answer.headers, answer.body)

    async def rows(self) -> dict[str, int]:
        """How many rows each table has, but for what is written later of every request.

        That is when keys were used, and the log of requests that developers are shown.
        """
        return await tables.counts(self.server.platform.pool, but=tables.WRITTEN_LATER)

    @asynccontextmanager
    async def nothing_stored(self) -> AsyncGenerator[None]:
        """Asserts that no table has grown or shrunk meanwhile."""
        before = await self.rows()
        yield
        changed = dict((await self.rows()).items() - before.items())
        assert not changed, changed


def is_clean(log: bytes, tenant: Tenant) -> None:
    """Asserts that a log tells of no crash, no key and nothing personal."""
    for line in log.splitlines():
        told = json.loads(line)
        assert told["event"] != "request crashed", line
        assert told["level"] in ("info", "debug", "warning"), line
    is_discreet(log, tenant)


def is_discreet(log: bytes, tenant: Tenant) -> None:
    """Asserts that a log tells no key and nothing personal, whatever else it tells."""
    assert log
    secrets = [*tenant.keys.values(), *_texts(tenant.edge.body("secret-order"))]
    assert len(secrets) > 5
    for secret in secrets:
        for form in (secret, secret.replace(" ", ""), ascii(secret)[1:-1]):
            assert form.encode() not in log, secret


def _texts(value: Any) -> Iterator[str]:
    """All texts in a JSON value that are long enough not to be found by chance."""
    if isinstance(value, dict):
        for member in cast("dict[str, Any]", value).values():
            yield from _texts(member)
    elif isinstance(value, str) and len(value) > 4:
        yield value
