"""What the pages of developers are given of the APIs that accounts speak."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, cast
from uuid import UUID

from starlette.requests import Request

from estafette.web.visit import Visit


class ShowEvent(Protocol):
    """Writes the id of an event as receivers of webhooks see it."""

    def __call__(self, id: UUID, ordinal: int, *, is_test: bool) -> str:
        """`ordinal` counts the announcements of one event from 0."""
        ...


@dataclass(frozen=True, slots=True)
class Spoken:
    """An API: what people call it, where it and its page are, its webhooks, how it writes ids.

    `changelog` is the text of its `changelog.toml`.
    """

    title: str
    url: str
    docs_url: str
    types: tuple[str, ...]
    show_delivery: Callable[[UUID], str]
    parse_delivery: Callable[[str], UUID | None]
    show_event: ShowEvent
    changelog: str


def spoken(request: Request, visit: Visit) -> Spoken:
    """Returns the API that the account of a page speaks."""
    known = cast("Mapping[str, Spoken]", request.app.state.spoken)
    return known[visit.account.dialect]
