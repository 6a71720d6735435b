"""Import files of orders: keep one, show what is known of it, create what a person says, stop.

The work itself is a worker's: see `importer.py`.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from estafette.core.accounts.account import Scope
from estafette.core.audit import AuditedAct
from estafette.core.deliveries.order_import import (
    LONGEST_FILE_NAME,
    MOST_BYTES,
    Choice,
    Import,
    ImportRow,
    ImportState,
    RowState,
)
from estafette.core.ids import new_id
from estafette.store.deliveries import imports as store
from estafette.usecases import audit
from estafette.usecases.platform import Platform, clock

MOST_OPEN = 10
"""How many imports of an account may be open: read, looked at or under way."""


class TooManyImportsError(Exception):
    """The account has `MOST_OPEN` open imports."""


class ImportNotFoundError(Exception):
    """There is no such import in this account and mode."""


async def start_import(
    platform: Platform,
    scope: Scope,
    person_id: UUID,
    file: bytes,
    file_name: str,
    choice: Choice = Choice.CHEAPEST,
    defaults: Mapping[str, str] | None = None,
) -> UUID:
    """Keeps a file to be read; returns the id of its import.

    `choice` is which of several quotes an order takes; `defaults` are the fields of every order
    that says nothing else. Raises TooManyImportsError, and ValueError for a file that is too large.
    """
    if len(file) > MOST_BYTES:
        raise ValueError(len(file))
    new = Import(
        account_id=scope.account_id,
        id=new_id(),
        mode=scope.mode,
        person_id=person_id,
        address=platform.by.address,
        file_name=file_name.strip()[-LONGEST_FILE_NAME:] or "orders",
        choice=choice,
        defaults=dict(defaults or {}),
        state=ImportState.UPLOADED,
        reason=None,
        ignored=(),
        ready=0,
        created=0,
        again=0,
        wrong=0,
        attempt=0,
        created_at=clock(),
        started_at=None,
        ended_at=None,
    )
    async with (
        platform.connections.account(scope.account_id) as connection,
        connection.transaction(),
    ):
        if await store.count_open(connection, scope.account_id) >= MOST_OPEN:
            raise TooManyImportsError
        await store.insert(connection, new, file)
    return new.id


async def find_import(platform: Platform, scope: Scope, id: UUID) -> Import:
    """Returns an import. Raises ImportNotFoundError."""
    async with platform.connections.account(scope.account_id) as connection:
        found = await store.find(connection, scope, id)
    if found is None:
        raise ImportNotFoundError
    return found


async def newest_imports(platform: Platform, scope: Scope, limit: int = 20) -> list[Import]:
    """An account's imports, the newest first."""
    async with platform.connections.account(scope.account_id) as connection:
        return await store.newest(connection, scope, limit)


async def import_rows(
    platform: Platform,
    of: Import,
    after: int = 0,
    limit: int = 100,
    states: Sequence[RowState] | None = None,
) -> list[ImportRow]:
    """The rows of an import after a line, of those states."""
    async with platform.connections.account(of.account_id) as connection:
        return await store.rows_after(connection, of, after, limit, states)


async def every_row(platform: Platform, of: Import) -> AsyncIterator[ImportRow]:
    """All rows of an import, read some at a time."""
    after = 0
    while found := await import_rows(platform, of, after, 500):
        for row in found:
            yield row
        after = found[-1].number


async def confirm_import(platform: Platform, scope: Scope, id: UUID) -> None:
    """Lets what an import has ready be created. Does nothing for one that is under way or over.

    Raises ImportNotFoundError.
    """
    found = await find_import(platform, scope, id)
    async with (
        platform.connections.account(scope.account_id) as connection,
        connection.transaction(),
    ):
        if not await store.lock_in_state(connection, found, ImportState.PREVIEW):
            return
        now = timedelta()
        await store.set_state(connection, found, ImportState.WAITING, again_after=now)
        facts = {"orders": found.ready}
        await audit.note(connection, platform.by, AuditedAct.IMPORT_STARTED, id, facts, of=scope)


async def stop_import(platform: Platform, scope: Scope, id: UUID) -> None:
    """Ends an import that is not over: what it has created stays. Raises ImportNotFoundError."""
    found = await find_import(platform, scope, id)
    async with (
        platform.connections.account(scope.account_id) as connection,
        connection.transaction(),
    ):
        open_states = (ImportState.UPLOADED, ImportState.PREVIEW, ImportState.WAITING)
        if await store.lock_in_state(connection, found, *open_states):
            await store.set_state(connection, found, ImportState.STOPPED)
            await audit.note(connection, platform.by, AuditedAct.IMPORT_STOPPED, id, of=scope)
