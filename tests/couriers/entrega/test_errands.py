"""Errands at platforms that answer or refuse: what is asked of them, and what is tried again."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from estafette.core.deliveries.delivery import Stop
from estafette.core.money.payment import Payment, PaymentMethod
from estafette.couriers.entrega import EntregaClient
from estafette.couriers.platforms.errands import Never, NotNow, Placed
from tests.couriers.entrega.errands import BODY, NOW, calls, created, errand, place
from tests.couriers.stage import quote, quoting, refusing, routed
from tests.receivers import Behaviour, Receiver, answer, in_turn


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
        **BODY,
        "payment_method": "prepaid",
        "options": {"metadata": {"estafette_delivery_id": our_id}},
    }


_ANA = Stop("Rua 2", name="Ana", phone="923 444 555", phone_e164="+244923444555")
_TO_ANA = {**BODY, "destination": {**BODY["destination"], "contact": {
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
    upstream = {**BODY, "destination": {**BODY["destination"], "contact": bound}}
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
            "scheduled_pickup_at": NOW - timedelta(hours=1),
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
    assert json.loads(platform.requests[1].body) == BODY
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
