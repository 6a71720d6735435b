"""A merchant says in the words of the dialect what follows failed attempts, and is told of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.failing import AttemptReason, FailedAttempt
from estafette.core.deliveries.windows import Window
from estafette.store.deliveries import table as deliveries
from tests.edges import EDGES, ENTREGA, KASPI, Edge
from tests.serving import Server, Tenant, delivery_id

POLICY = {"attempts": 2, "then": "leave_at_door"}


async def asked(tenant: Tenant, said: Any, **more: Any) -> Any:
    body = await tenant.body("order-1")
    if tenant.edge is KASPI:
        body |= {"failing": said, **more}
    else:
        body["options"] = {"failing": said, **more}
    return await tenant.post(tenant.edge.create_path, body)


def in_answer(answer: Any) -> dict[str, Any]:
    return answer.get("data", answer)


@pytest.mark.parametrize("edge", EDGES, ids=str)
async def test_the_policy_the_attempts_and_the_window_are_told_and_the_promise_moves(
    server: Server, edge: Edge
) -> None:
    tenant = await server.tenant(edge)
    created = await asked(tenant, POLICY)
    assert created.status == edge.created_status, created.body
    shown = edge.id_of(created.told)
    await tenant.move(shown, Status.ASSIGNED, Status.IN_TRANSIT)
    told = in_answer(await tenant.ask(edge.get(shown)))
    assert (told if edge is KASPI else told["options"])["failing"] == POLICY
    assert not {"attempts", "window"} & told.keys()
    start = datetime(2026, 12, 1, 8, tzinfo=UTC)
    window = Window(start, start + timedelta(hours=4))
    async with server.platform.pool.acquire() as connection:
        found = await deliveries.find(connection, tenant.scope, delivery_id(shown))
        assert found is not None
        attempt = FailedAttempt(found.progress.seq, AttemptReason.NO_ACCESS, start)
        tried = replace(found.in_window(window), attempts=(attempt,))
        await deliveries.set_promise(connection, tried)
    told = in_answer(await tenant.ask(edge.get(shown)))
    assert [one["reason"] for one in told["attempts"]] == ["no_access"]
    assert told["attempts"][0]["at"].startswith("2026-12-01T08:00")
    assert told["window"]["from"].startswith("2026-12-01T08:00")
    assert told["window"]["until"].startswith("2026-12-01T12:00")
    if edge is KASPI:
        assert told["eta"]["deliveryBy"] == told["window"]["until"]
    else:
        assert told["scheduled_delivery_at"] == told["window"]["until"]


@pytest.mark.parametrize("edge", EDGES, ids=str)
async def test_who_says_nothing_is_answered_as_published(server: Server, edge: Edge) -> None:
    tenant = await server.tenant(edge)
    created = await asked(tenant, None)
    assert created.status == edge.created_status
    told = in_answer(await tenant.ask(edge.get(edge.id_of(created.told))))
    assert not {"failing", "attempts", "window"} & {*told, *told.get("options", {})}


@pytest.mark.parametrize("edge", EDGES, ids=str)
@pytest.mark.parametrize(
    ("said", "more"),
    [
        ({"attempts": 9, "then": "return"}, {}),
        ({"attempts": 2, "then": "burn"}, {}),
        ([], {}),
        (POLICY, {"proof": {"dropoff": ["pin"]}}),
        (POLICY, {"proof": {"dropoff": ["photo", "age"]}}),
    ],
    ids=str,
)
async def test_what_cannot_be_is_refused_with_its_field_and_takes_no_number(
    server: Server, edge: Edge, said: Any, more: dict[str, Any]
) -> None:
    tenant = await server.tenant(edge)
    answer = await asked(tenant, said, **more)
    assert answer.status in (400, 422)
    assert edge.check_error(answer.status, answer.headers, answer.body)
    assert b"failing" in answer.body
    assert await tenant.count("deliveries") == 0
    if edge is ENTREGA:
        created = await asked(tenant, POLICY)
        assert in_answer(created.told)["reference"].endswith("-00001")
