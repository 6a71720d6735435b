"""Claims, attempts and rests, as a worker would make them."""

import time
from typing import Any

from estafette.store.webhooks import outbox, survey
from estafette.store.webhooks.outbox import ClaimedMessage, Finished
from tests.usecases.stage import Tenant


async def claim(tenant: Tenant, worker: str, **limits: Any) -> list[ClaimedMessage]:
    """Claims what is due: of the endpoints in `rooms`, else of every one that a survey finds."""
    async with tenant.platform.pool.acquire() as connection:
        found = (await survey.survey(connection)).waiting
        everyone = {each.endpoint_id: limits.get("room", 100) for each in found}
        return await outbox.claim(
            connection,
            everyone | limits.get("rooms", {}),
            lease_seconds=limits.get("lease_seconds", 30.0),
            worker=worker,
            order=limits.get("order", {}),
        )


def finished(message: ClaimedMessage, **changes: Any) -> Finished:
    fields: dict[str, Any] = {
        "account_id": message.scope.account_id,
        "endpoint_id": message.endpoint_id,
        "message_id": message.id,
        "attempt": message.attempt,
        "tells": True,
        "is_delivered": True,
        "retry_seconds": None,
        "began": time.monotonic() - 2,
        "duration_seconds": 1.5,
        "outcome": "delivered",
        "http_status": 200,
        "error": None,
    }
    return Finished(**fields | changes)


async def record(tenant: Tenant, worker: str, *results: Finished, again: bool = False) -> int:
    async with tenant.platform.pool.acquire() as connection:
        return await outbox.record(connection, results, worker=worker, again=again)


async def lapse(tenant: Tenant) -> None:
    """Lets every lease be over."""
    await tenant.platform.pool.execute("update messages set due_at = now() - interval '1 second'")


async def fail(tenant: Tenant, times: int) -> None:
    """So many attempts in a row to reach the endpoint fail, one after another."""
    for _ in range(times):
        [message] = await claim(tenant, "one", room=1)
        await record(tenant, "one", finished(message, is_delivered=False, retry_seconds=0.0))


async def rest(tenant: Tenant) -> Any:
    """What is known of the endpoint's failures, with how long it rests."""
    return await tenant.platform.pool.fetchrow(
        "select *, extract(epoch from rests_until - now())::float8 as rests_for"
        " from endpoint_failures where account_id = $1",
        tenant.scope.account_id,
    )


async def end_rest(tenant: Tenant) -> None:
    await tenant.platform.pool.execute(
        "update endpoint_failures set rests_until = now() where rests_until is not null"
    )
