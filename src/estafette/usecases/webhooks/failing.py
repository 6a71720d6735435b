"""Which endpoints of an account fail: what its people should look at."""

from typing import NamedTuple

from estafette.core.accounts.account import Scope
from estafette.store.webhooks import endpoints, failures, message_counts
from estafette.usecases.platform import Platform
from estafette.usecases.webhooks.endpoints import MOST_WAITING


class FailingEndpoint(NamedTuple):
    """An endpoint that failed `failures` times in a row, or is off while webhooks wait for it.

    `waiting` are counted up to `MOST_WAITING`.
    """

    name: str
    is_enabled: bool
    failures: int
    waiting: int


async def failing_endpoints(platform: Platform, scope: Scope) -> list[FailingEndpoint]:
    """Returns the endpoints of an account and mode that fail, or keep webhooks waiting."""
    async with platform.connections.lists(scope.account_id) as connection:
        failed = await failures.of_account(connection, scope.account_id)
        waiting = await message_counts.waiting(connection, scope.account_id, MOST_WAITING)
        known = await endpoints.every(connection, scope.account_id)
    found = [
        FailingEndpoint(
            one.name,
            one.disabled_at is None,
            failed.get(one.id, 0),
            waiting.get((scope, one.name), 0),
        )
        for one in known
        if one.scope == scope
    ]
    return [one for one in found if one.failures or (one.waiting and not one.is_enabled)]
