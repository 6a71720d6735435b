"""Pages of deliveries after a position, newest first."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Scope
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.store.deliveries import rows
from estafette.store.pool import Connection, reading_in_order


class Filter(NamedTuple):
    """Which deliveries a list shows; None leaves a criterion out. The times are inclusive."""

    milestones: Sequence[Status] | None = None
    external_ref: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None


class Position(NamedTuple):
    """A place in a list: after the delivery that was created then and has this id."""

    created_at: datetime
    id: UUID


# A list is a statement for each way to find its ids, and each way has an index in the list's
# order: so the only plan that there is holds whatever the values are, and reads what it shows and
# little more. $3 and before $4, $5 is when they were created; $6 is the limit, and what is joined
# laterally with it is looked up in that order. The whole rows are read for what is shown alone.
# Rows are compared, or one expression, so that no other index serves: of an account that is newer
# than its statistics the planner believes that it has a row or two, by whatever index.
_PAGE = f"""
select {rows.DELIVERY_COLUMNS} from deliveries
where (mode, account_id, created_at) >= ($2, $1, $3)
    and (mode, account_id, created_at, id) < ($2, $1, $4, $5::uuid)
order by mode desc, account_id desc, created_at desc, id desc limit (select $6::bigint)
"""  # noqa: S608 - the columns are a constant
_READ = f"""
select {rows.DELIVERY_COLUMNS} from (
    {{found}} order by at desc, found_id desc limit (select $6::bigint)
) as found
cross join lateral (
    select * from deliveries where account_id = $1 and id = found_id limit 1
) as delivery
order by at desc, found_id desc
"""  # noqa: S608 - the columns are a constant
_BY_MILESTONE = """
select at, found_id from unnest($7::text[]) as wanted (reached)
cross join lateral (
    select created_at as at, id as found_id from deliveries
    where (account_id::text || ' ' || mode || ' ' || milestone) collate "C"
            = $1::uuid::text || ' ' || $2 || ' ' || reached
        and reference is null
        and created_at >= $3 and (created_at, id) < ($4, $5::uuid)
    order by created_at desc, id desc limit (select $6::bigint)
) as one
"""
_BY_REF = """
select at, found_id from (
    select created_at as at, id as found_id from deliveries
    where account_id::text || ' ' || mode || ' ' || external_ref
            = $1::uuid::text || ' ' || $2 || ' ' || $8
        and external_ref is not null and status not in ('cancelled', 'failed')
        and milestone = any($7::text[])
        and created_at >= $3 and (created_at, id) < ($4, $5::uuid)
    union all
    select at, found_id from unnest($7::text[]) as wanted (reached)
    cross join lateral (
        select created_at as at, id as found_id from deliveries
        where (account_id::text || ' ' || mode || ' ' || milestone || ' ' || external_ref)
                collate "C" = $1::uuid::text || ' ' || $2 || ' ' || reached || ' ' || $8
            and external_ref is not null and status in ('cancelled', 'failed')
            and created_at >= $3 and (created_at, id) < ($4, $5::uuid)
        order by created_at desc, id desc limit (select $6::bigint)
    ) as one
) as either
"""
_PAGE_BY_MILESTONE = _READ.format(found=_BY_MILESTONE)
_PAGE_BY_REF = _READ.format(found=_BY_REF)

_FIRST = datetime(1, 1, 1, tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)
_AFTER_ALL = UUID(int=(1 << 128) - 1)  # no delivery's id: none is of that version


async def page(
    connection: Connection, scope: Scope, wanted: Filter, after: Position | None, limit: int
) -> list[Delivery]:
    """Returns at most `limit` deliveries, newest first, that come after a position.

    Those of chosen milestones, without an external reference, are the ones that have no reference.
    """
    before = Position(wanted.created_to or _LAST, _AFTER_ALL)
    if after is not None:
        before = min(before, after)
    values: list[object] = [*scope, wanted.created_from or _FIRST, *before, limit]
    if wanted.external_ref is None and wanted.milestones is None:
        return [rows.delivery(row) for row in await connection.fetch(_PAGE, *values)]
    milestones = Status if wanted.milestones is None else wanted.milestones
    values.append(list(dict.fromkeys(milestones)))
    query = _PAGE_BY_MILESTONE
    if wanted.external_ref is not None:
        values.append(wanted.external_ref)
        query = _PAGE_BY_REF
    async with reading_in_order(connection):
        return [rows.delivery(row) for row in await connection.fetch(query, *values)]
