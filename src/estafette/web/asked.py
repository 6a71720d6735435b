"""What the addresses of pages say: a mode, an account, a delivery, a day, a place in a list."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request

from estafette.core.accounts.account import Account, Mode
from estafette.http.shell import Link
from estafette.http.texts import N_, gettext
from estafette.usecases.accounts.administration import list_accounts
from estafette.web.parts import Paging
from estafette.web.visit import Visit

PAGE: Final = 50
LONGEST: Final = 100
MODE_NAMES: Final = {Mode.LIVE: N_("Live"), Mode.SANDBOX: N_("Sandbox")}


def mode_of(request: Request) -> Mode:
    """Returns the mode that is asked for: live unless told otherwise. Raises HTTPException 404."""
    text = request.query_params.get("mode", Mode.LIVE)
    if text not in set(Mode):
        raise HTTPException(404)
    return Mode(text)


def modes(request: Request, mode: Mode) -> list[Link]:
    """Returns the same page in either mode, from its beginning."""
    kept = {
        name: value for name, value in request.query_params.items() if name not in ("mode", "after")
    }
    return [
        Link(
            f"{request.url.path}?{urlencode({**kept, 'mode': one})}",
            gettext(MODE_NAMES[one]),
            is_current=one is mode,
        )
        for one in Mode
    ]


def known_id(text: str | None) -> UUID | None:
    """Returns the id that a text is; None for what is none."""
    try:
        return UUID(hex=text or "")
    except ValueError:
        return None


def id_in(text: str | None) -> UUID:
    """Returns the id that a part of an address is. Raises HTTPException 404."""
    id = known_id(text)
    if id is None:
        raise HTTPException(404)
    return id


async def known_accounts(visit: Visit) -> dict[UUID, Account]:
    """Returns all accounts by id, in the order of their names."""
    return {one.id: one for one in await list_accounts(visit.platform)}


def day_in(text: str) -> date | None:
    """Returns the day that a text is; None for what is none, or far from all that clocks tell."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1970 <= day.year <= 9000 else None  # clocks add and take hours


def begin_of(text: str, zone: tzinfo) -> datetime | None:
    """Returns when a day of a time zone begins; None for what is no day."""
    day = day_in(text)
    return None if day is None else datetime.combine(day, time(), zone).astimezone(UTC)


def end_of(text: str, zone: tzinfo) -> datetime | None:
    """Returns when a day of a time zone is over; None for what is no day."""
    day = day_in(text)
    return None if day is None else begin_of((day + timedelta(days=1)).isoformat(), zone)


def from_oldest(request: Request, after: str | None, name: str = "after") -> Paging:
    """Returns the neighbours of a page of a list that begins with the oldest.

    `after` is where the page after it begins, whose rows are newer; `name` is the parameter that
    says so in an address.
    """
    kept = {key: value for key, value in request.query_params.items() if key != name}
    first = f"{request.url.path}?{urlencode(kept)}" if kept else request.url.path
    return Paging(
        previous=f"{request.url.path}?{urlencode({**kept, name: after})}" if after else "",
        next=first if name in request.query_params else "",
    )


def address(path: str, asked: Mapping[str, str]) -> str:
    """Returns a path with a query of what is asked for and not empty."""
    query = urlencode({name: value for name, value in asked.items() if value})
    return f"{path}?{query}" if query else path


def neighbours(
    request: Request,
    asked: Mapping[str, str],
    following: Mapping[str, str] | str | None,
    name: str = "after",
) -> Paging:
    """Returns the neighbours of a page of a list: its beginning, and the page that follows.

    `asked` is what the list is filtered by; `following` where the next page begins, as parameters
    or as the one of this name; None and "": there is none.
    """
    path = request.url.path
    if isinstance(following, str):
        following = {name: following} if following else None
    return Paging(
        previous=address(path, asked) if request.query_params.get(name) else "",
        next=address(path, {**asked, **following}) if following else "",
    )
