"""The audit of an organisation, by the page, and by what was done, by whom, to what and when."""

from collections.abc import Mapping
from typing import Final, cast
from uuid import UUID

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from estafette.core.audit import AuditEntry, ByKind
from estafette.core.csv_line import csv_line
from estafette.core.people.organisation import OrganisationKind
from estafette.core.people.permission import PersonAct
from estafette.http.texts import gettext, reader
from estafette.usecases.accounts.administration import AccountNotFoundError, find_account
from estafette.usecases.accounts.settings import accounts_of
from estafette.usecases.audit import AuditFilter, list_entries
from estafette.usecases.cursor import CursorUnknownError
from estafette.usecases.people.administration import names_of
from estafette.web.asked import address, begin_of, end_of, neighbours
from estafette.web.parts import Column
from estafette.web.people.acts import act_name, act_names, kind_name
from estafette.web.visit import Page, Visit, page, render

_PAGE: Final = 50
_LONGEST: Final = 100
_AT_ONCE: Final = 500
_MOST_IN_FILE: Final = 20_000
_COLUMNS: Final = ("at", "act", "by", "who", "address", "account", "mode", "object", "changes")
_NOBODY: Final = UUID(int=0)


def pages(home: str) -> tuple[Page, ...]:
    """Returns the pages of an audit below the path of a place."""
    return (
        page(f"{home}/audit", PersonAct.AUDIT_SEE, show),
        page(f"{home}/audit/file", PersonAct.AUDIT_SEE, export),
    )


async def show(request: Request, visit: Visit) -> Response:
    """Shows what was done, newest first. In the console that is what was done to the account."""
    asked = _asked(request)
    wanted = await _wanted(visit, asked)
    after = request.query_params.get("after") or None
    try:
        found = await list_entries(visit.platform, wanted, after, _PAGE)
    except CursorUnknownError:
        raise HTTPException(404) from None
    people = await names_of(visit.platform, _people_in(found.entries))
    named = {entry.account_id for entry in found.entries if entry.account_id is not None}
    is_of_all = visit.organisation.kind is OrganisationKind.PLATFORM
    return render(
        visit,
        "web/people/templates/audit.html",
        columns=(
            Column("act", gettext("What")),
            Column("by", gettext("Who")),
            *([Column("account", gettext("Account"))] if is_of_all else []),
            Column("object", gettext("To what"), "quiet"),
            Column("changes", gettext("More"), "quiet"),
            Column("at", gettext("When"), "time"),
        ),
        entries=found.entries,
        people=people,
        person_of=_person_of,
        act_name=act_name,
        kind_name=kind_name,
        facts_of=_facts_of,
        acts=act_names(),
        asked=asked,
        is_of_all=is_of_all,
        accounts=await accounts_of(visit.platform, named) if is_of_all else {},
        file=address(f"{visit.path}/file", asked),
        is_filtered=any(asked.values()),
        paging=neighbours(request, asked, found.next),
    )


async def export(request: Request, visit: Visit) -> Response:
    """Gives what was found as CSV, newest first, as many entries as a spreadsheet takes at once."""
    wanted = await _wanted(visit, _asked(request))
    lines = [
        csv_line(("at", "act", "by", "who", "address", "account", "mode", "object", "changes"))
    ]
    after: str | None = None
    while len(lines) <= _MOST_IN_FILE:
        found = await list_entries(visit.platform, wanted, after, _AT_ONCE)
        lines += map(_line, found.entries)
        after = found.next
        if after is None:
            break
    return Response(
        "".join(lines),
        media_type="text/csv",
        headers={
            "Content-Disposition": 'attachment; filename="audit.csv"',
            "Cache-Control": "no-store",
        },
    )


def _line(entry: AuditEntry) -> str:
    return csv_line(
        (
            entry.at.isoformat(),
            entry.act,
            entry.by.kind,
            entry.by.name,
            entry.by.address,
            entry.account_id,
            entry.mode,
            entry.object,
            orjson.dumps(entry.changes).decode() if entry.changes else None,
        )
    )


def _asked(request: Request) -> dict[str, str]:
    return {
        name: request.query_params.get(name, "")[:_LONGEST].replace("\0", "").strip()
        for name in ("act", "by", "object", "account", "since", "until")
    }


async def _wanted(visit: Visit, asked: Mapping[str, str]) -> AuditFilter:
    """Returns what is looked for: in the console, of its account alone."""
    of = visit.organisation
    account_id = of.id if of.kind is OrganisationKind.ACCOUNT else None
    if account_id is None and asked["account"]:
        account_id = await _account_named(visit, asked["account"])
    return AuditFilter(
        account_id=account_id,
        act=asked["act"] or None,
        by=asked["by"] or None,
        object=asked["object"] or None,
        since=begin_of(asked["since"], reader().zone),
        until=end_of(asked["until"], reader().zone),
    )


async def _account_named(visit: Visit, text: str) -> UUID:
    """Returns the id of an account by its name, or by the id itself, which outlives the account."""
    try:
        return UUID(text)
    except ValueError:
        pass
    try:
        return (await find_account(visit.platform, text)).id
    except AccountNotFoundError:
        return _NOBODY


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


def _facts_of(entry: AuditEntry) -> list[tuple[str, str]]:
    """Returns the facts of an entry by name; of one that was changed what it was and what it is."""
    may_change = not entry.act.endswith(".created")
    return [
        (name.replace("_", " "), _said(value, may_change=may_change))
        for name, value in entry.changes.items()
        if value is not None and value != []
    ]


def _said(value: object, *, may_change: bool = False) -> str:
    if isinstance(value, list):
        parts = cast("list[object]", value)
        is_change = may_change and len(parts) == 2  # as the audit writes what was and what is
        return (" → " if is_change else ", ").join(_said(part) for part in parts)
    if value is None:
        return "–"
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    return str(value)
