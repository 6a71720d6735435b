"""The log of an account's API requests, and how many are missing from it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Mode, Scope
from estafette.store.columns import Columns, insertion, rows
from estafette.store.old_rows import older
from estafette.store.pool import Connection


class LoggedRequest(NamedTuple):
    """One request with a key, as it was answered.

    `route` is the template of its path, `code` that of a refusal in the API's words.
    """

    account_id: UUID
    mode: Mode
    at: datetime
    request_id: str
    key_id: UUID
    method: str
    route: str
    status: int
    code: str | None
    duration_ms: float


REQUEST: Final = Columns[LoggedRequest](
    {
        "account_id": ("uuid", lambda request: request.account_id),
        "mode": ("text", lambda request: request.mode),
        "at": ("timestamptz", lambda request: request.at),
        "request_id": ("text", lambda request: request.request_id),
        "key_id": ("uuid", lambda request: request.key_id),
        "method": ("text", lambda request: request.method),
        "route": ("text", lambda request: request.route),
        "status": ("smallint", lambda request: request.status),
        "code": ("text", lambda request: request.code),
        "duration_ms": ("real", lambda request: request.duration_ms),
    }
)
"""A request as it is written."""

_INSERT: Final = f"""
{insertion("api_requests", REQUEST.types, rows(REQUEST))}
where exists (
    select from api_keys where api_keys.account_id = input.account_id and api_keys.id = input.key_id
)
"""


async def insert(connection: Connection, requests: Sequence[LoggedRequest]) -> None:
    """Writes requests, but those of keys that were removed meanwhile."""
    await connection.execute(_INSERT, *REQUEST.of(requests))


_DROPPED = """
insert into api_request_gaps as known (account_id, mode, hour, dropped)
select account_id, mode, date_trunc('hour', now()), dropped
from unnest($1::uuid[], $2::text[], $3::bigint[]) as input (account_id, mode, dropped)
where exists (select from accounts where accounts.id = input.account_id)
order by account_id, mode
on conflict (account_id, mode, hour) do update set dropped = known.dropped + excluded.dropped
"""


async def add_gaps(connection: Connection, dropped: Mapping[Scope, int]) -> None:
    """Notes how many requests are not in the log."""
    accounts, modes = [scope.account_id for scope in dropped], [scope.mode for scope in dropped]
    await connection.execute(_DROPPED, accounts, modes, list(dropped.values()))


async def gaps(connection: Connection, scope: Scope, since: datetime) -> int:
    """Returns how many requests since a time are not in the log."""
    return await connection.fetchval(
        "select coalesce(sum(dropped), 0)::bigint from api_request_gaps"
        " where account_id = $1 and mode = $2 and hour >= date_trunc('hour', $3::timestamptz)",
        *scope,
        since,
    )


forget_gaps: Final = older("api_request_gaps", "hour")
"""Forgets what was missing so long ago."""


class RequestCursor(NamedTuple):
    """Where a request stands in the log, newest first."""

    at: datetime
    request_id: str


class RequestFilter(NamedTuple):
    """Which requests: what is None is not asked.

    `statuses` are the first and the last HTTP status that are meant.
    """

    request_id: str | None = None
    statuses: tuple[int, int] | None = None
    since: datetime | None = None
    until: datetime | None = None


_SELECT = """
select account_id, mode, at, request_id, key_id, method, route, status, code, duration_ms
from api_requests
where account_id = $1 and mode = $2 and {condition}
    and at >= coalesce($3::timestamptz, '-infinity') and at < coalesce($4::timestamptz, 'infinity')
    and at <= coalesce($5::timestamptz, 'infinity')
    and ($5::timestamptz is null or (at, request_id) < ($5, $6))
order by at desc, request_id desc limit $7
"""
_BY_ID: Final = _SELECT.format(condition="request_id = $8")
_IN_ORDER: Final = _SELECT.format(condition="status between $8 and $9")
_REFUSED: Final = _SELECT.format(condition="status >= 400 and status between $8 and $9")


async def select(
    connection: Connection,
    scope: Scope,
    wanted: RequestFilter,
    after: RequestCursor | None,
    limit: int,
) -> list[LoggedRequest]:
    """Returns requests of an account, newest first, those that follow `after`."""
    lowest, highest = wanted.statuses or (0, 999)
    query, condition = _REFUSED if lowest >= 400 else _IN_ORDER, (lowest, highest)
    if wanted.request_id is not None:
        query, condition = _BY_ID, (wanted.request_id,)
    found = await connection.fetch(
        query, *scope, wanted.since, wanted.until, *(after or (None, None)), limit, *condition
    )
    return [LoggedRequest(**row) for row in found]
