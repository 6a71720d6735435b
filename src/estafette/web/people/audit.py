"""The audit of an organisation, by the page, and by what was done, by whom, to what and when."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from estafette.core.audit import AuditEntry, ByKind
from estafette.core.people.organisation import OrganisationKind
from estafette.http.texts import gettext, reader
from estafette.usecases.audit import AuditFilter, list_entries
from estafette.usecases.cursor import CursorUnknownError
from estafette.usecases.people.administration import names_of
from estafette.web.parts import Column, Paging
from estafette.web.people.acts import act_name, act_names
from estafette.web.visit import Visit, render

_PAGE: Final = 50
_LONGEST: Final = 100


async def show(request: Request, visit: Visit) -> Response:
    """Shows what was done, newest first. In the console that is what was done to the account."""
    asked = {
        name: request.query_params.get(name, "")[:_LONGEST].strip()
        for name in ("act", "by", "object", "since", "until")
    }
    of = visit.organisation
    wanted = AuditFilter(
        account_id=of.id if of.kind is OrganisationKind.ACCOUNT else None,
        act=asked["act"] or None,
        by=asked["by"] or None,
        object=asked["object"] or None,
        since=_day(asked["since"]),
        until=_day(asked["until"], later=timedelta(days=1)),
    )
    after = request.query_params.get("after") or None
    try:
        page = await list_entries(visit.platform, wanted, after, _PAGE)
    except CursorUnknownError:
        raise HTTPException(404) from None
    people = await names_of(visit.platform, _people_in(page.entries))
    kept = {name: value for name, value in asked.items() if value}
    return render(
        visit,
        "web/people/templates/audit.html",
        columns=(
            Column("act", gettext("What")),
            Column("by", gettext("Who")),
            Column("object", gettext("To what"), "quiet"),
            Column("changes", gettext("More"), "quiet"),
            Column("at", gettext("When"), "time"),
        ),
        entries=page.entries,
        people=people,
        person_of=_person_of,
        act_name=act_name,
        acts=act_names(),
        asked=asked,
        is_filtered=bool(kept),
        paging=Paging(
            previous=f"{visit.path}?{urlencode(kept)}" if after else "",
            next=f"{visit.path}?{urlencode({**kept, 'after': page.next})}" if page.next else "",
        ),
    )


def _people_in(entries: list[AuditEntry]) -> list[UUID]:
    return list({id for entry in entries if (id := _person_of(entry)) is not None})


def _person_of(entry: AuditEntry) -> UUID | None:
    """Returns the id of the person who acted, where it was one."""
    if entry.by.kind is not ByKind.PERSON:
        return None
    try:
        return UUID(entry.by.name)
    except ValueError:
        return None


def _day(text: str, later: timedelta = timedelta()) -> datetime | None:
    """Returns when a day begins by the reader's clock; None for what is no day."""
    try:
        day = date.fromisoformat(text)
        return (datetime.combine(day, time(), reader().zone) + later).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
