"""A delivery that goes back and forth: its history has an end, and what is shown of it a bound."""

import time

import pytest

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import EVENT_LIMIT, Status
from estafette.core.deliveries.event import NOTE_LIMIT
from estafette.core.errors import HistoryFull
from estafette.usecases.deliveries.tracking import STEPS_SHOWN
from tests.edges import Edge
from tests.rows import deliveries, tables
from tests.serving import Server, Tenant, delivery_id

_BACK_AND_FORTH = (Status.ASSIGNED, Status.STALLED) * (EVENT_LIMIT // 2)
_NOTE = ("call +7 701 234 56 78 or a@b.kz \u202e\u200b" * 50)[: 2 * NOTE_LIMIT]


async def _filled(tenant: Tenant, note: str | None = None) -> str:
    """A delivery whose next event would be one too many, unless it leads to its end."""
    id = await tenant.create()
    await tenant.move(id, *_BACK_AND_FORTH[: EVENT_LIMIT - 1], note=note)
    return id


async def _history(tenant: Tenant, id: str) -> list[str]:
    """The statuses that the dialect tells of, or of each event its type."""
    if tenant.edge.name == "kaspi":
        told = await tenant.get(f"/delivery/v1/deliveries/{id}?includeHistory=true")
        return [each["status"] for each in told.told["history"]]
    told = await tenant.get(f"/v1/deliveries/{id}/events")
    return [each["event_type"] for each in told.told["data"]]


async def test_no_event_is_one_too_many_unless_it_leads_to_an_end(
    edge: Edge, server: Server
) -> None:
    tenant = await server.tenant(edge)
    id = await _filled(tenant)
    refused = await tenant.advance(id, {"status": "stalled"})
    assert (refused.status, refused.told["code"]) == (409, "history_full")
    with pytest.raises(HistoryFull):
        await tenant.move(id, Status.STALLED)
    shown = await _history(tenant, id)
    assert EVENT_LIMIT <= len(shown) <= EVENT_LIMIT + 1
    assert (await tenant.advance(id, {"status": "delivered"})).status == 200
    assert (await _history(tenant, id))[-1].endswith("delivered")
    assert await tenant.count("events") <= EVENT_LIMIT + 8


async def test_a_full_history_still_lets_a_merchant_cancel(edge: Edge, server: Server) -> None:
    tenant = await server.tenant(edge)
    id = await _filled(tenant)
    assert (await tenant.call(edge.cancel(id))).status == 200
    assert (await _history(tenant, id))[-1].endswith("cancelled")


async def test_a_simulated_courier_goes_on_to_the_end(edge: Edge, server: Server) -> None:
    tenant = await server.tenant(edge, Mode.SANDBOX)
    id = await _filled(tenant)
    while (answer := await tenant.advance(id)).status == 200:
        pass
    assert answer.status == 409
    assert (await _history(tenant, id))[-1].endswith("delivered")


async def test_a_note_is_kept_up_to_its_limit(edge: Edge, server: Server) -> None:
    tenant = await server.tenant(edge)
    await tenant.move(await tenant.create(), Status.ASSIGNED, note="n" * 10_000)
    where = {"account_id": tenant.account.id, "note": tables.PRESENT}
    note = await tables.value(server.platform.pool, "events", "note", where)
    assert len(note) == NOTE_LIMIT


async def test_whoever_knows_the_id_sees_the_newest_steps_alone(edge: Edge, server: Server) -> None:
    tenant = await server.tenant(edge)
    id = await _filled(tenant, _NOTE)
    page = (await server.request("GET", f"/track/{id}")).body.decode()
    assert STEPS_SHOWN <= page.count("<time") <= STEPS_SHOWN + 3  # and the times of the promise
    assert "701 234" not in page
    assert "b.kz" not in page
    if edge.name == "entrega":
        told = (await server.request("GET", f"/v1/deliveries/{id}/tracking")).told
        assert len(told["events"]) == STEPS_SHOWN
        assert told["events"][0]["event_type"] != "delivery.created"


async def test_a_page_of_a_long_history_costs_little_more_than_one_of_a_short(
    edge: Edge, server: Server
) -> None:
    tenant = await server.tenant(edge)
    short, long = await tenant.create(), await _filled(tenant, _NOTE)
    for path in ("/track/{}", "/track/{}/events"):
        costs = [await _cost(server, path.format(id)) for id in (short, long)]
        assert costs[1] < 8 * costs[0], path


async def _cost(server: Server, path: str) -> float:
    """The processor's time for a request to an open page, the least of some, in seconds."""
    costs: list[float] = []
    for _ in range(7):
        began = time.process_time()
        if path.endswith("/events"):
            async with server.session.get(f"{server.url}{path}") as answer:
                while not (await answer.content.readline()).startswith(b"data:"):
                    pass
        else:
            await server.request("GET", path)
        costs.append(time.process_time() - began)
    return min(costs)


async def test_an_old_delivery_with_more_events_is_shown_from_where_it_can(
    edge: Edge, server: Server
) -> None:
    tenant = await server.tenant(edge)
    id = await _filled(tenant)
    await deliveries.lengthen_history(server.platform.pool, delivery_id(id), after=10, by=200)
    shown = await _history(tenant, id)
    assert 0 < len(shown) <= 120
    assert (await server.request("GET", f"/track/{id}")).status == 200
