"""Deliveries of all accounts as an operator looks for them: by anything, the newest first.

No index serves such a question. Each account and mode has its newest deliveries looked through, up
to a bound, in the order of its list; the next question begins where one has ended.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from estafette.core.accounts.account import KeyKind, Mode
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.store.deliveries import rows
from estafette.store.deliveries.lists import Position
from estafette.store.pool import Connection

LOOKED_AT = 100_000
"""Among how many deliveries of an account and mode one question looks: the next after its place."""


class OverviewFilter(NamedTuple):
    """What is looked for; None, or False, leaves a criterion out. The times are inclusive.

    `company` is a courier company's slug, `keys` are the ids of API keys. `order` is the merchant's
    order id or the reference. `search` is a piece of the stops: names, phones, addresses, notes.
    `late` are those under way past their promised time, `held` those that wait to be confirmed.
    """

    account_id: UUID | None = None
    mode: Mode | None = None
    statuses: Sequence[Status] | None = None
    order: str | None = None
    company: str | None = None
    keys: Sequence[UUID] | None = None
    kind: KeyKind | None = None
    since: datetime | None = None
    until: datetime | None = None
    search: str | None = None
    late: bool = False
    held: bool = False


_FIRST = datetime(1, 1, 1, tzinfo=UTC)
_NEWEST = Position(datetime.max.replace(tzinfo=UTC), UUID(int=(1 << 128) - 1))
_OLDEST = Position(_FIRST, UUID(int=0))

# The nearest of the places at which an account and mode has been looked through far enough. All of
# them are looked through as far as there, so that nothing is found out of order.
_BOUND = """
select far.created_at, far.id from accounts
cross join unnest($2::text[]) as modes (of_mode)
cross join lateral (
    select created_at, id from deliveries
    where (mode, account_id, created_at) >= (of_mode, accounts.id, $3)
        and (mode, account_id, created_at, id) < (of_mode, accounts.id, $4, $5)
    order by mode desc, account_id desc, created_at desc, id desc offset $6 - 1 limit 1
) far
where $1::uuid is null or accounts.id = $1
order by far.created_at desc, far.id desc limit 1
"""

_FOUND = f"""
select {rows.DELIVERY_COLUMNS} from (
    select one.* from accounts
    cross join unnest($2::text[]) as modes (of_mode)
    cross join lateral (
        select * from deliveries
        where (mode, account_id, created_at, id) >= (of_mode, accounts.id, $3, $14)
            and (mode, account_id, created_at, id) < (of_mode, accounts.id, $4, $15)
            and ($5::text[] is null or status = any($5))
            and ($6::text is null or external_ref = $6 or reference = $6)
            and ($7::text is null
                or company_id in (select id from companies where slug = $7))
            and ($8::uuid[] is null or key_id = any($8))
            and ($9::text is null
                or key_id in (select id from api_keys where kind = $9))
            and ($10::text is null
                or strpos(lower(pickup::text || ' ' || dropoff::text), lower($10)) > 0)
            and (not $11 or deliver_by < now()
                and status not in ('delivered', 'cancelled', 'failed'))
            and (not $12 or status = 'awaiting_payment' and terms ->> 'method' <> 'bank_transfer')
        order by mode desc, account_id desc, created_at desc, id desc limit $13
    ) one
    where $1::uuid is null or accounts.id = $1
) found
order by created_at desc, id desc limit $13
"""  # noqa: S608 - the parts are constants


class Found(NamedTuple):
    """Some deliveries, newest first, and how far was looked for them; None: to the end."""

    deliveries: list[Delivery]
    looked_to: Position | None


async def find(
    connection: Connection,
    wanted: OverviewFilter,
    limit: int,
    after: Position | None = None,
    looked_at: int = LOOKED_AT,
) -> Found:
    """At most `limit` deliveries after a place, of those that come next in each account and mode.

    `looked_at` is how many these are.
    """
    modes = list(Mode) if wanted.mode is None else [wanted.mode]
    # `until` is inclusive: before the first place that comes after it
    until = _NEWEST if wanted.until is None else Position(wanted.until, _NEWEST.id)
    begin = until if after is None else min(after, until)
    end = _OLDEST if wanted.since is None else Position(wanted.since, _OLDEST.id)
    bound = await connection.fetchrow(
        _BOUND, wanted.account_id, modes, end.created_at, *begin, looked_at
    )
    looked_to = None if bound is None else Position(*bound)
    until_there = end if looked_to is None else looked_to
    found = await connection.fetch(
        _FOUND,
        wanted.account_id,
        modes,
        until_there.created_at,
        begin.created_at,
        None if wanted.statuses is None else list(wanted.statuses),
        wanted.order,
        wanted.company,
        None if wanted.keys is None else list(wanted.keys),
        wanted.kind,
        wanted.search,
        wanted.late,
        wanted.held,
        limit,
        until_there.id,
        begin.id,
    )
    return Found([rows.delivery(row) for row in found], looked_to)
