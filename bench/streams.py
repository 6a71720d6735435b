"""Open pages of people: their event streams, read in the bench's own process."""

import asyncio
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from bench.process import BenchError

MANY: Final[Mapping[str, str]] = {
    "ESTAFETTE_MAX_CONNECTIONS": "15000",
    "ESTAFETTE_ADDRESS_CONNECTIONS": "15000",
}
"""The settings of a server that has very many connections from one address."""

PATIENCE_SECONDS: Final = 30.0
_OPENING: Final = 32  # at a time


class Reader:
    """One open page, as far as its stream goes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Reads what comes after the head of the answer; `writer` ends it."""
        self._reader = reader
        self.writer = writer

    async def news(self) -> float:
        """Waits for news; returns when they came, in the loop's seconds."""
        await self._reader.readuntil(b"event: news\n")
        return asyncio.get_running_loop().time()


async def open_streams(base_url: str, path: str, cookies: list[str]) -> list[Reader]:
    """Opens a stream with each of the cookies; returns them when each has had its first pulse."""
    turns = asyncio.Semaphore(_OPENING)
    parts = urlsplit(base_url)

    async def one(cookie: str) -> Reader:
        async with turns:
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            lines = (f"GET {path} HTTP/1.1", f"Host: {parts.netloc}", f"Cookie: {cookie}")
            writer.write("\r\n".join((*lines, "", "")).encode())
            async with asyncio.timeout(PATIENCE_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                if not head.startswith(b"HTTP/1.1 200 "):
                    raise BenchError(f"a stream was answered with {head[:200]!r}")
                await reader.readuntil(b"event: pulse\n")
            return Reader(reader, writer)

    return await asyncio.gather(*map(one, cookies))
