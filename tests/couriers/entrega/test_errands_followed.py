"""What is seen of a delivery that another platform carries, and what came of calling it off."""

from uuid import uuid4

import pytest

from estafette.core.accounts.account import Mode
from estafette.core.couriers.company import Company
from estafette.core.couriers.upstream import Recalled, UpstreamStep
from estafette.core.deliveries.delivery import Progress, Status
from estafette.couriers.entrega import EntregaClient, EntregaCourier, EntregaPlatform
from estafette.couriers.platforms import Access
from estafette.couriers.platforms.errands import GIVE_UP, DeliverySeen, Lost, Unseen, look
from tests.couriers.entrega.errands import COMPANY, calls, errand, looked
from tests.couriers.stage import access, delivery, refusing, routed, timeline, told
from tests.receivers import Behaviour, Receiver, answer, close_after_reading


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
        assert await courier.recall(COMPANY, Mode.LIVE, str(uuid4())) is expected
        assert await courier.recall(COMPANY, Mode.SANDBOX, "theirs") is Recalled.UNKNOWN
