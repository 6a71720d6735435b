"""Entrega's webhooks as a shop receives them, told by a real worker over a real database."""

import hashlib
import hmac
from typing import Any

from estafette.app import RENDERERS
from estafette.core.deliveries.delivery import Status
from estafette.usecases.money.payments import confirm_payment
from estafette.usecases.webhooks.endpoints import set_endpoint
from tests.dialects.entrega.answers import DELIVERIES, created
from tests.edges import ENTREGA, Call
from tests.receivers import Receiver, answer, in_turn
from tests.rows import tables
from tests.serving import Server, Tenant, delivery_id
from tests.webhooks.stage import said, working


async def _timeline(tenant: Tenant, id: str) -> list[dict[str, Any]]:
    return (await tenant.ask(Call("GET", f"{DELIVERIES}/{id}/events")))["data"]


async def test_every_change_of_status_is_told_signed_as_the_timeline_shows_it(
    server: Server, postgres_dsn: str
) -> None:
    tenant = await server.tenant(ENTREGA)
    async with Receiver() as receiver, working(server.platform, postgres_dsn, renderers=RENDERERS):
        endpoint = await set_endpoint(server.platform, tenant.scope, receiver.url)
        metadata = {"checkout_id": "WEB-4821"}
        shown = await created(
            tenant, payment_method="bank_transfer", options={"metadata": metadata}
        )
        id = shown["id"]
        dialect = server.platform.dialects["entrega"]
        await confirm_payment(server.platform, tenant.scope, dialect, delivery_id(id))
        await tenant.move(id, Status.ASSIGNED, Status.PENDING, Status.ASSIGNED)
        await tenant.call(ENTREGA.cancel(id))
        await receiver.wait_for(6)
        requests = list(receiver.requests)
    for request in requests:
        assert request.headers["content-type"] == "application/json"
        assert request.headers["user-agent"] == "Entrega-Webhooks/1.0"
        digest = hmac.new(endpoint.secret.encode(), request.body, hashlib.sha256).hexdigest()
        assert request.headers["x-entrega-signature"] == f"sha256={digest}"
    told = {said(request)["id"]: said(request) for request in requests}
    assert list(told) == [event["id"] for event in await _timeline(tenant, id)]
    for event in await _timeline(tenant, id):
        assert told[event["id"]] == {
            "id": event["id"],
            "event": event["event_type"],
            "occurred_at": event["occurred_at"],
            "delivery_id": id,
            "delivery_reference": shown["reference"],
            "data": {"status": event["payload"]["status"], "metadata": metadata},
        }
    statuses = [event["data"]["status"] for event in told.values()]
    assert statuses == [
        "awaiting_payment",
        "pending",
        "assigned",
        "pending",
        "assigned",
        "cancelled",
    ]


async def test_refused_webhook_is_due_again_in_about_a_minute(
    server: Server, postgres_dsn: str
) -> None:
    tenant = await server.tenant(ENTREGA)
    async with (
        Receiver(in_turn(answer(500))) as receiver,
        working(server.platform, postgres_dsn, renderers=RENDERERS),
    ):
        await set_endpoint(server.platform, tenant.scope, receiver.url)
        await created(tenant)
        await receiver.wait_for(1)
    pool, mine = server.platform.pool, {"account_id": tenant.account.id}
    (message,) = await tables.read(pool, "messages", mine)
    assert (message["state"], message["attempt"]) == ("pending", 1)
    assert 40 < await tables.seconds_until(pool, "messages", "due_at", mine) < 67
