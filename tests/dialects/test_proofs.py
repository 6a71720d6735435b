"""A merchant demands proof in the words of the dialect, and is shown what was taken; others not."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from estafette.core.deliveries.delivery import Status
from estafette.core.ids import new_id
from estafette.core.point import Point
from estafette.core.proofs.proof import ProofKind, ProofStage
from estafette.files import KeptFiles
from estafette.usecases.proofs.add import SentProof, add
from tests.edges import EDGES, ENTREGA, KASPI, Edge
from tests.serving import Tenant, delivery_id, running
from tests.usecases.proofs.pictures import photo

DEMAND: dict[str, Any] = {"pickup": ["name"], "dropoff": ["pin", "photo"]}
SHOWN = {"proof", "proofs", "deliveryPin"}


def delivery_in(answer: Any) -> dict[str, Any]:
    """The delivery in an answer of either dialect."""
    return answer.get("data", answer)


async def ordered(tenant: Tenant, demand: Any) -> dict[str, Any]:
    body = await tenant.body("order-1")
    if tenant.edge is KASPI:
        body["proof"] = demand
    else:
        body["options"] = {"proof": demand}
    answer = await tenant.post(tenant.edge.create_path, body)
    assert answer.status == tenant.edge.created_status, answer.body
    return answer.told


@pytest.mark.parametrize("edge", EDGES, ids=str)
async def test_what_was_demanded_and_taken_is_told_with_links_that_open(
    postgres_dsn: str, tmp_path: Path, edge: Edge
) -> None:
    async with running(postgres_dsn, files=KeptFiles(tmp_path / "files")) as server:
        tenant = await server.tenant(edge)
        created = await ordered(tenant, DEMAND)
        shown = edge.id_of(created)
        pin = delivery_in(created)["deliveryPin" if edge is KASPI else "delivery_pin"]
        assert len(pin) == 6
        await tenant.move(shown, Status.ASSIGNED, Status.IN_TRANSIT)
        sent = SentProof(
            new_id(),
            ProofKind.PHOTO,
            ProofStage.DROPOFF,
            datetime.now(UTC),
            picture=photo(),
            at=Point(-8.8259, 13.2352),
        )
        name = SentProof(
            new_id(), ProofKind.NAME, ProofStage.PICKUP, datetime.now(UTC), said="Dana"
        )
        for proof in (sent, name):
            await add(server.platform, tenant.scope, delivery_id(shown), proof)

        told = delivery_in(await tenant.ask(edge.get(shown)))
        assert (told if edge is KASPI else told["options"])["proof"] == DEMAND
        picture, text = sorted(told["proofs"], key=lambda one: one["kind"], reverse=True)
        assert (text["stage"], text["kind"], text["text"]) == ("pickup", "name", "Dana")
        assert (picture["stage"], picture["kind"]) == ("dropoff", "photo")
        assert ("distanceMeters" in picture) is False or edge is KASPI
        if edge is ENTREGA:  # whose destination has a point
            assert picture["distance_meters"] == pytest.approx(99, abs=2)
        path = picture["url"].removeprefix(server.platform.public_url)
        assert (await server.request("GET", path)).status == 200
        if edge is ENTREGA:
            events = (await tenant.get(f"/v1/deliveries/{shown}/events")).told["data"]
            proven = {
                event["event_type"]: event["payload"]["proofs"]
                for event in events
                if "proofs" in event["payload"]
            }
            assert [one["text"] for one in proven.pop("delivery.in_transit")] == ["Dana"]
            assert not proven, "the photo belongs to the handing over, which is still to come"


@pytest.mark.parametrize("edge", EDGES, ids=str)
async def test_whoever_demands_nothing_is_answered_as_published(
    postgres_dsn: str, edge: Edge
) -> None:
    async with running(postgres_dsn) as server:
        tenant = await server.tenant(edge)
        demands: list[Any] = [None, {}, {"dropoff": []}]
        for demand in demands:
            created = await ordered(tenant, demand)
            shown = edge.id_of(created)
            await tenant.move(shown, Status.ASSIGNED, Status.IN_TRANSIT)
            name = SentProof(
                new_id(), ProofKind.NAME, ProofStage.PICKUP, datetime.now(UTC), said="Dana"
            )
            await add(server.platform, tenant.scope, delivery_id(shown), name)
            told = delivery_in(await tenant.ask(edge.get(shown)))
            for answer in (delivery_in(created), told):
                assert not SHOWN & answer.keys()
                assert "proof" not in answer.get("options", {})
            if edge is KASPI:
                await tenant.move(shown, Status.OUT_FOR_DELIVERY, Status.DELIVERED)
                break  # an order has one delivery


@pytest.mark.parametrize("edge", EDGES, ids=str)
@pytest.mark.parametrize(
    "demand", [[], {"door": ["photo"]}, {"dropoff": ["selfie"]}, {"pickup": ["pin"]}], ids=str
)
async def test_a_demand_that_nobody_can_meet_is_refused(
    postgres_dsn: str, edge: Edge, demand: Any
) -> None:
    async with running(postgres_dsn) as server:
        tenant = await server.tenant(edge)
        body = await tenant.body("order-1")
        body |= {"proof": demand} if edge is KASPI else {"options": {"proof": demand}}
        answer = await tenant.post(edge.create_path, body)
        assert answer.status in (400, 422)
        assert edge.check_error(answer.status, answer.headers, answer.body)
        assert b"proof" in answer.body
        assert await tenant.count("deliveries") == 0
