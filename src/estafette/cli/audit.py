"""`estafette audit`: who did what."""

import json as json_text
import re
from collections.abc import Sequence
from typing import Annotated, Any, cast
from uuid import UUID

from cyclopts import App, Parameter

from estafette.cli.output import OK, CommandError, fields, misused, say, say_json, table
from estafette.cli.session import on_platform
from estafette.cli.words import AsJson, identifier, moment
from estafette.core.audit import AuditedAct, AuditEntry, By, ByKind
from estafette.usecases.accounts.administration import find_account, list_accounts
from estafette.usecases.audit import AuditFilter, AuditPage, find_entries, list_entries
from estafette.usecases.platform import Platform

app = App(name="audit", help="Who did what: keys, secrets, payments, moves by hand.")

_LARGEST_PAGE = 1000
_KINDS = sorted({act.partition(".")[0] for act in AuditedAct})


def _by(by: By) -> str:
    return f"{by.kind.value} {by.name}" + (f" from {by.address}" if by.address else "")


def _json(entry: AuditEntry, accounts: dict[UUID, str]) -> dict[str, Any]:
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


def _changes(entry: AuditEntry) -> str:
    """The changes of an entry on one line: `burst 200 → 400`."""
    return ", ".join(f"{name} {_fact(value)}" for name, value in entry.changes.items())


def _fact(value: Any) -> str:
    if isinstance(value, list):
        members = cast("list[Any]", value)
        if len(members) == 2:
            return " → ".join(map(_fact, members))
        return json_text.dumps(members, ensure_ascii=False)
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
    if act is not None and act not in (*AuditedAct, *_KINDS):
        raise misused(
            f"--act must be a kind ({', '.join(_KINDS)}) or one of {', '.join(AuditedAct)}"
        )

    async def work(platform: Platform) -> tuple[AuditPage, dict[UUID, str]]:
        of = None if account is None else (await find_account(platform, account)).id
        wanted = AuditFilter(
            account_id=of,
            act=act,
            by=by,
            object=None if object is None else _object(object),
            since=None if since is None else moment(since),
            until=None if until is None else moment(until),
        )
        page = await list_entries(platform, wanted, after, limit)
        return page, {one.id: one.name for one in await list_accounts(platform)}

    page, accounts = on_platform(work)
    if json:
        say_json({"entries": [_json(entry, accounts) for entry in page.entries], "next": page.next})
        return OK
    _say_page(page.entries, accounts)
    if page.next:
        say(f"There is more: --after {page.next}")
    return OK


_WIDTH = 100
_LAST = 8


def _say_page(entries: Sequence[AuditEntry], accounts: dict[UUID, str]) -> None:
    """Prints entries in a hundred columns: what does not fit, `audit show` tells."""
    rows = [
        (
            f"{entry.at:%Y-%m-%d %H:%M}",
            str(entry.id)[-_LAST:],
            entry.act,
            _clipped(_actor(entry.by), 16),
            _clipped(_whose(entry, accounts) or "-", 18),
        )
        for entry in entries
    ]
    used = sum(max((len(row[column]) for row in rows), default=0) + 2 for column in range(5))
    room = max(_WIDTH - used, len("CHANGES"))
    table(
        ("AT (UTC)", "ENTRY", "ACT", "BY", "ACCOUNT", "CHANGES"),
        [(*row, _clipped(_changes(entry), room)) for row, entry in zip(rows, entries, strict=True)],
        "Nothing of that kind was done",
    )


def _actor(by: By) -> str:
    """Who it was, in a word: a command's user, a process, or how a key's id ends."""
    is_key = by.kind is ByKind.KEY
    return f"key …{by.name[-_LAST:]}" if is_key else by.name


def _clipped(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


@app.command
def show(entry: str, *, json: AsJson = False) -> int:
    """Show an entry with all that it tells.

    Parameters
    ----------
    entry
        Its id, or the end of it, as the list shows it.
    """
    ending = entry.strip().lower()
    if not _ENDING.fullmatch(ending):
        raise misused(f"{entry!r} is not the id of an entry, or its last {_LAST} characters")

    async def work(platform: Platform) -> tuple[list[AuditEntry], dict[UUID, str]]:
        found = await find_entries(platform, ending)
        return found, {one.id: one.name for one in await list_accounts(platform)}

    found, accounts = on_platform(work)
    if len(found) != 1:
        shown = "several entries end so: give the whole id" if found else "there is no such entry"
        raise CommandError(f"{shown}; `estafette audit list --json` shows ids", code="refused")
    shown = _json(found[0], accounts)
    if json:
        say_json(shown)
        return OK
    changes: dict[str, Any] = shown.pop("changes")
    fields({**shown, "by": _by(found[0].by)})
    if changes:
        say()
        fields({f"  {name}": _fact(value) for name, value in changes.items()})
    return OK


_ENDING = re.compile(r"[0-9a-f-]{8,36}")


def _whose(entry: AuditEntry, accounts: dict[UUID, str]) -> str | None:
    name = accounts.get(entry.account_id) if entry.account_id else None
    return f"{name}/{entry.mode.value}" if name and entry.mode else name


def _object(text: str) -> str:
    """An id as it is kept: what a dialect shows of one is understood too."""
    return text if "_" not in text else str(identifier(text, "anything"))
