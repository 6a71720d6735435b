"""Errands at platforms that answer, refuse, fall silent: what may be said of the delivery then."""

import json
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest

from estafette.core.accounts.account import Mode, Scope
from estafette.core.couriers.company import Company, Connector
from estafette.core.couriers.upstream import Recalled, UpstreamStep
from estafette.core.deliveries.delivery import Delivery, Parcel, Progress, Status, Stop
from estafette.core.ids import new_id
from estafette.core.money.payment import Payment, PaymentMethod
from estafette.couriers.entrega import EntregaClient, EntregaCourier, EntregaPlatform
from estafette.couriers.platforms import Access
from estafette.couriers.platforms.errands import (
    GIVE_UP,
    LOOK_BACK,
    DeliverySeen,
    Lost,
    Never,
    NotNow,
    Placed,
    Placing,
    Unseen,
    Verdict,
    look,
)
from estafette.usecases.couriers.dispatch import Errand
from tests.couriers.stage import (
    access,
    asked,
    delivery,
    page,
    quote,
    quoting,
    refusing,
    routed,
    timeline,
    told,
)
from tests.receivers import Behaviour, Receiver, answer, close_after_reading, in_turn
from tests.usecases.angola import ENTREGA

_NOW = datetime.now(UTC)
_A_WHILE = timedelta(minutes=5)
_BODY: dict[str, Any] = {
    "origin": {"address_line": "Rua 1", "city": "Luanda", "province": "Luanda"},
    "destination": {"address_line": "Rua 2", "city": "Luanda", "province": "Luanda"},
    "parcel": {"weight_grams": 5},
}
_COMPANY = Company(new_id(), "AO", None, "Far", "far", Connector.REMOTE, "Africa/Luanda")


def errand(delivery_changes: dict[str, Any] | None = None, **changes: Any) -> Errand:
    """The first try to place a delivery that costs 700 there."""
    fields: dict[str, Any] = {
        "id": new_id(),
        "scope": Scope(new_id(), Mode.LIVE),
        "progress": Progress(Status.PENDING, Status.PENDING),
        "pickup": Stop("Rua 1"),
        "dropoff": Stop("Rua 2"),
        "parcel": Parcel(5),
        "fee": 800,
        "company_fee": 700,
        "pickup_by": _NOW,
        "deliver_by": _NOW,
        "created_at": _NOW,
        "updated_at": _NOW,
        "metadata": {"the merchant's": "own"},
        **(delivery_changes or {}),
    }
    first = Errand(
        company=_COMPANY,
        delivery=Delivery(**fields),
        dialect=ENTREGA,
        attempt=1,
        upstream={"quote_id": "quote-1", **_BODY},
        upstream_id=None,
        doubt=None,
        first_tried_at=_NOW,
        trying_for=timedelta(),
        seen=None,
        polls=0,
        recalled=False,
    )
    return replace(first, **changes)


@pytest.fixture
async def client() -> AsyncGenerator[EntregaClient]:
    client = EntregaClient()
    yield client
    await client.close()


async def place(client: EntregaClient, platform: Receiver, wanted: Errand) -> Verdict:
    return await Placing(EntregaPlatform(client), access(platform), wanted).place()


async def looked(client: EntregaClient, at: Access, given: Errand, id: str) -> Verdict:
    return await look(EntregaPlatform(client), at, given, id)


def calls(platform: Receiver) -> list[str]:
    """What a platform was asked, in order."""
    return [asked(request) for request in platform.requests]


def created(wanted: Errand, **changes: Any) -> Behaviour:
    """Answers as to a creation for an errand."""
    return told({"data": delivery(str(wanted.delivery.id), id="theirs", **changes)}, 201)


async def test_a_delivery_is_placed_under_its_own_id_and_tells_nothing_of_the_merchant(
    client: EntregaClient,
) -> None:
    wanted = errand()
    async with Receiver(created(wanted, delivery_pin="1234")) as platform:
        verdict = await place(client, platform, wanted)
    assert isinstance(verdict, Placed)
    found = verdict.placement
    assert (found.upstream_id, found.pin, found.fee) == ("theirs", "1234", 700)
    assert not verdict.found
    assert calls(platform) == ["create"]
    request = platform.requests[0]
    our_id = str(wanted.delivery.id)
    assert request.headers["idempotency-key"] == our_id
    assert json.loads(request.body) == {
        "quote_id": "quote-1",
        **_BODY,
        "payment_method": "prepaid",
        "options": {"metadata": {"estafette_delivery_id": our_id}},
    }


_ANA = Stop("Rua 2", name="Ana", phone="923 444 555", phone_e164="+244923444555")
_TO_ANA = {**_BODY, "destination": {**_BODY["destination"], "contact": {
    "name": "Ana", "phone": "+244923444555"}}}  # fmt: skip


async def test_whom_to_call_is_told_to_the_company_that_carries(client: EntregaClient) -> None:
    wanted = errand({"dropoff": _ANA})
    async with Receiver(created(wanted)) as platform:
        await place(client, platform, wanted)
    sent = json.loads(platform.requests[0].body)
    assert {name: sent[name] for name in _TO_ANA} == _TO_ANA


async def test_a_contact_that_an_older_quote_has_bound_stays_as_it_was(
    client: EntregaClient,
) -> None:
    bound = {"name": "Ana", "phone": "923444555"}
    upstream = {**_BODY, "destination": {**_BODY["destination"], "contact": bound}}
    wanted = errand({"dropoff": _ANA}, upstream={"quote_id": "quote-1", **upstream})
    async with Receiver(created(wanted)) as platform:
        await place(client, platform, wanted)
    assert json.loads(platform.requests[0].body)["destination"] == upstream["destination"]


async def test_a_platform_whose_quotes_bind_contacts_is_asked_anew_with_them(
    client: EntregaClient,
) -> None:
    wanted = errand({"dropoff": _ANA})
    create = in_turn(refusing(422, "quote_payload_mismatch"), created(wanted))
    again = quoting(quote(700, quote_id="quote-2"))
    async with Receiver(routed(create=create, quotes=again)) as platform:
        verdict = await place(client, platform, wanted)
    assert isinstance(verdict, Placed)
    assert calls(platform) == ["create", "quotes", "create"]
    assert json.loads(platform.requests[1].body) == _TO_ANA
    sent = json.loads(platform.requests[2].body)
    assert sent["quote_id"] == "quote-2"
    assert {name: sent[name] for name in _TO_ANA} == _TO_ANA


async def test_cash_and_times_to_come_are_passed_on_and_past_times_are_not(
    client: EntregaClient,
) -> None:
    later = datetime(2099, 1, 1, tzinfo=UTC)
    wanted = errand(
        {
            "payment": Payment(PaymentMethod.COD, 5_000),
            "scheduled_pickup_at": _NOW - timedelta(hours=1),
            "scheduled_delivery_at": later,
        }
    )
    async with Receiver(created(wanted)) as platform:
        await place(client, platform, wanted)
    sent = json.loads(platform.requests[0].body)
    assert (sent["payment_method"], sent["cash_collect_aoa"]) == ("cod", 5_000)
    assert "scheduled_pickup_at" not in sent
    assert sent["scheduled_delivery_at"] == "2099-01-01T00:00:00Z"


async def test_a_paid_transfer_is_prepaid_upstream(client: EntregaClient) -> None:
    wanted = errand({"payment": Payment(PaymentMethod.BANK_TRANSFER)})
    async with Receiver(created(wanted)) as platform:
        await place(client, platform, wanted)
    assert json.loads(platform.requests[0].body)["payment_method"] == "prepaid"


async def test_what_is_in_doubt_is_looked_up_and_found_and_not_created(
    client: EntregaClient,
) -> None:
    wanted = errand(doubt=_A_WHILE)
    there = delivery(str(wanted.delivery.id), id="theirs")
    async with Receiver(routed(list=page(delivery(), there))) as platform:
        verdict = await place(client, platform, wanted)
    assert isinstance(verdict, Placed)
    assert (verdict.found, verdict.placement.upstream_id) == (True, "theirs")
    assert calls(platform) == ["list"]
    (since,) = parse_qs(urlsplit(platform.requests[0].target).query)["inserted_at_gte"]
    assert since == (_NOW - LOOK_BACK).isoformat(timespec="seconds").replace("+00:00", "Z")


async def test_what_is_in_doubt_and_is_not_there_is_created(client: EntregaClient) -> None:
    wanted = errand(doubt=_A_WHILE)
    async with Receiver(routed(list=page(delivery()), create=created(wanted))) as platform:
        verdict = await place(client, platform, wanted)
    assert isinstance(verdict, Placed)
    assert calls(platform) == ["list", "create"]


@pytest.mark.parametrize(
    "trouble", [answer(500), refusing(429), refusing(503), close_after_reading(), told({})]
)
async def test_what_cannot_be_looked_up_is_not_created(
    client: EntregaClient, trouble: Behaviour
) -> None:
    async with Receiver(routed(list=trouble)) as platform:
        verdict = await place(client, platform, errand(doubt=_A_WHILE))
    assert isinstance(verdict, NotNow)
    assert not verdict.looked_up
    assert set(calls(platform)) == {"list"}


@pytest.mark.parametrize(
    "trouble", [answer(500), refusing(503), close_after_reading(), told({}), answer(302)]
)
async def test_a_creation_without_a_certain_answer_is_in_doubt(
    client: EntregaClient, trouble: Behaviour
) -> None:
    async with Receiver(routed(list=page(), create=trouble)) as platform:
        first = await place(client, platform, errand())
        second = await place(client, platform, errand(doubt=_A_WHILE))
    assert isinstance(first, NotNow)
    assert isinstance(second, NotNow)
    assert (first.doubtful, second.doubtful) == (True, True)
    assert calls(platform) == ["create", "list", "create"]


async def test_a_creation_that_cannot_have_arrived_is_in_no_doubt(client: EntregaClient) -> None:
    async with Receiver() as platform:
        gone = access(platform)
    verdict = await Placing(EntregaPlatform(client), gone, errand()).place()
    assert isinstance(verdict, NotNow)
    assert not verdict.doubtful


@pytest.mark.parametrize("status", [401, 403, 404, 405, 429])
async def test_a_refusal_that_may_pass_is_tried_again(client: EntregaClient, status: int) -> None:
    async with Receiver(refusing(status, **{"Retry-After": "9"})) as platform:
        verdict = await place(client, platform, errand())
    assert isinstance(verdict, NotNow)
    assert (verdict.doubtful, verdict.retry_in_seconds) == (False, 9)


@pytest.mark.parametrize(
    ("refusal", "for_good"),
    [
        (refusing(422), True),
        (refusing(400), True),
        (refusing(422, "payment_method_not_supported"), True),
        (answer(400, {"Content-Type": "text/html"}, b"<html>"), False),
        (answer(422, body=b'{"status": 200}'), False),
    ],
)
async def test_a_refusal_by_the_platform_itself_is_for_good(
    client: EntregaClient, refusal: Behaviour, for_good: bool
) -> None:
    async with Receiver(refusal) as platform:
        verdict = await place(client, platform, errand())
    assert isinstance(verdict, Never if for_good else NotNow)


@pytest.mark.parametrize("code", ["quote_expired", "quote_not_found"])
async def test_an_expired_quote_is_asked_for_anew_and_used_if_it_costs_no_more(
    client: EntregaClient, code: str
) -> None:
    wanted = errand()
    create = in_turn(refusing(422, code), created(wanted))
    again = quoting(quote(900), quote(700, quote_id="quote-2"))
    async with Receiver(routed(create=create, quotes=again)) as platform:
        verdict = await place(client, platform, wanted)
    assert isinstance(verdict, Placed)
    assert calls(platform) == ["create", "quotes", "create"]
    assert json.loads(platform.requests[1].body) == _BODY
    last = platform.requests[2]
    assert json.loads(last.body)["quote_id"] == "quote-2"
    assert last.headers["idempotency-key"] == str(wanted.delivery.id)


@pytest.mark.parametrize("quotes", [(), (quote(701), quote(900))])
async def test_a_new_quote_that_costs_more_or_is_none_is_the_end(
    client: EntregaClient, quotes: tuple[dict[str, Any], ...]
) -> None:
    behaviour = routed(create=refusing(422, "quote_expired"), quotes=quoting(*quotes))
    async with Receiver(behaviour) as platform:
        verdict = await place(client, platform, errand())
    assert isinstance(verdict, Never)
    assert calls(platform) == ["create", "quotes"]


async def test_a_new_creation_in_doubt_is_in_doubt_and_a_failed_question_is_not(
    client: EntregaClient,
) -> None:
    create = in_turn(refusing(422, "quote_expired"), close_after_reading())
    async with Receiver(routed(create=create, quotes=quoting(quote()))) as platform:
        verdict = await place(client, platform, errand())
    assert isinstance(verdict, NotNow)
    assert verdict.doubtful
    behaviour = routed(create=refusing(422, "quote_expired"), quotes=answer(500))
    async with Receiver(behaviour) as platform:
        verdict = await place(client, platform, errand())
    assert isinstance(verdict, NotNow)
    assert not verdict.doubtful


@pytest.mark.parametrize("refusal", [refusing(409), refusing(422, "quote_already_used")])
async def test_a_key_or_a_quote_that_was_used_is_looked_up(
    client: EntregaClient, refusal: Behaviour
) -> None:
    wanted = errand()
    there = delivery(str(wanted.delivery.id), id="theirs")
    async with Receiver(routed(create=refusal, list=page(there))) as platform:
        verdict = await place(client, platform, wanted)
    assert isinstance(verdict, Placed)
    assert verdict.found
    assert calls(platform) == ["create", "list"]


async def test_a_used_key_whose_delivery_is_not_there_stays_in_doubt(
    client: EntregaClient,
) -> None:
    async with Receiver(routed(create=refusing(409), list=page())) as platform:
        verdict = await place(client, platform, errand())
    assert isinstance(verdict, NotNow)
    assert verdict.doubtful
    async with Receiver(routed(create=refusing(409), list=answer(500))) as platform:
        verdict = await place(client, platform, errand())
    assert isinstance(verdict, NotNow)
    assert verdict.doubtful


async def test_a_used_quote_whose_delivery_is_not_ours_is_asked_for_anew(
    client: EntregaClient,
) -> None:
    wanted = errand()
    create = in_turn(refusing(422, "quote_already_used"), created(wanted))
    behaviour = routed(create=create, list=page(delivery("other")), quotes=quoting(quote()))
    async with Receiver(behaviour) as platform:
        verdict = await place(client, platform, wanted)
    assert isinstance(verdict, Placed)
    assert calls(platform) == ["create", "list", "quotes", "create"]


async def test_what_is_not_wanted_any_more_is_only_looked_up(client: EntregaClient) -> None:
    ended = {"progress": Progress(Status.CANCELLED, Status.CANCELLED)}
    async with Receiver(routed(list=page())) as platform:
        verdict = await place(client, platform, errand(ended, doubt=_A_WHILE))
        assert isinstance(verdict, NotNow)
        assert verdict.looked_up
        verdict = await place(client, platform, errand(ended))
        assert isinstance(verdict, NotNow)
    assert calls(platform) == ["list"]


async def test_it_is_given_up_after_a_day_but_only_when_it_is_not_there(
    client: EntregaClient,
) -> None:
    wanted = errand(doubt=_A_WHILE, trying_for=GIVE_UP)
    there = delivery(str(wanted.delivery.id))
    async with Receiver(routed(list=in_turn(page(there), page()))) as platform:
        assert isinstance(await place(client, platform, wanted), Placed)
        assert isinstance(await place(client, platform, wanted), Never)


async def test_a_delivery_is_seen_with_all_its_steps(client: EntregaClient) -> None:
    async with Receiver(routed(events=timeline("pending", "assigned"))) as platform:
        verdict = await looked(client, access(platform), errand(), "theirs")
    assert isinstance(verdict, DeliverySeen)
    assert verdict.report.status is Status.ASSIGNED
    assert verdict.report.steps == [
        UpstreamStep("evt_1", Status.PENDING, "note 1"),
        UpstreamStep("evt_2", Status.ASSIGNED, "note 2"),
    ]


@pytest.mark.parametrize(
    ("source", "note"),
    [
        ("courier", "note 1"),
        ("driver", "note 1"),
        (None, "note 1"),
        (7, "note 1"),
        ("system", None),
        ("operator", None),
        ("merchant", None),
    ],
)
async def test_only_a_couriers_note_is_taken_over(
    client: EntregaClient, source: object, note: str | None
) -> None:
    event = {
        "id": "evt_1",
        "occurred_at": "2026-02-01T09:30:00Z",
        "source": source,
        "payload": {"status": "stalled", "note": "note 1"},
    }
    async with Receiver(routed(events=told({"data": [event]}))) as platform:
        verdict = await looked(client, access(platform), errand(), "theirs")
    assert isinstance(verdict, DeliverySeen)
    assert verdict.report.steps == [UpstreamStep("evt_1", Status.STALLED, note)]


@pytest.mark.parametrize(
    ("answered", "there"),
    [(told({"data": delivery(status="cancelled")}), "cancelled"), (refusing(409), "in_transit")],
    ids=["called off", "gone too far"],
)
async def test_what_was_cancelled_here_is_called_off_before_it_is_looked_at(
    client: EntregaClient, answered: Behaviour, there: str
) -> None:
    given_up = errand({"progress": Progress(Status.CANCELLED, Status.CANCELLED)})
    routes = routed(cancel=answered, events=timeline("pending", there))
    async with Receiver(routes) as platform:
        verdict = await looked(client, access(platform), given_up, "theirs")
        assert calls(platform) == ["cancel", "events"]
    assert isinstance(verdict, DeliverySeen)
    assert verdict.report.status is Status(there)


async def test_what_cannot_be_called_off_now_is_tried_again(client: EntregaClient) -> None:
    given_up = errand({"progress": Progress(Status.CANCELLED, Status.CANCELLED)})
    async with Receiver(routed(cancel=answer(500))) as platform:
        assert isinstance(await looked(client, access(platform), given_up, "theirs"), Unseen)


async def test_a_delivery_without_a_timeline_is_seen_as_it_is(client: EntregaClient) -> None:
    show = told({"data": delivery(status="in_transit")})
    async with Receiver(routed(events=timeline(), show=show)) as platform:
        verdict = await looked(client, access(platform), errand(), "theirs")
    assert isinstance(verdict, DeliverySeen)
    assert (verdict.report.status, verdict.report.steps) == (Status.IN_TRANSIT, [])


@pytest.mark.parametrize(
    "trouble",
    [answer(500), refusing(404), refusing(401), close_after_reading(), timeline("teleported")],
)
async def test_what_cannot_be_seen_is_looked_at_again(
    client: EntregaClient, trouble: Behaviour
) -> None:
    async with Receiver(trouble) as platform:
        verdict = await looked(client, access(platform), errand(), "theirs")
    assert isinstance(verdict, Unseen)


async def test_what_is_not_known_there_for_a_day_is_lost(client: EntregaClient) -> None:
    async with Receiver(refusing(404)) as platform:
        verdict = await look(
            EntregaPlatform(client), access(platform), errand(trying_for=GIVE_UP), "theirs"
        )
    assert isinstance(verdict, Lost)


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        (routed(cancel=told({"data": delivery(status="cancelled")})), Recalled.CANCELLED),
        (routed(cancel=told({"data": delivery(status="pending")})), Recalled.UNKNOWN),
        (
            routed(cancel=refusing(409), show=told({"data": delivery(status="cancelled")})),
            Recalled.CANCELLED,
        ),
        (
            routed(cancel=refusing(409), show=told({"data": delivery(status="in_transit")})),
            Recalled.REFUSED,
        ),
        (routed(cancel=refusing(409), show=answer(500)), Recalled.UNKNOWN),
        (routed(cancel=refusing(404)), Recalled.UNKNOWN),
        (routed(cancel=refusing(429)), Recalled.UNKNOWN),
        (routed(cancel=answer(500)), Recalled.UNKNOWN),
        (routed(cancel=close_after_reading()), Recalled.UNKNOWN),
        (routed(cancel=told([])), Recalled.UNKNOWN),
    ],
)
async def test_what_came_of_a_recall_is_told_only_when_it_is_certain(
    client: EntregaClient, behaviour: Behaviour, expected: Recalled
) -> None:
    async with Receiver(behaviour) as platform:

        async def reach(_company: Company, mode: Mode) -> Access | None:
            return access(platform) if mode is Mode.LIVE else None

        courier = EntregaCourier(client, reach)
        assert await courier.recall(_COMPANY, Mode.LIVE, str(uuid4())) is expected
        assert await courier.recall(_COMPANY, Mode.SANDBOX, "theirs") is Recalled.UNKNOWN
