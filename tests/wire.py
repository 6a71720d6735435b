"""HTTP by hand: requests that no client library would send, and answers as they come."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

from tests.serving import Answer

_PATIENCE_SECONDS = 60


class Wire:
    """A connection to a server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, data: bytes) -> None:
        """Sends bytes as they are."""
        self._writer.write(data)

    async def sent(self) -> None:
        """Waits until most of it has left; a server that hangs up first is no error."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._writer.drain()
        except ConnectionError:
            pass

    def end(self) -> None:
        """Says that nothing more will be sent."""
        self._writer.write_eof()

    async def answer(self) -> Answer | None:
        """The next answer; None when the server has hung up."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            try:
                head = await self._reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                return None
            first, *lines = head.decode("latin-1").strip().split("\r\n")
            status = int(first.split()[1])
            if status == 100:
                return await self.answer()
            headers = dict(line.lower().split(": ", 1) for line in lines)
            body = await self._reader.readexactly(int(headers.get("content-length", "0")))
            return Answer(status, headers, body)

    async def answers(self) -> list[Answer]:
        """All answers until the server hangs up: after an error, or when it was asked to."""
        found: list[Answer] = []
        while (answer := await self.answer()) is not None:
            found.append(answer)
        return found


@asynccontextmanager
async def wire(port: int) -> AsyncGenerator[Wire]:
    """A connection to a server of this machine, which is cut in the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024 * 1024)
    try:
        yield Wire(reader, writer)
    finally:
        writer.transport.abort()


def request(
    method: str, path: str, headers: Mapping[str, str], body: bytes = b"", *, last: bool = False
) -> bytes:
    """A request with a body of known length; after the `last` one the server hangs up."""
    lines = [f"{method} {path} HTTP/1.1", "Host: x"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body)}"] if body else []
    lines += ["Connection: close"] if last else []
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
