"""A gate between a server and its database, which lets commits through and keeps back the news.

It speaks no PostgreSQL: it knows the one message that says that a transaction has committed.
"""

import asyncio
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

# CommandComplete ('C', a length of 11 bytes, the tag): protocol-message-formats in PostgreSQL's
# manual
_COMMITTED = b"C\x00\x00\x00\x0bCOMMIT\x00"
_PORT = 5432


class CommitGate:
    """Relays everything until `close`; from then on, nothing that follows a commit."""

    def __init__(self, dsn: str, folder: Path) -> None:
        parts = urlsplit(dsn)
        query = parse_qs(parts.query)
        self._host = query.get("host", [unquote(parts.hostname or "localhost")])[0]
        self._port = int(query.get("port", [str(parts.port or _PORT)])[0])
        user = parts.netloc.rpartition("@")[0]
        way_in = f"host={quote(str(folder))}&port={_PORT}"
        self.dsn = f"postgresql://{user}@{parts.path}?{way_in}"
        self.socket = folder / f".s.PGSQL.{_PORT}"
        self._closed = False
        self._unheard = asyncio.Semaphore(0)

    def close(self) -> None:
        """Lets commits happen, of which their server will not hear."""
        self._closed = True

    async def unheard(self, count: int) -> None:
        """Waits until so many commits have happened, each on a connection of its own."""
        async with asyncio.timeout(60):
            for _ in range(count):
                await self._unheard.acquire()

    async def relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one connection of the server."""
        if self._host.startswith("/"):
            path = f"{self._host}/.s.PGSQL.{self._port}"
            back, forth = await asyncio.open_unix_connection(path)
        else:
            back, forth = await asyncio.open_connection(self._host, self._port)
        try:
            await asyncio.gather(_copy(reader, forth), self._watch(back, writer))
        finally:
            forth.close()
            writer.close()

    async def _watch(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Copies what the database says, as long as the gate is open."""
        seen = b""
        while data := await reader.read(65_536):
            seen = seen[-len(_COMMITTED) :] + data
            if self._closed and _COMMITTED in seen:
                self._unheard.release()
                break
            writer.write(data)
        else:
            writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
    writer.close()


@asynccontextmanager
async def commit_gate(dsn: str) -> AsyncGenerator[CommitGate]:
    """A gate before the database at `dsn`; a server is to be given the gate's own `dsn`."""
    with tempfile.TemporaryDirectory(prefix="gate-") as folder:
        gate = CommitGate(dsn, Path(folder))
        relays: set[asyncio.Task[None]] = set()

        async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            relays.add(task)
            with suppress(OSError):  # one side was killed: that is what a gate is for
                await gate.relay(reader, writer)

        listener = await asyncio.start_unix_server(relay, gate.socket)
        try:
            yield gate
        finally:
            listener.close()
            for task in relays:
                task.cancel()
            await asyncio.gather(*relays, return_exceptions=True)
