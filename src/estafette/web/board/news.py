"""What an open board is told: that something has changed, and where the drivers are."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from estafette.http.events import event
from estafette.usecases.fleet.board import BoardChanges, CompanyMode, Seen, boards_seen
from estafette.web.live.hub import Subscription
from estafette.web.live.pages import Topic, following, seen, telling
from estafette.web.live.stream import Tell
from estafette.web.visit import Visit

_BOARDS: Final = Topic[CompanyMode, Seen]("boards", BoardChanges, interval=1.0)
"""Positions wake nobody, since there are many: they are read every second where a board is open."""


async def version(visit: Visit) -> str:
    """Returns a text that differs after each change of what a board shows but for positions."""
    key = (visit.company.id, visit.mode)
    return (await boards_seen(visit.platform, [key]))[key].text


async def follow(request: Request, visit: Visit) -> Response:
    """Tells an open board when to read itself again, and where drivers are without that."""
    key = (visit.company.id, visit.mode)
    known = (await boards_seen(visit.platform, [key]))[key]
    return following(request).stream(visit, _BOARDS, key, known, _telling(seen(request)))


def _telling(shown: str) -> Tell[Seen]:
    """Returns what tells a board that has shown what `shown` says, and no places yet."""

    def text(value: Seen) -> str:
        return value.text

    def is_shown(value: Seen) -> bool:
        return value.text == shown

    news = telling(is_shown, text)
    told = ""

    def tell(subscription: Subscription[Seen]) -> tuple[bytes, bool]:
        nonlocal told
        events, is_last = news(subscription)
        places = subscription.value.places
        if places != told:
            told = places
            events += event("places", places)
        return events, is_last

    return tell
