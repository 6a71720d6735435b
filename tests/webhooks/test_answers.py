"""What counts of an answer: its status, whatever its headers and its body are like."""

import ipaddress
from collections.abc import AsyncIterator

import pytest

from estafette.webhooks.guard import Guard
from estafette.webhooks.heads import MAX_HEAD_BYTES, Said, said
from estafette.webhooks.sender import ExchangeOutcome, Request, Result, Sender
from tests.patience import timed
from tests.receivers import (
    Behaviour,
    Receiver,
    answer,
    byte_a_second,
    endless_body,
    endless_chunk_extension,
    endless_header_line,
    endless_headers,
    in_turn,
    raw,
    slow_headers,
)

LONG = 60.0
OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    async with Sender(Guard(allow=[ipaddress.ip_network("127.0.0.1/32")])) as made:
        yield made


async def send(sender: Sender, behaviour: Behaviour, seconds: float = LONG) -> Result:
    """Send one request to such a receiver, and see that its connection is freed."""
    async with Receiver(behaviour) as receiver:
        result = await sender.send(Request(receiver.url, {}, b"{}", seconds))
        await receiver.wait_until(lambda: receiver.open_connections == 0)
    assert result.duration_seconds < LONG / 2
    assert len(receiver.requests) == 1
    return result


STRANGE = {
    "two equal lengths": OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok",
    "two different lengths": OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    "a list of lengths": OK + b"Content-Length: 2, 2\r\n\r\nok",
    "a length that is none": OK + b"Content-Length: two\r\n\r\nok",
    "a length below zero": OK + b"Content-Length: -1\r\n\r\n",
    "an enormous length": OK + b"Content-Length: 99999999999999999999999\r\n\r\nok",
    "a length and chunks": OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "an empty length": OK + b"Content-Length: \r\n\r\nok",
    "more than its length": OK + b"Content-Length: 2\r\n\r\nok, and more",
    "less than its length": OK + b"Content-Length: 100\r\n\r\nshort",
    "no length": OK + b"\r\nok",
    "no header": OK + b"\r\n",
    "no end of the head": OK + b"Server: x\r\n",
    "no end of the head at all": OK,
    "a body of 204": b"HTTP/1.1 204 No Content\r\n\r\nok",
    "a body of 204 with its length": b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok",
    "chunks of 204": b"HTTP/1.1 204 Nix\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "a body of 205": b"HTTP/1.1 205 Reset Content\r\n\r\nok",
    "chunks that are none": OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "chunks that break off": OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
    "chunks without an end": OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
    "chunks that are said only": OK + b"Transfer-Encoding: chunked\r\n\r\nok",
    "another coding": OK + b"Transfer-Encoding: identity\r\n\r\nok",
    "codings in the wrong order": OK + b"Transfer-Encoding: chunked, gzip\r\n\r\nok",
    "a coding that nobody knows": OK + b"Content-Encoding: zork\r\nContent-Length: 2\r\n\r\nok",
    "a reason that is missing": b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
    "an empty reason": b"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n",
    "a reason in Cyrillic": "HTTP/1.1 200 ПРИНЯТО\r\n\r\n".encode(),
    "a reason with a NUL": b"HTTP/1.1 200 O\0K\r\n\r\n",
    "a status of their own": b"HTTP/1.1 299 Whatever\r\n\r\n",
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\n\r\nok",
    "HTTP/1.0 that keeps": b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nok",
    "HTTP/2 in text": b"HTTP/2 200\r\n\r\nok",
    "a name in lower case": b"http/1.1 200 OK\r\n\r\n",
    "line feeds alone": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "a line end before": b"\r\n\r\n" + OK + b"\r\n",
    "many spaces": b"HTTP/1.1   200   OK\r\n\r\n",
    "no colon": OK + b"No colon here\r\n\r\n",
    "a space before the colon": OK + b"Server : x\r\n\r\n",
    "a header without a name": OK + b": nameless\r\n\r\n",
    "a folded header": OK + b"X-A: b\r\n c\r\n\r\n",
    "a header with a NUL": OK + b"X-A: b\0c\r\n\r\n",
    "a header of other letters": OK + "X-Имя: имя\r\n\r\n".encode(),
    "a long header": OK + b"X-Long: " + b"a" * 20_000 + b"\r\n\r\n",
    "many headers": OK + b"".join(b"X-%d: y\r\n" % n for n in range(500)) + b"\r\n",
    "two hosts of cookies": OK + b"Set-Cookie: a=\xff; domain=[\r\nSet-Cookie: =\r\n\r\n",
    "an upgrade on offer": OK + b"Connection: upgrade\r\nUpgrade: h2c\r\n\r\nok",
    "a wish to be asked again": OK + b"Retry-After: 60\r\nContent-Length: nix\r\n\r\n",
    "interim answers before": b"HTTP/1.1 100 Continue\r\n\r\n" * 3 + OK + b"\r\n",
    "a hint and an error": b"HTTP/1.1 103 Early Hints\r\nLink </a>\r\n\r\n" + OK + b"\r\n",
    "a processing": b"HTTP/1.1 102 Processing\r\n\r\n" + OK + b"Bad\r\n\r\n",
}


@pytest.mark.parametrize("data", STRANGE.values(), ids=STRANGE)
async def test_a_receiver_that_has_said_2xx_is_not_sent_it_again(sender: Sender, data: bytes):
    result = await send(sender, raw(data))
    assert (result.outcome, result.error) == (ExchangeOutcome.DELIVERED, None)
    assert result.http_status in range(200, 300)


@pytest.mark.parametrize("name", STRANGE)
async def test_the_same_of_another_status_is_rejected_and_never_sent_twice_at_once(
    sender: Sender, name: str
):
    refused = STRANGE[name]
    for status in (b"200", b"204", b"205", b"299"):
        refused = refused.replace(status, b"410", 1)
    async with Receiver(in_turn(answer(), raw(refused))) as receiver:
        await sender.send(Request(receiver.url, {}, b"{}", LONG))
        result = await sender.send(Request(receiver.url, {}, b"{}", LONG))
    assert (result.outcome, result.http_status) == (ExchangeOutcome.REJECTED, 410)
    assert len(receiver.requests) == 2


ENDLESS = {
    "a body without an end": endless_body(),
    "an extension without an end": endless_chunk_extension(),
    "headers without an end": endless_headers(),
    "a header without an end": endless_header_line(),
    "a large body": answer(200, body=b"a" * (8 << 20)),
    "a body that comes by bytes": byte_a_second(),
    "a body that never comes": raw(OK + b"Content-Length: 1\r\n\r\n", then_close=False),
    "chunks that never come": raw(OK + b"Transfer-Encoding: chunked\r\n\r\n", then_close=False),
}


@pytest.mark.parametrize("behaviour", ENDLESS.values(), ids=ENDLESS)
async def test_a_body_is_not_waited_for(sender: Sender, behaviour: Behaviour):
    result = await send(sender, behaviour)
    assert (result.outcome, result.http_status) == (ExchangeOutcome.DELIVERED, 200)


@timed(0.1)
async def test_a_status_in_time_counts_though_its_headers_take_longer(sender: Sender):
    result = await send(sender, slow_headers(), seconds=0.5)
    assert (result.outcome, result.http_status) == (ExchangeOutcome.DELIVERED, 200)


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 two hundred\r\n\r\n",
        b"HTTP/1.1 200",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"200 OK\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\nHTTP/1.1 200 OK\r\n",
        b"\x16\x03\x01\x02\x00\x01",
    ],
)
async def test_what_says_no_status_is_not_delivered(sender: Sender, data: bytes):
    result = await send(sender, raw(data))
    assert result.outcome in (ExchangeOutcome.INVALID_RESPONSE, ExchangeOutcome.DISCONNECTED)
    assert result.http_status is None


async def test_what_an_answer_had_too_much_is_not_taken_for_the_next_one(sender: Sender):
    """The rest comes once the next request is on its way, over the same connection."""
    late = in_turn(answer(204, body=b""), raw(b"the body of the 204"), answer(202))
    async with Receiver(late) as receiver:
        first = await sender.send(Request(receiver.url, {}, b"1", LONG))
        second = await sender.send(Request(receiver.url, {}, b"2", LONG))
    assert (first.http_status, second.http_status) == (204, 202)
    assert second.transmissions == 2


async def test_a_wish_to_wait_is_heard_in_an_answer_that_is_not_quite_right(sender: Sender):
    twice = b"Content-Length: 0\r\nContent-Length: 0\r\nretry-after : 60 \r\n\r\n"
    result = await send(sender, raw(b"HTTP/1.1 429 Slow\r\n" + twice))
    assert (result.http_status, result.retry_after_seconds) == (429, 60)


def test_a_wish_in_a_body_is_no_header():
    assert said(b"HTTP/1.1 503 No\n\nRetry-After: 60\n") == Said(503, None)
    assert said(b"HTTP/1.1 503 No\nRetry-After: 60\n\n") == Said(503, "60")


def test_only_the_start_of_an_answer_is_looked_at():
    interim = b"HTTP/1.1 103 Early Hints\r\n\r\n"
    assert said((interim * 1000 + OK)[:MAX_HEAD_BYTES]) is None
