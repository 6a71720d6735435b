import asyncio
import ipaddress
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estafette.webhooks.guard import Guard
from estafette.webhooks.retry import MAX_RETRY_AFTER_SECONDS
from estafette.webhooks.sender import (
    MAX_ANSWER_BYTES,
    ExchangeOutcome,
    Request,
    Result,
    Sender,
)
from tests.receivers import (
    Behaviour,
    Receiver,
    after,
    answer,
    close_after_reading,
    endless_interim_answers,
    gzip_bomb,
    in_turn,
    raw,
    redirect,
    reset_after_reading,
    silent,
)

LOOPBACK = Guard(allow=[ipaddress.ip_network("127.0.0.1/32")])
SHORT = 0.3
LONG = 60.0  # only a test that fails waits so long


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    async with Sender(LOOPBACK) as made:
        yield made


def to(url: str, seconds: float = LONG, body: bytes = b'{"a":1}') -> Request:
    headers = {"Content-Type": "application/json", "X-Signature": "sekret", "User-Agent": "E/1"}
    return Request(url, headers, body, seconds)


async def send_to(sender: Sender, behaviour: Behaviour, seconds: float = LONG) -> Result:
    """Send one request to such a receiver; unless it answered, see that its connection is freed."""
    async with Receiver(behaviour) as receiver:
        result = await sender.send(to(receiver.url, seconds))
        if result.outcome not in (ExchangeOutcome.DELIVERED, ExchangeOutcome.REJECTED):
            await receiver.wait_until(lambda: receiver.open_connections == 0)
        return result


async def test_a_request_arrives_as_given_and_is_delivered(sender: Sender):
    async with Receiver() as receiver:
        result = await sender.send(to(receiver.url + "?a=1&b=c%20d", body=b"\x00\xff exact"))
    (request,) = receiver.requests
    assert (request.method, request.target) == ("POST", "/hook?a=1&b=c%20d")
    assert request.body == b"\x00\xff exact"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["x-signature"] == "sekret"
    assert request.headers["user-agent"] == "E/1"
    assert request.headers["accept-encoding"] == "identity"
    assert (result.outcome, result.http_status, result.error) == (
        ExchangeOutcome.DELIVERED,
        200,
        None,
    )
    assert result.transmissions == 1
    assert result.duration_seconds > 0


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_any_2xx_is_delivered(sender: Sender, status: int):
    body = b"" if status == 204 else b"thanks"
    result = await send_to(sender, answer(status, body=body))
    assert (result.outcome, result.http_status) == (ExchangeOutcome.DELIVERED, status)


@pytest.mark.parametrize("status", [300, 304, 400, 404, 410, 429, 500, 503, 599])
async def test_any_other_status_is_rejected(sender: Sender, status: int):
    result = await send_to(sender, answer(status, body=b""))
    assert (result.outcome, result.http_status) == (ExchangeOutcome.REJECTED, status)
    assert str(status) in (result.error or "")


async def test_an_upgrade_is_rejected(sender: Sender):
    upgrade = b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nmore"
    result = await send_to(sender, raw(upgrade))
    assert (result.outcome, result.http_status) == (ExchangeOutcome.REJECTED, 101)


async def test_interim_answers_are_skipped(sender: Sender):
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    result = await send_to(sender, raw(early * 2 + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
    assert (result.outcome, result.http_status) == (ExchangeOutcome.DELIVERED, 200)


async def test_connections_are_kept_and_used_again(sender: Sender):
    async with Receiver() as receiver:
        for _ in range(10):
            assert (await sender.send(to(receiver.url))).outcome is ExchangeOutcome.DELIVERED
    assert receiver.connections == 1


@pytest.mark.parametrize(
    "header",
    [
        ("X-A", "1\r\nX-B: 2"),
        ("X-A: 1\nX-B", "2"),
        ("X-A", "\0"),
        ("Content-Length", "1"),
        ("Transfer-Encoding", "chunked"),
        ("host", "elsewhere.example"),
    ],
)
async def test_no_header_becomes_another_or_frames_the_request(
    sender: Sender, header: tuple[str, str]
):
    async with Receiver() as receiver:
        request = replace(to(receiver.url), headers=dict([header]))
        with pytest.raises(ValueError, match="a header"):
            await sender.send(request)
    assert receiver.connections == 0


async def test_cookies_are_not_kept(sender: Sender):
    async with Receiver(answer(200, {"Set-Cookie": "a=b; Path=/"})) as receiver:
        await sender.send(to(receiver.url))
        await sender.send(to(receiver.url))
    assert "cookie" not in receiver.requests[1].headers


async def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch):
    async with Receiver() as proxy, Receiver() as receiver:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        async with Sender(LOOPBACK) as sender:
            result = await sender.send(to(receiver.url))
    assert result.outcome is ExchangeOutcome.DELIVERED
    assert (proxy.connections, len(receiver.requests)) == (0, 1)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(sender: Sender, status: int):
    async with Receiver() as elsewhere:
        result = await send_to(sender, redirect(elsewhere.url, status))
    assert (result.outcome, result.http_status) == (ExchangeOutcome.REJECTED, status)
    assert elsewhere.connections == 0


async def test_a_redirect_to_a_metadata_address_is_not_followed(sender: Sender):
    result = await send_to(sender, redirect("http://169.254.169.254/latest/meta-data/"))
    assert (result.outcome, result.http_status) == (ExchangeOutcome.REJECTED, 307)
    assert result.transmissions == 1


async def test_a_receiver_that_says_nothing_is_ended_by_the_timeout(sender: Sender):
    result = await send_to(sender, silent(), SHORT)
    assert (result.outcome, result.http_status) == (ExchangeOutcome.TIMED_OUT, None)
    assert result.error == "no answer within 0.3 s"
    assert result.duration_seconds >= SHORT * 0.9
    assert result.transmissions == 1


async def test_interim_answers_without_end_are_cut_off_long_before_the_timeout(sender: Sender):
    result = await send_to(sender, endless_interim_answers())
    assert result.outcome is ExchangeOutcome.RESPONSE_TOO_LARGE


async def test_an_answer_below_the_bound_is_delivered_time_after_time(sender: Sender):
    async with Receiver(answer(200, body=b"a" * (MAX_ANSWER_BYTES - 1000))) as receiver:
        for _ in range(3):
            assert (await sender.send(to(receiver.url))).outcome is ExchangeOutcome.DELIVERED
    assert receiver.connections == 1


async def test_a_gzip_bomb_is_taken_as_the_few_bytes_it_is(sender: Sender):
    result = await send_to(sender, gzip_bomb())
    assert (result.outcome, result.http_status) == (ExchangeOutcome.DELIVERED, 200)


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_no_answer_is_inflated(sender: Sender, coding: str):
    """Who tried to inflate this one would fail."""
    result = await send_to(
        sender, answer(200, {"Content-Encoding": coding}, b"\x00 not compressed")
    )
    assert (result.outcome, result.http_status) == (ExchangeOutcome.DELIVERED, 200)


@pytest.mark.parametrize("behaviour", [reset_after_reading, close_after_reading])
async def test_a_connection_ended_without_an_answer_is_disconnected(
    sender: Sender, behaviour: Callable[[], Behaviour]
):
    result = await send_to(sender, behaviour())
    assert (result.outcome, result.http_status) == (ExchangeOutcome.DISCONNECTED, None)
    assert result.transmissions == 1


@pytest.mark.parametrize("behaviour", [reset_after_reading, close_after_reading])
async def test_a_kept_connection_found_closed_is_replaced_at_once(
    sender: Sender, behaviour: Callable[[], Behaviour]
):
    async with Receiver(in_turn(answer(), behaviour(), answer())) as receiver:
        await sender.send(to(receiver.url))
        result = await sender.send(to(receiver.url))
    assert (result.outcome, result.transmissions) == (ExchangeOutcome.DELIVERED, 2)
    assert [request.connection for request in receiver.requests] == [1, 1, 2]


async def test_a_receiver_that_always_resets_gets_a_request_twice_at_most(sender: Sender):
    async with Receiver(in_turn(answer(), reset_after_reading())) as receiver:
        await sender.send(to(receiver.url))
        result = await sender.send(to(receiver.url))
    assert (result.outcome, result.transmissions) == (ExchangeOutcome.DISCONNECTED, 2)
    assert len(receiver.requests) == 3


fragments = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.0 204 \r\n",
        b"HTTP/9.9 999\r\n",
        b"Content-Length: 3\r\n",
        b"Content-Length: 99999999999999999999999999\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
        b"Content-Encoding: br\r\n",
        b"Content-Type: text/html; charset=\xff\r\n",
        b"Set-Cookie: a=\xff; expires=never; domain=[\r\n",
        b"Location: http://[\r\n",
        b"Retry-After: \xb2\r\n",
        b"Connection: upgrade\r\nUpgrade: h2c\r\n",
        b"Expect: 100-continue\r\n",
        b" folded\r\n",
        b": nameless\r\n",
        b"\x00\r\n",
        b"\r\n",
        b"3\r\nabc\r\n0\r\n\r\n",
        b"ffffffffffffffffffff\r\n",
        b"abc",
    ]
)


@given(st.lists(fragments | st.binary(max_size=30), max_size=8).map(b"".join))
@settings(max_examples=150, deadline=None)
def test_no_answer_whatever_makes_the_sender_raise(data: bytes):
    async def scenario() -> None:
        async with Receiver(raw(data)) as receiver, Sender(LOOPBACK) as sender:
            result = await sender.send(to(receiver.url))
        assert result.outcome is not ExchangeOutcome.TIMED_OUT
        assert (result.error is None) == (result.outcome is ExchangeOutcome.DELIVERED)

    asyncio.run(scenario())


async def test_a_port_without_listener_is_unreachable(sender: Sender):
    async with Receiver() as receiver:
        url = receiver.url
    result = await sender.send(to(url))
    assert (result.outcome, result.transmissions) == (ExchangeOutcome.UNREACHABLE, 0)
    assert result.error == "cannot connect: Connection refused"


async def test_a_cancelled_send_is_cancelled_and_hangs_up(sender: Sender):
    async with Receiver(silent()) as receiver:
        sending = asyncio.create_task(sender.send(to(receiver.url)))
        await receiver.wait_for(1)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await receiver.wait_until(lambda: receiver.open_connections == 0)


async def test_a_healthy_endpoint_is_served_while_hostile_ones_hang(sender: Sender):
    hostile = [Receiver(silent()) for _ in range(30)]
    flood = Receiver(endless_interim_answers())
    async with asyncio.TaskGroup() as group, flood:
        for receiver in hostile:
            await receiver.__aenter__()
        hanging = [group.create_task(sender.send(to(each.url))) for each in hostile]
        for each in hostile:
            await each.wait_for(1)
        async with Receiver() as healthy:
            for _ in range(20):
                flooded = group.create_task(sender.send(to(flood.url)))
                assert (await sender.send(to(healthy.url))).outcome is ExchangeOutcome.DELIVERED
                assert (await flooded).outcome is ExchangeOutcome.RESPONSE_TOO_LARGE
        assert not any(task.done() for task in hanging)
        for task in hanging:
            task.cancel()
        for receiver in hostile:
            await receiver.__aexit__()


async def test_the_number_of_requests_in_flight_has_no_bound_of_its_own(sender: Sender):
    everyone_is_here = asyncio.Event()
    async with (
        Receiver(after(everyone_is_here, answer())) as receiver,
        asyncio.TaskGroup() as group,
    ):
        tasks = [group.create_task(sender.send(to(receiver.url))) for _ in range(150)]
        await receiver.wait_for(150)
        everyone_is_here.set()
    assert {task.result().outcome for task in tasks} == {ExchangeOutcome.DELIVERED}


@pytest.mark.parametrize(
    ("status", "value", "seconds"),
    [
        (429, "60", 60),
        (503, "0", 0),
        (429, "1000000000", MAX_RETRY_AFTER_SECONDS),
        (429, "1e9", None),
        (503, "soon", None),
        (200, "60", None),
        (410, "60", None),
    ],
)
async def test_a_wish_to_wait_is_heard_on_429_and_503(
    sender: Sender, status: int, value: str, seconds: int | None
):
    result = await send_to(sender, answer(status, {"Retry-After": value}))
    assert result.retry_after_seconds == seconds


def test_nothing_of_a_request_shows_in_its_text():
    text = repr(to("http://example.com/?token=sekret", body=b"sekret"))
    assert "sekret" not in text


@pytest.mark.parametrize(
    "behaviour",
    [
        silent,
        endless_interim_answers,
        reset_after_reading,
        lambda: raw(b"sekret"),
        lambda: answer(500, body=b"sekret"),
    ],
)
async def test_nothing_of_a_request_or_answer_shows_in_its_result(
    sender: Sender, behaviour: Callable[[], Behaviour]
):
    async with Receiver(behaviour()) as receiver:
        result = await sender.send(to(f"{receiver.url}?token=sekret", SHORT))
    assert result.error
    assert "sekret" not in repr(result)
    assert "127.0.0.1" not in repr(result)
