"""Requests at a constant rate are timed from when they were due, not from when they were sent."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bench.load import Seen, Task, head_of, measured, percentile, run
from bench.process import BenchError
from tests.patience import timed

CREATED = b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n{}"


class Hesitant(asyncio.Protocol):
    """A server that lets its first request wait until `others` more have arrived elsewhere."""

    def __init__(self, bodies: list[bytes]) -> None:
        self._bodies = bodies

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._bodies.append(data.partition(b"\r\n\r\n")[2])
        if len(self._bodies) == 1:
            asyncio.get_running_loop().call_later(0.2, self._transport.write, CREATED)
        else:
            self._transport.write(CREATED)


@asynccontextmanager
async def serving(bodies: list[bytes]) -> AsyncGenerator[int]:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Hesitant(bodies), "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def _orders(port: int, seconds: float, per_second: float | None = None) -> Task:
    return Task(
        host="127.0.0.1",
        port=port,
        head=head_of(f"http://127.0.0.1:{port}", "x-api-key: key"),
        what="orders",
        paths=("/deliveries",),
        seconds=seconds,
        per_second=per_second,
        connections=1,
        prefix="s1-",
    )


async def test_whatever_comes_due_while_the_server_stalls_is_charged_to_it() -> None:
    bodies: list[bytes] = []
    async with serving(bodies) as port:
        task = _orders(port, 0.2, per_second=100)
        seen = await asyncio.to_thread(run, task)
    assert (seen.requests, seen.refused) == (20, 0)
    assert len({json.loads(body)["externalOrderId"] for body in bodies}) == 20
    # One connection, held for 200 ms by the first: all others came due behind it and waited.
    assert seen.max_ms >= 200
    assert seen.waited >= 15
    assert seen.p50_ms >= 50


@timed(0.05)
async def test_a_connection_asks_again_once_it_is_answered_and_every_answer_is_kept(
    tmp_path: Path,
) -> None:
    bodies: list[bytes] = []
    answers = tmp_path / "answers"
    async with serving(bodies) as port:
        task = replace(_orders(port, 0.5), answers=str(answers))
        seen = await asyncio.to_thread(run, task)
    assert seen.requests == len(bodies) > 20
    assert answers.read_bytes().splitlines() == [b"201 {}"] * seen.requests
    assert seen.max_ms >= 200  # the first had to wait: nothing else came due meanwhile
    assert seen.waited == 0
    assert 0 < seen.busy <= 1


@timed(0.05)
async def test_two_that_are_done_at_the_same_time_each_do_their_own(tmp_path: Path) -> None:
    bodies: list[bytes] = []
    async with serving(bodies) as port:
        orders = _orders(port, seconds=0.5)
        reads = replace(orders, what="paths", paths=("/deliveries/1",))
        ordered, read = await asyncio.gather(measured(orders, tmp_path), measured(reads, tmp_path))
    assert sum(1 for body in bodies if body) >= ordered.requests > 0
    assert sum(1 for body in bodies if not body) >= read.requests > 0
    assert {bool(body) for body in bodies} == {True, False}


async def test_a_refusal_makes_a_run_worthless() -> None:
    with pytest.raises(BenchError):
        Seen(10, 1, 1, 1, 1, 1, 1, 0, 0, 0).must_be_clean()


def test_a_percentile_is_a_value_that_was_seen() -> None:
    seconds = [number / 1000 for number in range(1, 101)]
    assert [percentile(seconds, percent) for percent in (50, 99, 100)] == [50, 99, 100]
    assert percentile([], 99) == 0
