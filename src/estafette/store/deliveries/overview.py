"""Deliveries of all accounts as an operator looks for them: by anything, the newest first.

No index serves such a question. Each account and mode has its newest deliveries looked through, up
to a bound, in the order of its list.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from estafette.core.accounts.account import KeyKind, Mode
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.store.deliveries import rows
from estafette.store.pool import Connection

LOOKED_AT = 100_000
"""Among how many deliveries, the newest of an account and mode, something is looked for."""


class Wanted(NamedTuple):
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
_LAST = datetime.max.replace(tzinfo=UTC)

_FOUND = f"""
select {rows.DELIVERY_COLUMNS} from (
    select one.* from accounts
    cross join unnest($2::text[]) as modes (of_mode)
    cross join lateral (
        select * from (
            select * from deliveries
            where (mode, account_id, created_at) >= (of_mode, accounts.id, $3)
                and (mode, account_id, created_at) <= (of_mode, accounts.id, $4)
            order by mode desc, account_id desc, created_at desc, id desc limit {LOOKED_AT}
        ) newest
        where ($5::text[] is null or status = any($5))
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
        order by created_at desc, id desc limit $13
    ) one
    where $1::uuid is null or accounts.id = $1
) found
order by created_at desc, id desc limit $13
"""  # noqa: S608 - the parts are constants


async def find(connection: Connection, wanted: Wanted, limit: int) -> list[Delivery]:
    """At most `limit` deliveries, newest first."""
    found = await connection.fetch(
        _FOUND,
        wanted.account_id,
        list(Mode) if wanted.mode is None else [wanted.mode],
        wanted.since or _FIRST,
        wanted.until or _LAST,
        None if wanted.statuses is None else list(wanted.statuses),
        wanted.order,
        wanted.company,
        None if wanted.keys is None else list(wanted.keys),
        wanted.kind,
        wanted.search,
        wanted.late,
        wanted.held,
        limit,
    )
    return [rows.delivery(row) for row in found]
