"""How much of the database a statement touches, whatever its plan looks like."""

import json
from collections.abc import Sequence
from typing import Any

import asyncpg

from estafette.store.pool import Connection

PLANS = ("force_generic_plan", "force_custom_plan")
"""How PostgreSQL may be told to plan a prepared statement: for any values, or for these."""


class Reading:
    """A connection whose queries are explained besides: `blocks` counts what they touched."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.blocks = 0

    async def fetch(self, query: str, *values: object) -> Sequence[asyncpg.Record]:
        await self._explain(query, *values)
        return await self._connection.fetch(query, *values)

    async def fetchrow(self, query: str, *values: object) -> asyncpg.Record | None:
        await self._explain(query, *values)
        return await self._connection.fetchrow(query, *values)

    async def fetchval(self, query: str, *values: object) -> Any:
        await self._explain(query, *values)
        return await self._connection.fetchval(query, *values)

    async def _explain(self, query: str, *values: object) -> None:
        explained = f"explain (analyze, buffers, format json) {query}"
        [found] = json.loads(await self._connection.fetchval(explained, *values))
        plan = found["Plan"]
        self.blocks += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
