"""Write down who did what, and read it again."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Mode, Scope
from estafette.core.audit import AuditedAct, AuditEntry, By, bounded
from estafette.core.ids import new_id
from estafette.store import audit
from estafette.store.audit import AuditFilter, AuditPosition
from estafette.store.pool import Connection
from estafette.usecases.cursor import cursor_text, read_cursor
from estafette.usecases.platform import Platform

__all__ = ["AuditFilter", "AuditPage", "AuditedAct", "list_entries", "note"]

_NOTHING: Mapping[str, Any] = {}


async def note(
    connection: Connection,
    by: By,
    act: AuditedAct,
    object: UUID | str | None = None,
    changes: Mapping[str, Any] = _NOTHING,
    *,
    of: Scope | UUID | None = None,
) -> None:
    """Writes an act down in the transaction of the act: both stand, or neither.

    `object` is the id of what it was done to; `of` is the account that it belongs to, with its mode
    where there is one. `changes` are facts by name, pairs where a fact was changed (see
    `core.audit.difference`); they hold no secret and nothing of a recipient. Raises RuntimeError
    outside a transaction.
    """
    if not connection.is_in_transaction():
        raise RuntimeError(f"{act} is noted outside a transaction")
    scope = of if isinstance(of, tuple) else (of, None)
    account_id, mode = scope
    entry = AuditEntry(
        id=new_id(),
        at=datetime.now(UTC),
        by=by,
        act=act,
        account_id=account_id,
        mode=None if mode is None else Mode(mode),
        object=None if object is None else str(object),
        changes=bounded(changes),
    )
    await audit.insert(connection, entry)


class AuditPage(NamedTuple):
    """Some entries, newest first; `next` goes on after them, None where there are no more."""

    entries: list[AuditEntry]
    next: str | None


async def list_entries(
    platform: Platform, wanted: AuditFilter, after: str | None = None, limit: int = 50
) -> AuditPage:
    """Returns entries of the audit. Raises PlaceUnknownError when `after` was not a `next`."""
    place = None if after is None else AuditPosition(*read_cursor(after))
    async with platform.pool.acquire() as connection:
        found = await audit.select(connection, wanted, place, limit + 1)
    entries = found[:limit]
    last = entries[-1] if len(found) > limit else None
    return AuditPage(entries, cursor_text(last.at, last.id) if last else None)


async def find_entries(platform: Platform, ending: str) -> list[AuditEntry]:
    """Returns the entry whose id ends so; two, where there is more than one."""
    async with platform.pool.acquire() as connection:
        return await audit.ending(connection, ending)
