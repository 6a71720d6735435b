"""What an account's developers look at: attempts with what was sent, and how endpoints do."""

from dataclasses import replace
from typing import NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Scope
from estafette.store.webhooks import attempts, message_counts
from estafette.store.webhooks.attempts import (
    MOST_NEWEST,
    Attempt,
    AttemptCursor,
    AttemptFilter,
    Awaited,
    Exchange,
    Health,
)
from estafette.usecases.platform import Platform
from estafette.usecases.webhooks.endpoints import MOST_WAITING, EndpointSettings, list_endpoints

__all__ = [
    "MOST_NEWEST",
    "MOST_WAITING",
    "Attempt",
    "AttemptCursor",
    "AttemptFilter",
    "AttemptPage",
    "Awaited",
    "Exchange",
    "Health",
    "Watched",
]


class AttemptPage(NamedTuple):
    """Some attempts, newest first; `next` goes on after them, None where there are no more."""

    attempts: list[Attempt]
    next: AttemptCursor | None


async def list_attempts(
    platform: Platform,
    scope: Scope,
    wanted: AttemptFilter,
    after: AttemptCursor | None = None,
    limit: int = 50,
) -> AttemptPage:
    """Returns attempts to send webhooks of an account, tests included."""
    async with platform.connections.lists(scope.account_id) as connection:
        found = await attempts.page(connection, scope, wanted, after, limit + 1)
    shown = found[:limit]
    last = shown[-1] if len(found) > limit else None
    place = AttemptCursor(last.started_at, last.message_id, last.attempt) if last else None
    return AttemptPage(shown, place)


async def find_exchange(
    platform: Platform, scope: Scope, message_id: UUID, attempt: int
) -> Exchange | None:
    """Returns one attempt with what is kept of what was sent and answered; None: there is none."""
    async with platform.connections.account(scope.account_id) as connection:
        return await attempts.exchange(connection, scope, message_id, attempt)


async def find_waiting(platform: Platform, scope: Scope, message_id: UUID) -> Awaited | None:
    """Returns how a message stands whose attempt is not made yet; None: there is no such."""
    async with platform.connections.account(scope.account_id) as connection:
        return await attempts.awaited(connection, scope, message_id)


class Watched(NamedTuple):
    """An endpoint, how it does, and how many webhooks wait for it, counted up to MOST_WAITING."""

    endpoint: EndpointSettings
    health: Health
    waiting: int

    @property
    def is_held(self) -> bool:
        """Whether what waits is kept until somebody enables it, or gives it a URL."""
        return not self.endpoint.is_enabled or self.endpoint.url is None


_NEVER_TRIED = Health(0, 0, None, None, None, None)


async def watch_endpoints(platform: Platform, scope: Scope) -> list[Watched]:
    """Returns the endpoints of an account in a mode by name, with secrets left out."""
    known = await list_endpoints(platform, scope.account_id)
    async with platform.connections.lists(scope.account_id) as connection:
        health = await attempts.health(connection, scope)
        waiting = await message_counts.waiting(connection, scope.account_id, MOST_WAITING)
    return [
        Watched(
            replace(each, secret="", next_secret=None),
            health.get(each.id, _NEVER_TRIED),
            waiting.get((scope, each.name), 0),
        )
        for each in known
        if each.scope == scope
    ]
