"""A crowd keeps every connection busy for its time, whatever it is answered."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

from bench.crowd import Task, request, run
from tests.patience import timed


async def _until_nobody_is_served(but: set[asyncio.Task[Any]]) -> None:
    """Waits until the handlers of all connections have ended, and so have closed them.

    `but` are the tasks from before the server listened. It has to listen still: a connection that
    it is about to accept when it is closed would be left to the collector, which makes a later test
    of the same process fail.
    """
    await asyncio.sleep(0)  # the loop looks once who has connected
    while others := asyncio.all_tasks() - but:
        await asyncio.wait(others)


@asynccontextmanager
async def _of_one_connection(writer: asyncio.StreamWriter) -> AsyncGenerator[None]:
    """Closes the connection at the end, and waits until that has happened."""
    try:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            yield
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


@timed(0.05)
async def test_each_connection_sends_again_when_it_is_answered_and_anew_when_it_is_closed() -> None:
    lines: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with _of_one_connection(writer):
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines.append(head.splitlines()[0])
                if b"/hang-up" in head:
                    break
                status = b"503 Busy" if b"/busy" in head else b"200 OK"
                writer.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 2\r\n\r\n{}")

    before = asyncio.all_tasks()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port: int = server.sockets[0].getsockname()[1]
        base_url = f"http://127.0.0.1:{port}"
        asked = [request(base_url, "GET", path, {}) for path in ("/ok", "/busy", "/hang-up")]
        began = time.monotonic()
        seen = await asyncio.to_thread(run, Task("127.0.0.1", port, 4, 0.3, asked))
        assert time.monotonic() - began >= 0.3
        await _until_nobody_is_served(but=before)
    assert set(seen.statuses) == {"200", "503"}
    assert seen.hung_up > 4
    assert sum(seen.statuses.values()) + seen.hung_up <= len(lines)


async def test_a_crowd_that_nobody_answers_ends_all_the_same() -> None:

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with _of_one_connection(writer):
            await reader.read()

    before = asyncio.all_tasks()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port: int = server.sockets[0].getsockname()[1]
        asked = [request(f"http://127.0.0.1:{port}", "POST", "/", {"X": "y"}, "é".encode())]
        seen = await asyncio.to_thread(run, Task("127.0.0.1", port, 3, 0.1, asked))
        await _until_nobody_is_served(but=before)
    assert (seen.statuses, seen.hung_up) == ({}, 0)


def test_a_request_goes_over_the_wire_byte_by_byte() -> None:
    written = request("http://127.0.0.1:80", "POST", "/x", {"X": "y"}, "é".encode())
    assert written.encode("latin-1") == (
        b"POST /x HTTP/1.1\r\nHost: 127.0.0.1:80\r\nX: y\r\nContent-Type: application/json\r\n"
        b"Content-Length: 2\r\n\r\n\xc3\xa9"
    )
