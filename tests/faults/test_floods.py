"""More connections than a server has files for: others are served, and it is told."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.processes import ServerProcess, lines_of, server_process, starting

_FILES = 256
_SILENT = 320  # of 256 files 90 or so are left for clients


@asynccontextmanager
async def _silent(port: int, count: int) -> AsyncGenerator[list[asyncio.StreamReader]]:
    """So many connections that say nothing, until the end of the block."""
    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(count)]
    try:
        yield [reader for reader, _ in opened]
    finally:
        for _, writer in opened:
            writer.transport.abort()


async def _status(process: ServerProcess) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", process.port)
    try:
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        async with asyncio.timeout(60):
            return int((await reader.readline()).split()[1])
    finally:
        writer.transport.abort()


def _told(log: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in lines_of(log) if line.startswith("{")]
    return [line for line in lines if line["event"] == "connections refused or cut off"]


async def test_more_silent_connections_than_files_do_not_shut_a_server(
    postgres_dsn: str, tmp_path: Path
) -> None:
    settings = {"address_connections": "100000", "head_seconds": "5"}
    server = ServerProcess(postgres_dsn, tmp_path, **settings)
    server.files = _FILES
    with starting(server) as process:
        async with _silent(process.port, _SILENT) as readers:
            for _ in range(5):
                assert await _status(process) == 200
            async with asyncio.timeout(120):  # those that made no room end by themselves
                for reader in readers:
                    try:
                        assert await reader.read() == b""
                    except ConnectionResetError:
                        continue
            assert await _status(process) == 200
        assert {line["reason"] for line in _told(process.log)} >= {"evicted", "head"}


async def test_one_address_cannot_take_all_connections(postgres_dsn: str, tmp_path: Path) -> None:
    with server_process(postgres_dsn, tmp_path, address_connections="20") as process:
        async with _silent(process.port, 60):
            assert await _status(process) == 200
        evicted = [line for line in _told(process.log) if line["reason"] == "evicted"]
        assert evicted[0]["client"] == "127.0.0.1"


async def test_a_server_without_files_goes_on_when_there_are_some_again(
    postgres_dsn: str, tmp_path: Path
) -> None:
    with server_process(postgres_dsn, tmp_path) as process:
        process.limit_files(8)  # fewer than it has open: the system refuses the next connection
        waiting = asyncio.create_task(_status(process))
        async with asyncio.timeout(60):
            while not any(line["reason"] == "accept" for line in _told(process.log)):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        process.limit_files(1024)
        assert await waiting == 200
        assert await _status(process) == 200
