"""`estafette audit`: who did what."""

import json as json_text
from typing import Annotated, Any, cast
from uuid import UUID

from cyclopts import App, Parameter

from estafette.cli.output import OK, misused, say, say_json, table
from estafette.cli.session import on_platform
from estafette.cli.words import AsJson, identifier, moment
from estafette.core.audit import Act, By, Entry
from estafette.usecases.accounts import find_account, list_accounts
from estafette.usecases.audit import Page, PlaceUnknownError, Wanted, list_entries
from estafette.usecases.platform import Platform

app = App(name="audit", help="Who did what: keys, secrets, payments, moves by hand.")

_LARGEST_PAGE = 1000
_KINDS = sorted({act.partition(".")[0] for act in Act})


def _by(by: By) -> str:
    return f"{by.kind.value} {by.name}" + (f" from {by.address}" if by.address else "")


def _json(entry: Entry, accounts: dict[UUID, str]) -> dict[str, Any]:
    return {
        "id": entry.id,
        "at": entry.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "by": {"kind": entry.by.kind, "name": entry.by.name, "address": entry.by.address},
        "act": entry.act,
        "account": accounts.get(entry.account_id) if entry.account_id else None,
        "mode": entry.mode,
        "object": entry.object,
        "changes": entry.changes,
    }


def _changes(entry: Entry) -> str:
    """The changes of an entry on one line: `burst 200 → 400`."""
    return ", ".join(f"{name} {_fact(value)}" for name, value in entry.changes.items())


def _fact(value: Any) -> str:
    if isinstance(value, list):
        members = cast("list[Any]", value)
        return " → ".join(map(_fact, members)) if len(members) == 2 else json_text.dumps(members)
    return "none" if value is None else str(value)


@app.command(name="list")
def list_(
    *,
    account: Annotated[str | None, Parameter(help="Of this account alone.")] = None,
    act: Annotated[
        str | None, Parameter(help=f"An act such as key.disabled, or a kind: {', '.join(_KINDS)}.")
    ] = None,
    by: Annotated[
        str | None, Parameter(help="The id of a key, a system user, or server, worker, up.")
    ] = None,
    object: Annotated[
        str | None, Parameter(help="The id of what it was done to, of a delivery for instance.")
    ] = None,
    since: Annotated[str | None, Parameter(help="From then on: a time, or a duration ago.")] = None,
    until: Annotated[str | None, Parameter(help="Before then.")] = None,
    limit: Annotated[int, Parameter(help="At most that many.")] = 50,
    after: Annotated[str | None, Parameter(help="The `next` of the page before.")] = None,
    json: AsJson = False,
) -> int:
    """List what people and programs did by hand or as the operator, newest first."""
    if not 1 <= limit <= _LARGEST_PAGE:
        raise misused(f"--limit must be from 1 to {_LARGEST_PAGE}")
    if act is not None and act not in (*Act, *_KINDS):
        raise misused(f"--act must be a kind ({', '.join(_KINDS)}) or one of {', '.join(Act)}")

    async def work(platform: Platform) -> tuple[Page, dict[UUID, str]]:
        of = None if account is None else (await find_account(platform, account)).id
        wanted = Wanted(
            account_id=of,
            act=act,
            by=by,
            object=None if object is None else _object(object),
            since=None if since is None else moment(since),
            until=None if until is None else moment(until),
        )
        try:
            page = await list_entries(platform, wanted, after, limit)
        except PlaceUnknownError:
            raise misused("--after must be the `next` of a page") from None
        return page, {one.id: one.name for one in await list_accounts(platform)}

    page, accounts = on_platform(work)
    if json:
        say_json({"entries": [_json(entry, accounts) for entry in page.entries], "next": page.next})
        return OK
    table(
        ("AT", "BY", "ACT", "ACCOUNT", "OBJECT", "CHANGES"),
        [
            (
                entry.at,
                _by(entry.by),
                entry.act,
                _whose(entry, accounts),
                entry.object,
                _changes(entry),
            )
            for entry in page.entries
        ],
        "Nothing of that kind was done",
    )
    if page.next:
        say(f"There is more: --after {page.next}")
    return OK


def _whose(entry: Entry, accounts: dict[UUID, str]) -> str | None:
    name = accounts.get(entry.account_id) if entry.account_id else None
    return f"{name}/{entry.mode.value}" if name and entry.mode else name


def _object(text: str) -> str:
    """An id as it is kept: what a dialect shows of one is understood too."""
    return text if "_" not in text else str(identifier(text, "anything"))
