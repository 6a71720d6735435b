"""Lists of an account's deliveries for people: filtered, and found by words, newest first.

Every list has a bound on how many deliveries it looks at. Where that does not fill a page, it tells
how far it has come, and goes on from there when it is asked again.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from estafette.core.accounts.account import Scope
from estafette.core.deliveries import finding
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.store.deliveries import rows, words
from estafette.store.deliveries.lists import Position
from estafette.store.deliveries.people_filter import EFFORT, NEVER, NEWEST, Effort, PeopleFilter
from estafette.store.pool import Connection, reading_in_order


class Found(NamedTuple):
    """Some deliveries, newest first, and how far was looked for them; None: to the end."""

    deliveries: list[Delivery]
    looked_to: Position | None


async def find(
    connection: Connection,
    scope: Scope,
    wanted: PeopleFilter,
    after: Position | None,
    limit: int,
    effort: Effort = EFFORT,
) -> Found:
    """At most `limit` deliveries after a place. `looked_to` is None where they are `limit`."""
    begin = wanted.begin if after is None else min(after, wanted.begin)
    async with reading_in_order(connection):
        look = _Look(connection, scope, wanted, begin, limit, effort)
        places, looked_to = await (look.by_words() if wanted.terms else look.in_lists())
        found = await connection.fetch(_READ, *scope, [place.id for place in places])
    deliveries = [rows.delivery(row) for row in found]
    return Found(deliveries, None if len(places) >= limit else looked_to)


_READ = f"""
select {rows.DELIVERY_COLUMNS} from unnest($3::uuid[]) with ordinality as wanted (wanted_id, place)
cross join lateral (
    select * from deliveries
    where account_id = $1 and id = wanted_id and mode is not distinct from $2 limit 1
) as deliveries order by place
"""  # noqa: S608 - the columns are a constant

# Below, $1 and $2 are the scope, $3 is the oldest time, before ($4, $5) is the place; the texts
# that fit in {fits} are given the parameters that follow. Rows are compared, or one expression, so
# that no other index serves: see store/deliveries/lists.py.
_FITS = """
    ({of}.status = any({statuses}::text[]) or {statuses}::text[] is null)
    and ({company}::uuid is null or {of}.company_id = {company})
    and (not {late}::boolean or {of}.deliver_by < now())
"""
_ALL = """
select created_at, id, {fits} as fits from deliveries
where (mode, account_id, created_at) >= ($2, $1, $3)
    and (mode, account_id, created_at, id) < ($2, $1, $4, $5::uuid)
order by mode desc, account_id desc, created_at desc, id desc limit (select $9::bigint)
"""
_OF_STATUS = """
select created_at, id, {fits} as fits from deliveries
where (account_id, mode, status, created_at) >= ($1, $2, listed.status, $3)
    and (account_id, mode, status, created_at, id) < ($1, $2, listed.status, $4, $5::uuid)
    and reference is not null
order by account_id desc, mode desc, status desc, created_at desc, id desc
limit (select $9::bigint)
"""
_OF_MILESTONE = """
select created_at, id, {fits} as fits from deliveries
where (account_id::text || ' ' || mode || ' ' || milestone) collate "C"
        = $1::uuid::text || ' ' || $2 || ' ' || listed.status
    and reference is null and created_at >= $3 and (created_at, id) < ($4, $5::uuid)
order by created_at desc, id desc limit (select $9::bigint)
"""
_FITTING = _FITS.format(of="deliveries", statuses="$6", company="$7", late="$8")
_LISTED = """
with looked as materialized ({looked}),
far as (
    select created_at, id from (
        select created_at, id, row_number() over
            (partition by list order by created_at desc, id desc) as number
        from looked
    ) numbered where number = $9 order by created_at desc, id desc limit 1
)
select created_at, id, fits from (
    select created_at, id, true as fits from looked
    where fits and (created_at, id) >=
        (coalesce((select created_at from far), $3),
         coalesce((select id from far), '00000000-0000-0000-0000-000000000000'))
    order by created_at desc, id desc limit (select $10::bigint)
) as found
union all select created_at, id, false from far
"""
_IN_ALL = _LISTED.format(
    looked=f"select 0 as list, one.* from ({_ALL.format(fits=_FITTING)}) one"  # noqa: S608 - constants
)
_IN_LISTS = _LISTED.format(
    looked=f"""
    select listed.number as list, one.*
    from unnest($6::text[]) with ordinality as listed (status, number)
    cross join lateral ({_OF_STATUS.format(fits=_FITTING)}) one
    union all
    select -listed.number as list, one.*
    from unnest($11::text[]) with ordinality as listed (status, number)
    cross join lateral ({_OF_MILESTONE.format(fits=_FITTING)}) one
    """  # noqa: S608 - constants
)

_MILESTONES: Final = {
    Status.PENDING: (Status.PENDING, Status.ASSIGNED, Status.PICKUP_READY),
    Status.ASSIGNED: (Status.ASSIGNED, Status.PICKUP_READY),
    Status.FAILED: (
        Status.PENDING,
        Status.ASSIGNED,
        Status.PICKUP_READY,
        Status.IN_TRANSIT,
        Status.OUT_FOR_DELIVERY,
    ),
    Status.STALLED: (
        Status.PENDING,
        Status.ASSIGNED,
        Status.PICKUP_READY,
        Status.IN_TRANSIT,
        Status.OUT_FOR_DELIVERY,
    ),
}
"""The milestones that deliveries of a status may have, where it is not that status alone."""


def _milestones(statuses: Sequence[Status]) -> list[Status]:
    found = [one for status in statuses for one in _MILESTONES.get(status, (status,))]
    return list(dict.fromkeys(found))


class _Look:
    """The ways to the places of the deliveries of one page."""

    def __init__(
        self,
        connection: Connection,
        scope: Scope,
        wanted: PeopleFilter,
        begin: Position,
        limit: int,
        effort: Effort,
    ) -> None:
        self._effort = effort
        self._connection = connection
        self._scope = scope
        self._wanted = wanted
        self._begin = begin
        self._limit = limit

    async def in_lists(self) -> tuple[list[Position], Position | None]:
        """Looks at the deliveries of the chosen statuses, or at all."""
        wanted = self._wanted
        milestones = [] if wanted.chosen is None else _milestones(wanted.chosen)
        lists = 1 if wanted.chosen is None else len(wanted.chosen) + len(milestones)
        most = min(self._effort.listed, self._effort.listed_in_all // lists)
        looked = self._limit if wanted.is_exact else max(most, 1)
        values = [
            *self._scope,
            wanted.end.created_at,
            *self._begin,
            wanted.chosen,
            wanted.company_id,
            wanted.late,
            looked,
            self._limit,
        ]
        if wanted.chosen is None:
            found = await self._connection.fetch(_IN_ALL, *values)
        else:
            found = await self._connection.fetch(_IN_LISTS, *values, milestones)
        places = [Position(row["created_at"], row["id"]) for row in found if row["fits"]]
        far = [Position(row["created_at"], row["id"]) for row in found if not row["fits"]]
        return places, far[0] if far else None

    async def by_words(self) -> tuple[list[Position], Position | None]:
        """Looks at those without words yet, and then at the words of the others."""
        indexed = await words.indexed_to(self._connection, self._scope)
        reached = NEVER if indexed is None else Position(*indexed)
        found, stopped_at = await self._young(reached)
        if len(found) >= self._limit or stopped_at is not None:
            return found[: self._limit], stopped_at
        before = min(self._begin, Position(reached.created_at, NEWEST.id))
        older, looked_to = await self._indexed(before, self._limit - len(found))
        return [*found, *older], looked_to

    async def _young(self, reached: Position) -> tuple[list[Position], Position | None]:
        """Those that have no words yet, as far as their bound."""
        if self._begin <= reached:
            return [], None
        found = await self._connection.fetch(
            _UNINDEXED, *self._scope, *reached, *self._begin, self._effort.young
        )
        deliveries = [rows.delivery(row) for row in found]
        places = [
            Position(one.created_at, one.id)
            for one in deliveries
            if self._fits(one) and finding.fits(self._wanted.terms, one)
        ]
        if len(deliveries) < self._effort.young:
            return places, None
        return places, Position(deliveries[-1].created_at, deliveries[-1].id)

    def _fits(self, delivery: Delivery) -> bool:
        wanted = self._wanted
        return (
            (wanted.chosen is None or delivery.status in wanted.chosen)
            and wanted.company_id in (None, delivery.company_id)
            and (not wanted.late or delivery.deliver_by < datetime.now(UTC))
            and delivery.created_at >= wanted.end.created_at
        )

    async def _indexed(
        self, before: Position, limit: int
    ) -> tuple[list[Position], Position | None]:
        """Looks through the words in order, as far as a sample; then whichever way is cheaper."""
        looked = await self._through(before, self._effort.sample, limit)
        if len(looked.places) >= limit or looked.to is None:
            return looked.places, looked.to
        if looked.hits * 100 < self._effort.sample:  # few have them, to judge by those
            apart = await self._apart(before, limit)
            if apart is not None:
                return apart, None
        looked = await self._through(before, self._effort.in_order, limit)
        return looked.places, looked.to

    async def _through(self, before: Position, count: int, limit: int) -> "_Through":
        query, values = self._query(_THROUGH, before)
        found = await self._connection.fetch(query, *values, count, limit)
        places = [Position(row["created_at"], row["id"]) for row in found if row["kind"] == 0]
        end = next(row for row in found if row["kind"] == 1)
        to = Position(end["created_at"], end["id"]) if end["looked"] == count else None
        return _Through(places, end["hits"], to)

    async def _apart(self, before: Position, limit: int) -> list[Position] | None:
        """Returns those that have the words, by their index; None: too many have."""
        query, values = self._query(_APART, before, by_hash=True)
        async with self._connection.transaction():
            # the index of words gives its rows in no order
            await self._connection.execute(
                "set local enable_bitmapscan = on; set local enable_sort = on"
            )
            found = await self._connection.fetch(query, *values, self._effort.apart, limit)
        if any(row["kind"] == 1 for row in found):
            return None
        return [Position(row["created_at"], row["id"]) for row in found]

    def _query(
        self, text: str, before: Position, *, by_hash: bool = False
    ) -> tuple[str, list[object]]:
        """Returns a statement for these words, and its parameters but for the last two."""
        wanted, terms = self._wanted, self._wanted.terms
        values: list[object] = [
            *self._scope,
            wanted.end.created_at,
            *before,
            wanted.chosen,
            wanted.company_id,
            wanted.late,
        ]
        likes: list[str] = []
        has: list[str] = []
        for term in terms:
            values.append(list(term.patterns))
            likes.append(f"content like any(${len(values)}::text[])")
            if by_hash:
                values.append(list(term.hashes))
                has.append(f"hashes && ${len(values)}::integer[]")
        size, limit = len(values) + 1, len(values) + 2
        return (
            text.format(
                like=" and ".join(likes),
                has=" and ".join(has),
                size=f"${size}",
                limit=f"${limit}",
                fits=_FITS.format(of="deliveries", statuses="$6", company="$7", late="$8"),
            ),
            values,
        )


class _Through(NamedTuple):
    """What looking through words in order has found.

    `hits` is how many had the words, whatever else is wanted; `to` is how far it came, None: to
    the end.
    """

    places: list[Position]
    hits: int
    to: Position | None


_UNINDEXED = f"""
select {rows.DELIVERY_COLUMNS} from deliveries
where (mode, account_id, created_at, id) > ($2, $1, $3, $4::uuid)
    and (mode, account_id, created_at, id) < ($2, $1, $5, $6::uuid)
order by mode desc, account_id desc, created_at desc, id desc limit $7
"""  # noqa: S608 - the columns are a constant

_THROUGH = """
with looked as materialized (
    select created_at, delivery_id as id, {like} as hit from (
        select created_at, delivery_id, content from delivery_words
        where account_id = $1 and mode = $2 and created_at >= $3
            and (account_id, mode, created_at, delivery_id) < ($1, $2, $4, $5::uuid)
        order by account_id desc, mode desc, created_at desc, delivery_id desc
        limit (select {size}::bigint)
    ) as texts
)
select 0 as kind, looked.created_at, looked.id, 0::bigint as looked, 0::bigint as hits from (
    select hits.created_at, hits.id from (
        select created_at, id from looked where hit order by created_at desc, id desc
    ) as hits
    cross join lateral (
        select from deliveries
        where account_id = $1 and deliveries.id = hits.id and {fits} limit 1
    ) as chosen
    order by hits.created_at desc, hits.id desc limit (select {limit}::bigint)
) as looked
union all
(
    select 1, last.created_at, last.id, (select count(*) from looked),
        (select count(*) from looked where hit)
    from (values (1)) as one (row)
    left join lateral (select created_at, id from looked order by created_at, id limit 1) as last
        on true
)
"""

_APART = """
with found as materialized (
    select account_id, mode, created_at, delivery_id from delivery_words
    where {has} and {like} limit (select {size}::bigint)
)
(
    select 0 as kind, texts.created_at, texts.delivery_id as id from (
        select created_at, delivery_id from found
        where account_id = $1 and mode = $2 and created_at >= $3
            and (created_at, delivery_id) < ($4, $5::uuid)
    ) as texts
    cross join lateral (
        select from deliveries
        where account_id = $1 and deliveries.id = texts.delivery_id and {fits} limit 1
    ) as chosen
    where (select count(*) from found) < {size}
    order by texts.created_at desc, texts.delivery_id desc limit (select {limit}::bigint)
)
union all
select 1, null, null where (select count(*) from found) >= {size}
"""
