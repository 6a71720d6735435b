"""How much of the database a statement touches, whatever its plan looks like."""

import json
from collections.abc import Sequence
from typing import Any, cast

import asyncpg
from asyncpg.transaction import Transaction

from estafette.store.pool import Connection

PLANS = ("force_generic_plan", "force_custom_plan")
"""How PostgreSQL may be told to plan a prepared statement: for any values, or for these."""


class Reading:
    """A connection whose queries are explained besides: `blocks` counts what they touched."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.blocks = 0

    def transaction(self) -> Transaction:
        return self._connection.transaction()

    async def execute(self, query: str) -> str:
        return await self._connection.execute(query)

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
        """Explains it as a prepared statement: explained with values, it is planned for these."""
        await self._connection.execute(f"prepare explained as {query}")
        try:
            given = f"({', '.join(map(_literal, values))})" if values else ""
            explained = f"explain (analyze, buffers, format json) execute explained{given}"
            [found] = json.loads(await self._connection.fetchval(explained))
        finally:
            await self._connection.execute("deallocate explained")
        plan = found["Plan"]
        self.blocks += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


def _literal(value: object) -> str:
    """How a value of a statement is written in its text."""
    if value is None:
        return "null"
    if isinstance(value, (list, tuple)):
        items = ", ".join(f'"{item}"' for item in cast("Sequence[object]", value))
        return _literal(f"{{{items}}}")
    return "'" + str(value).replace("'", "''") + "'"
