"""What a caller leaves unread is counted, and slow reading is noticed by what was read."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from estafette.http.unread import UnreadAnswers

ANSWER = b"x" * 4_000_000
PART = 1_000_000
SECONDS = 30.0


@asynccontextmanager
async def connection() -> AsyncGenerator[tuple[asyncio.Transport, socket.socket]]:
    """The transport of one end of a connection, and the socket of a caller at the other end."""
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        caller = socket.create_connection(listening.getsockname())
        caller.setblocking(False)
        accepted, _ = listening.accept()
        transport, _protocol = await loop.connect_accepted_socket(asyncio.Protocol, accepted)
        try:
            yield transport, caller
        finally:
            transport.abort()
            caller.close()


async def read(caller: socket.socket, size: int) -> None:
    left = size
    while left:
        left -= len(await asyncio.get_running_loop().sock_recv(caller, min(left, 65_536)))


async def test_what_nobody_reads_is_slow_once_its_time_is_over() -> None:
    async with connection() as (transport, _):
        unread = UnreadAnswers(transport)
        unread.may_be_left = True
        transport.write(ANSWER)
        assert not unread.is_slow(None, 100.0, SECONDS)
        assert not unread.is_slow(None, 100.0 + SECONDS, SECONDS)
        assert unread.is_slow(None, 100.1 + SECONDS, SECONDS)


async def test_whoever_goes_on_reading_is_given_the_time_anew() -> None:
    async with connection() as (transport, caller):
        unread = UnreadAnswers(transport)
        unread.may_be_left = True
        transport.write(ANSWER)
        assert not unread.is_slow(None, 100.0, SECONDS)
        before = unread.count
        async with asyncio.timeout(60):
            while unread.look(None) > before - PART:
                await read(caller, PART)
        assert not unread.is_slow(None, 101.0 + SECONDS, SECONDS)
        assert unread.is_slow(None, 102.0 + 2 * SECONDS, SECONDS)


async def test_an_answer_that_was_read_leaves_nothing_to_look_at() -> None:
    async with connection() as (transport, caller):
        unread = UnreadAnswers(transport)
        unread.may_be_left = True
        transport.write(ANSWER)
        await read(caller, len(ANSWER))
        async with asyncio.timeout(60):
            while unread.look(None):  # noqa: ASYNC110 - the system says it a moment later, by no event
                await asyncio.sleep(0)
        assert not unread.may_be_left
        assert not unread.is_slow(None, 100.0, SECONDS)
