"""The client of other platforms, against ones that answer, refuse, break off and never end."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest

from estafette.core.couriers.company import CourierResting
from estafette.core.deliveries.delivery import Status
from estafette.couriers.entrega import EntregaClient
from estafette.couriers.platforms import Access
from estafette.couriers.platforms.breaker import FAILURES
from estafette.couriers.platforms.calls import ANSWER_BYTES
from estafette.couriers.platforms.failures import (
    Declined,
    InDoubt,
    Late,
    NotSent,
    PlatformUnavailable,
)
from tests.couriers.stage import KEY, access, delivery, quote, quoting, refusing, told
from tests.receivers import (
    Behaviour,
    Connection,
    ReceivedRequest,
    Receiver,
    answer,
    byte_a_second,
    close_after_reading,
    endless_body,
    endless_header_line,
    gzip_bomb,
    in_turn,
    raw,
    redirect,
    reset_after_reading,
    silent,
    slow_headers,
)

SHOP, OTHER_SHOP = uuid4(), uuid4()
_OUR_ID = "0192d5a0-0000-7000-8000-000000000001"
_SINCE = datetime(2026, 2, 1, 9, 30, tzinfo=UTC)


async def test_a_quote_is_asked_for_with_the_key_and_read(client: EntregaClient) -> None:
    async with Receiver(quoting(quote(900), quote(700, extra={"new": 1}))) as platform:
        found = await client.quotes(access(platform), {"parcel": {"weight_grams": 1}}, SHOP)
    assert [each.fee_aoa for each in found] == [900, 700]
    request = platform.requests[0]
    assert (request.method, request.target) == ("POST", "/v1/quotes")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["accept-encoding"] == "identity"
    assert json.loads(request.body) == {"parcel": {"weight_grams": 1}}


_SENSELESS_QUOTES: list[Any] = [
    quote(-1),
    quote(5, fee_aoa="5"),
    quote(5, fee_aoa=5.5),
    quote(5, fee_aoa=10**40),
    quote(5, valid_until="tomorrow"),
    quote(5, valid_until="2026-02-01T09:30:00"),
    quote(5, quote_id=""),
    quote(5, quote_id="../x"),
    quote(5, eta_minutes=None),
    {},
    None,
    7,
    "quote",
    [],
]


@pytest.mark.parametrize("senseless", _SENSELESS_QUOTES, ids=map(str, range(14)))
async def test_a_quote_that_makes_no_sense_is_left_out_and_the_others_count(
    client: EntregaClient, senseless: Any
) -> None:
    listed = {"data": [senseless, quote(900), senseless, quote(700)]}
    async with Receiver(told(listed)) as platform:
        found = await client.quotes(access(platform), {}, SHOP)
    assert [each.fee_aoa for each in found] == [900, 700]


async def test_quotes_of_which_none_makes_sense_are_no_answer(client: EntregaClient) -> None:
    async with Receiver(told({"data": _SENSELESS_QUOTES})) as platform:
        with pytest.raises(InDoubt, match="no entry makes sense: fee_aoa"):
            await client.quotes(access(platform), {}, SHOP)


async def test_whole_numbers_are_read_as_php_and_lua_write_them(client: EntregaClient) -> None:
    listed = {"data": [quote(0, fee_aoa=1800.0, eta_minutes=45.0)]}
    async with Receiver(told(listed)) as platform:
        (found,) = await client.quotes(access(platform), {}, SHOP)
    assert (found.fee_aoa, found.eta_minutes) == (1800, 45)


async def test_others_deliveries_that_make_no_sense_do_not_hide_ours(
    client: EntregaClient,
) -> None:
    ours = delivery(_OUR_ID, status="with_the_neighbours")  # one that we do not know
    listed = [None, 7, delivery(id=None), delivery("another", id="a/b"), ours]
    async with Receiver(told({"data": listed, "pagination": {"has_more": False}})) as platform:
        found = await client.find(access(platform), _OUR_ID, _SINCE)
    assert found is not None
    assert (found.id, found.status) == (ours["id"], None)


async def test_an_entry_that_names_ours_and_makes_no_sense_leaves_it_in_doubt(
    client: EntregaClient,
) -> None:
    listed = [delivery(_OUR_ID, id=None), delivery()]
    async with Receiver(told({"data": listed, "pagination": {"has_more": False}})) as platform:
        with pytest.raises(InDoubt, match="names the delivery"):
            await client.find(access(platform), _OUR_ID, _SINCE)


async def test_events_that_are_not_known_are_left_out_of_a_timeline(client: EntregaClient) -> None:
    def event(status: Any, **changes: Any) -> dict[str, Any]:
        return {"id": f"evt_{uuid4()}", "payload": {"status": status}, **changes}

    listed: list[Any] = [
        event("pending"),
        event("weighed"),
        event(None),
        event("assigned", occurred_at=17),
        event("assigned", id=None),
        {"id": "evt_1"},
        event("in_transit", payload={"status": "in_transit", "note": 7}, source=3),
        None,
    ]
    async with Receiver(told({"data": listed})) as platform:
        found = await client.events(access(platform), "id")
    statuses = [each.payload.status for each in found]
    assert statuses == [Status.PENDING, Status.ASSIGNED, Status.IN_TRANSIT]
    assert found[-1].payload.note is None


async def test_a_delivery_is_created_under_its_key(client: EntregaClient) -> None:
    made = delivery(_OUR_ID, delivery_pin="123456")
    async with Receiver(told({"data": made}, 201)) as platform:
        found = await client.create(access(platform), {"quote_id": "q"}, _OUR_ID)
    assert (found.id, found.delivery_pin, found.our_id) == (made["id"], "123456", _OUR_ID)
    assert platform.requests[0].headers["idempotency-key"] == _OUR_ID


async def test_a_delivery_that_was_created_is_known_by_its_id_whatever_else_is_odd(
    client: EntregaClient,
) -> None:
    odd: dict[str, Any] = {
        "status": "teleported",
        "courier_fee_aoa": "700",
        "delivery_pin": "<script>",
        "more": {},
    }
    made = delivery(_OUR_ID, **odd)
    async with Receiver(told({"data": made}, 201)) as platform:
        found = await client.create(access(platform), {"quote_id": "q"}, _OUR_ID)
    assert found.id == made["id"]
    assert (found.status, found.courier_fee_aoa, found.delivery_pin) == (None, None, None)


async def test_a_delivery_is_looked_up_over_all_pages(client: EntregaClient) -> None:
    ours = delivery(_OUR_ID)
    others = [delivery(), delivery("another"), delivery(options=None), delivery(options=7)]
    pages = in_turn(
        told({"data": others, "pagination": {"has_more": True}}),
        told({"data": [*others, ours], "pagination": {"has_more": True}}),
    )
    async with Receiver(pages) as platform:
        found = await client.find(access(platform), _OUR_ID, _SINCE)
    assert found is not None
    assert found.id == ours["id"]
    queries = [parse_qs(urlsplit(request.target).query) for request in platform.requests]
    assert [query["offset"] for query in queries] == [["0"], ["100"]]
    assert queries[0]["inserted_at_gte"] == ["2026-02-01T09:30:00Z"]
    assert queries[0]["sort"] == ["inserted_at_asc"]


async def test_a_delivery_that_is_on_no_page_is_not_there(client: EntregaClient) -> None:
    page = {"data": [delivery()], "pagination": {"has_more": False}}
    async with Receiver(told(page)) as platform:
        assert await client.find(access(platform), _OUR_ID, _SINCE) is None


async def test_a_timeline_is_read_and_its_notes_are_made_storable(client: EntregaClient) -> None:
    events: list[dict[str, Any]] = [
        {
            "id": f"evt_{uuid4()}",
            "event_type": "delivery.stalled",
            "occurred_at": "2026-02-01T09:30:00Z",
            "source": "courier",
            "payload": {"status": "stalled", "note": "a\0b\n" + "c" * 600, "proof": {}},
        }
    ]
    async with Receiver(told({"data": events})) as platform:
        (found,) = await client.events(access(platform), "id/../..?x")
    assert found.payload.status is Status.STALLED
    assert found.payload.note == "ab" + "c" * 496
    assert platform.requests[0].target == "/v1/deliveries/id%2F..%2F..%3Fx/events"


async def test_a_delivery_is_called_off(client: EntregaClient) -> None:
    async with Receiver(told({"data": delivery(status="cancelled")})) as platform:
        found = await client.cancel(access(platform), "an-id")
    assert found.status is Status.CANCELLED
    assert (platform.requests[0].method, platform.requests[0].target) == (
        "DELETE",
        "/v1/deliveries/an-id",
    )


@pytest.mark.parametrize(
    "behaviour",
    [
        close_after_reading(),
        reset_after_reading(),
        raw(b"HTTP/1.1 201 Created\r\nContent-Length: 90\r\n\r\n{"),
        raw(b"SSH-2.0-nothing\r\n"),
        answer(500),
        answer(502, body=b"<html>Bad gateway</html>"),
        answer(504),
        answer(408),
        answer(499),
        redirect("http://127.0.0.1:1/elsewhere"),
        redirect("/v1/deliveries", 302),
        answer(200, {"Content-Type": "text/html"}, b"<html>Welcome</html>"),
        answer(200, body=b""),
        answer(200, body=b"\xff\xfe"),
        answer(204, body=b""),
        told([]),
        told({"data": None}),
        told({"data": [delivery()]}),
        told({"data": delivery(id=7)}),
        told({"data": delivery(id="a/../b")}),
        told({"data": delivery(id="x" * 129)}),
        answer(200, body=b'{"data": ' + b"[" * 100_000),
        endless_body(),
        endless_header_line(),
        gzip_bomb(),
        answer(200, body=b" " * (ANSWER_BYTES + 1)),
    ],
)
async def test_whatever_is_no_certain_answer_leaves_a_creation_in_doubt(
    client: EntregaClient, behaviour: Behaviour
) -> None:
    async with Receiver(behaviour) as platform:
        with pytest.raises(InDoubt):
            await client.create(access(platform), {}, _OUR_ID)
        assert len(platform.requests) == 1


@pytest.mark.parametrize("behaviour", [silent(), byte_a_second(0.2), slow_headers(0.2)])
async def test_what_takes_too_long_is_given_up_and_hung_up(
    client: EntregaClient, behaviour: Behaviour
) -> None:
    async with Receiver(behaviour) as platform:
        with pytest.raises(Late):
            await client.show(access(platform), "an-id", seconds=0.5)
        await platform.wait_until(lambda: platform.open_connections == 0)


async def test_what_never_reached_anybody_is_certain(client: EntregaClient) -> None:
    async with Receiver() as platform:
        gone = access(platform)
    with pytest.raises(NotSent):
        await client.create(gone, {}, _OUR_ID)
    unknown = Access(uuid4(), "far", "http://platform.invalid", KEY)
    with pytest.raises(NotSent):
        await client.create(unknown, {}, _OUR_ID)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422, 429])
async def test_a_refusal_is_certain_and_tells_its_code(client: EntregaClient, status: int) -> None:
    async with Receiver(refusing(status, "quote_expired", **{"Retry-After": "7"})) as platform:
        with pytest.raises(Declined) as refused:
            await client.create(access(platform), {}, _OUR_ID)
    no = refused.value
    assert (no.status, no.code, no.retry_in_seconds) == (status, "quote_expired", 7)
    assert no.is_reasoned
    assert "not that" in str(no)


@pytest.mark.parametrize("wait", ["soon", "-1", "Wed, 21 Oct 2026 07:28:00 GMT", "²"])
async def test_a_refusal_by_something_in_front_of_it_is_not_the_platforms(
    client: EntregaClient, wait: str
) -> None:
    page = answer(429, {"Content-Type": "text/html", "Retry-After": wait}, b"<html>Slow down")
    async with Receiver(page) as platform:
        with pytest.raises(Declined) as refused:
            await client.create(access(platform), {}, _OUR_ID)
    assert not refused.value.is_reasoned
    assert refused.value.retry_in_seconds is None


async def test_a_key_and_a_proxy_of_the_environment_go_nowhere_else(
    client: EntregaClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Receiver() as proxy, Receiver(redirect(proxy.url)) as platform:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(InDoubt):
            await client.quotes(access(platform), {}, SHOP)
        assert proxy.connections == 0
        assert KEY not in repr(access(platform))


async def test_a_platform_that_fails_in_a_row_is_not_asked_any_more(client: EntregaClient) -> None:
    async with Receiver(answer(500)) as platform, Receiver(quoting(quote())) as healthy:
        failing, other = access(platform), access(healthy, "near")
        for _ in range(FAILURES):
            with pytest.raises(InDoubt):
                await client.quotes(failing, {}, SHOP)
        with pytest.raises(CourierResting):
            await client.quotes(failing, {}, SHOP)
        assert len(platform.requests) == FAILURES
        assert len(await client.quotes(other, {}, SHOP)) == 1


@pytest.mark.parametrize("behaviour", [refusing(422), refusing(502), refusing(503)])
async def test_a_platform_that_refuses_lives(client: EntregaClient, behaviour: Behaviour) -> None:
    async with Receiver(behaviour) as platform:
        far = access(platform)
        for _ in range(FAILURES + 1):
            with pytest.raises((Declined, PlatformUnavailable)):
                await client.quotes(far, {}, SHOP)
        assert len(platform.requests) == FAILURES + 1


async def test_who_asks_most_steps_back_when_a_platform_wants_to_be_asked_less(
    client: EntregaClient,
) -> None:
    price, enough = quoting(quote()), refusing(429)
    async with Receiver(in_turn(price, price, price, enough, price)) as platform:
        far = access(platform)
        for _ in range(3):
            await client.quotes(far, {}, OTHER_SHOP)
        assert len(await client.quotes(far, {}, SHOP)) == 1  # asked again when it wants
        assert len(platform.requests) == 5


async def test_a_platform_that_fails_for_one_account_is_asked_for_the_others(
    client: EntregaClient,
) -> None:
    async with Receiver(in_turn(*[answer(500)] * FAILURES, quoting(quote()))) as platform:
        far = access(platform)
        for _ in range(FAILURES):
            with pytest.raises(InDoubt):
                await client.quotes(far, {}, OTHER_SHOP)
        with pytest.raises(CourierResting):
            await client.quotes(far, {}, OTHER_SHOP)
        assert len(await client.quotes(far, {}, SHOP)) == 1


async def test_nonsense_counts_as_failing(client: EntregaClient) -> None:
    async def html(request: ReceivedRequest, connection: Connection) -> bool:
        return await answer(200, {"Content-Type": "text/html"}, b"<html>")(request, connection)

    async with Receiver(html) as platform:
        far = access(platform)
        for _ in range(FAILURES):
            with pytest.raises(InDoubt):
                await client.quotes(far, {}, SHOP)
        with pytest.raises(CourierResting):
            await client.quotes(far, {}, SHOP)
