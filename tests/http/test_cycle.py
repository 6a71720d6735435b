"""How an answer is put on the connection: in how many pieces, and only when it is valid HTTP."""

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Any

import pytest
from uvicorn.protocols.http.flow_control import FlowControl

from estafette.http.cycle import Cycle


@dataclass
class _Transport:
    """Notes what is written."""

    written: list[bytes] = field(default_factory=list[bytes])
    closed: bool = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True


def _cycle(transport: Any, method: str = "GET", *, keep_alive: bool = True) -> Cycle:
    log = logging.getLogger("tests")
    return Cycle(
        scope={"type": "http", "method": method},  # pyright: ignore[reportArgumentType] - enough
        transport=transport,
        flow=FlowControl(transport),
        logger=log,
        access_logger=log,
        access_log=False,
        default_headers=[(b"date", b"today")],
        message_event=asyncio.Event(),
        expect_100_continue=False,
        keep_alive=keep_alive,
        on_response=lambda: None,
    )


def _start(*headers: tuple[bytes, bytes], status: int = 200) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": headers}


def _body(body: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": more}


_TWO = (b"content-length", b"2")


async def test_an_answer_at_hand_is_written_as_one_piece() -> None:
    transport = _Transport()
    cycle = _cycle(transport)
    await cycle.send(_start(_TWO))
    await cycle.send(_body(b"ok"))
    await asyncio.sleep(0)
    assert transport.written == [b"HTTP/1.1 200 OK\r\ndate: today\r\ncontent-length: 2\r\n\r\nok"]
    assert cycle.response_complete
    assert not transport.closed


async def test_the_head_of_a_stream_does_not_wait_for_its_first_part() -> None:
    transport = _Transport()
    cycle = _cycle(transport)
    await cycle.send(_start())
    await asyncio.sleep(0)
    assert b"transfer-encoding: chunked\r\n\r\n" in b"".join(transport.written)
    await cycle.send(_body(b"news", more=True))
    await cycle.send(_body(b""))
    assert transport.written[1:] == [b"4\r\nnews\r\n", b"0\r\n\r\n"]


async def test_a_body_is_given_as_a_whole_once_all_of_it_is_there() -> None:
    cycle = _cycle(_Transport(), "POST")
    cycle.body += b"ab"
    assert cycle.whole_body(10) is None
    cycle.more_body = False
    assert cycle.whole_body(1) is None
    assert cycle.whole_body(2) == b"ab"
    assert cycle.whole_body(2) == b""


async def test_the_answer_to_head_has_no_body() -> None:
    transport = _Transport()
    cycle = _cycle(transport, "HEAD")
    await cycle.send(_start(_TWO))
    await cycle.send(_body(b""))
    assert b"".join(transport.written).endswith(b"content-length: 2\r\n\r\n")
    assert cycle.response_complete


@pytest.mark.parametrize("said", [True, False])
async def test_a_connection_is_closed_after_an_answer_that_says_so(said: bool) -> None:
    transport = _Transport()
    cycle = _cycle(transport, keep_alive=said)
    await cycle.send(_start(_TWO, *([(b"connection", b"close")] if said else [])))
    await cycle.send(_body(b"ok"))
    assert transport.written[0].count(b"connection: close\r\n") == 1
    assert transport.closed


@pytest.mark.parametrize(
    "header", [(b"x-a", b"1\r\nx-b: 2"), (b"x-a: 1\r\nx-b", b"2"), (b"x-a", b"\x00")]
)
async def test_no_header_of_an_answer_can_hold_another(header: tuple[bytes, bytes]) -> None:
    transport = _Transport()
    with pytest.raises(RuntimeError):
        await _cycle(transport).send(_start(header, _TWO))
    assert transport.written == []


@pytest.mark.parametrize("body", [b"o", b"oh!"])
async def test_a_body_of_another_length_than_was_said_is_an_error(body: bytes) -> None:
    cycle = _cycle(_Transport())
    await cycle.send(_start(_TWO))
    with pytest.raises(RuntimeError):
        await cycle.send(_body(body))
