"""What open pages of deliveries watch: all of an account and mode, or one of them."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from estafette.core.accounts.account import Scope
from estafette.core.errors import DeliveryNotFound
from estafette.usecases.deliveries.changes import ScopeChanges, known_since, version, versions
from estafette.usecases.platform import Platform
from estafette.web.console.by_hand import delivery_in
from estafette.web.live.hub import Look
from estafette.web.live.pages import Topic, following, seen, telling
from estafette.web.visit import Visit

_Delivery = tuple[UUID, UUID]
"""A delivery by its account and its id."""


def _versions_in(platform: Platform) -> Look[_Delivery, str]:
    async def look(watched: Mapping[_Delivery, str]) -> Mapping[_Delivery, str]:
        found = await versions(platform, list(watched))
        return {one: text for one, text in found.items() if text != watched[one]}

    return look


_LISTS: Final = Topic[Scope, int]("lists of deliveries", ScopeChanges)
_DELIVERIES: Final = Topic[_Delivery, str]("pages of deliveries", _versions_in)


async def follow_all(request: Request, visit: Visit) -> Response:
    """Tells an open list when something happens to a delivery of the account and mode."""
    written = seen(request)
    read_at = int(written) if written.isdecimal() and len(written) < 16 else None
    known = known_since(read_at)

    def is_shown(found: int) -> bool:
        return read_at is not None and found <= read_at

    return following(request).stream(visit, _LISTS, visit.scope, known, telling(is_shown))


async def follow_one(request: Request, visit: Visit) -> Response:
    """Tells the open page of a delivery when something happens to it or to its webhooks."""
    id = delivery_in(request)
    try:
        known = await version(visit.platform, visit.scope, id)
    except DeliveryNotFound:
        raise HTTPException(404) from None
    shown = seen(request)

    def is_shown(found: str) -> bool:
        return found == shown

    one = (visit.account.id, id)
    return following(request).stream(visit, _DELIVERIES, one, known, telling(is_shown))
