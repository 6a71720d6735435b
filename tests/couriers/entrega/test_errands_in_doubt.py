"""Creations of which nobody knows whether they arrived: what is looked up, and not made twice."""

from urllib.parse import parse_qs, urlsplit

import pytest

from estafette.core.deliveries.delivery import Progress, Status
from estafette.couriers.entrega import EntregaClient, EntregaPlatform
from estafette.couriers.platforms.errands import GIVE_UP, LOOK_BACK, Never, NotNow, Placed, Placing
from tests.couriers.entrega.errands import A_WHILE, NOW, calls, created, errand, place
from tests.couriers.stage import access, delivery, page, quote, quoting, refusing, routed, told
from tests.receivers import Behaviour, Receiver, answer, close_after_reading, in_turn


async def test_what_is_in_doubt_is_looked_up_and_found_and_not_created(
    client: EntregaClient,
) -> None:
    wanted = errand(doubt=A_WHILE)
    there = delivery(str(wanted.delivery.id), id="theirs")
    async with Receiver(routed(list=page(delivery(), there))) as platform:
        verdict = await place(client, platform, wanted)
    assert isinstance(verdict, Placed)
    assert (verdict.found, verdict.placement.upstream_id) == (True, "theirs")
    assert calls(platform) == ["list"]
    (since,) = parse_qs(urlsplit(platform.requests[0].target).query)["inserted_at_gte"]
    assert since == (NOW - LOOK_BACK).isoformat(timespec="seconds").replace("+00:00", "Z")


async def test_what_is_in_doubt_and_is_not_there_is_created(client: EntregaClient) -> None:
    wanted = errand(doubt=A_WHILE)
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
        verdict = await place(client, platform, errand(doubt=A_WHILE))
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
        second = await place(client, platform, errand(doubt=A_WHILE))
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
        verdict = await place(client, platform, errand(ended, doubt=A_WHILE))
        assert isinstance(verdict, NotNow)
        assert verdict.looked_up
        verdict = await place(client, platform, errand(ended))
        assert isinstance(verdict, NotNow)
    assert calls(platform) == ["list"]


async def test_it_is_given_up_after_a_day_but_only_when_it_is_not_there(
    client: EntregaClient,
) -> None:
    wanted = errand(doubt=A_WHILE, trying_for=GIVE_UP)
    there = delivery(str(wanted.delivery.id))
    async with Receiver(routed(list=in_turn(page(there), page()))) as platform:
        assert isinstance(await place(client, platform, wanted), Placed)
        assert isinstance(await place(client, platform, wanted), Never)
