"""Pages of deliveries by offset, with filters and search, in a time that hardly grows with them.

Newest first or oldest first, by creation and id: an order in which no delivery ever moves. A page
is found by its ids alone, in an index where there is one, and read then.

What is searched stands in `search_texts` (see store/deliveries/search_texts.py). The first texts of
the list are looked through; which way the rest is found, core/deliveries/search_plan.py decides.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Scope
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.search import Needle, fold, needle, pattern, rarest
from estafette.core.deliveries.search_plan import EFFORT, Effort, Sampled, Way, plan
from estafette.store.deliveries import rows
from estafette.store.pool import Connection, reading_in_order

_FEW_GRAMS = 3
_COUNTED = 300  # texts, to tell which grams are the rarest
_FIRST = datetime(1, 1, 1, tzinfo=UTC)
_LAST = datetime(9999, 12, 31, tzinfo=UTC)


class ListFilter(NamedTuple):
    """A page by offset of the deliveries of a scope; None leaves a criterion out.

    The times are inclusive. `search` is looked for in the reference, the cities and the address
    lines, whatever the case and the accents.
    """

    statuses: Sequence[Status] | None = None
    inserted_from: datetime | None = None
    inserted_to: datetime | None = None
    search: str | None = None
    descending: bool = True
    limit: int = 20
    offset: int = 0

    @property
    def chosen(self) -> list[Status] | None:
        """The statuses, each once; None when all are wanted."""
        chosen = None if self.statuses is None else set(self.statuses)
        return None if chosen is None or len(chosen) == len(Status) else sorted(chosen)

    @property
    def need(self) -> int:
        """How many deliveries tell the page, and whether there is more after it."""
        return self.offset + self.limit + 1


async def page(
    connection: Connection, scope: Scope, wanted: ListFilter, effort: Effort = EFFORT
) -> tuple[list[Delivery], bool]:
    """Returns the page, and whether there is more after it."""
    if wanted.search is not None and (folded := fold(wanted.search)):
        ids = await _search(connection, scope, wanted, folded, effort)
    else:
        ids = await _Look(connection, scope, wanted).listed()
    shown = ids[: wanted.limit]
    if not shown:
        return [], False
    found = await connection.fetch(_READ, scope.account_id, scope.mode, shown)
    return [rows.delivery(row) for row in found], len(ids) > wanted.limit


async def _search(
    connection: Connection, scope: Scope, wanted: ListFilter, folded: str, effort: Effort
) -> list[UUID]:
    """Returns the ids of the page and the one after it."""
    look = _Look(connection, scope, wanted, pattern(folded))
    found = await look.through(effort.sample)
    total, indexed_to = await look.extent()
    if len(found) == wanted.need or total <= effort.sample:
        return found[wanted.offset :]
    looked, hits = await look.hits(effort.sample)
    if looked < effort.sample:  # there are no more of those times
        return found[wanted.offset :]
    grams = needle(scope, folded)
    sampled = Sampled(total, hits, len(found), wanted.need)
    chosen = plan(
        sampled,
        by_status=wanted.chosen is not None,
        has_grams=bool(grams.all_of or grams.any_of),
        effort=effort,
    )
    way: Way | None = chosen.way
    if way is Way.IN_ORDER:
        found = await look.through(chosen.reach)
        if len(found) == wanted.need:
            return found[wanted.offset :]
        way = chosen.otherwise
    match way:
        case Way.BY_STATUS:
            return await look.by_status()
        case Way.BY_GRAMS:
            return await look.by_grams(grams, indexed_to)
        case Way.IN_ORDER:
            return (await look.through(total))[wanted.offset :]
        case None:
            return found[wanted.offset :]


_EXTENT = """
select (
    select coalesce(sum(last), 0) from delivery_references where account_id = $1 and mode = $2
), (
    select coalesce(max(indexed_to), '2000-01-01') from search_progress
    where account_id = $1 and mode = $2
)
"""

# Each is looked up by itself, by the primary key: without statistics the planner would rather read
# all of the account's deliveries once.
_READ = f"""
select {rows.DELIVERY_COLUMNS} from unnest($3::uuid[]) with ordinality as wanted (wanted_id, place)
cross join lateral (
    select * from deliveries
    where account_id = $1 and id = wanted_id and mode is not distinct from $2 limit 1
) as deliveries order by place
"""  # noqa: S608 - the columns are a constant

# Below, $1 to $4 are the scope and the times, {order} is the direction. What is joined laterally
# with a limit is looked up row by row, in the order of the list, which the planner cannot change.
# A limit is a query, as in store/deliveries/table.py. Rows are compared, and ordered by all that
# they are chosen by, so that the index of all deliveries does not serve for those of a status.
_IN_ORDER = """
select id from deliveries
where (mode, account_id, created_at) >= ($2, $1, $3)
    and (mode, account_id, created_at) <= ($2, $1, $4)
order by mode {order}, account_id {order}, created_at {order}, id {order}
limit (select $5::bigint) offset $6
"""
_IN_ORDER_BY_STATUS = """
select one.id from unnest($7::text[]) as wanted (status)
cross join lateral (
    select created_at, id from deliveries
    where (account_id, mode, deliveries.status, created_at) >= ($1, $2, wanted.status, $3)
        and (account_id, mode, deliveries.status, created_at) <= ($1, $2, wanted.status, $4)
        and reference is not null
    order by account_id {order}, mode {order}, deliveries.status {order}, created_at {order},
        id {order}
    limit (select $5::bigint + $6)
) as one
order by one.created_at {order}, one.id {order} limit (select $5::bigint) offset $6
"""
_OF_STATUS = """
cross join lateral (
    select from deliveries where account_id = $1 and id = delivery_id and status = any({statuses})
    limit 1
) as chosen
"""
_THROUGH = """
select delivery_id from (
    select created_at, delivery_id, content from search_texts
    where account_id = $1 and mode = $2 and created_at between $3 and $4
    order by created_at {order}, delivery_id {order} limit (select $5::bigint)
) as looked_through {of_status}
where content like $6
order by created_at {order}, delivery_id {order} limit (select $7::bigint)
"""
_HITS = """
select count(*), count(*) filter (where content like $6) from (
    select content from search_texts
    where account_id = $1 and mode = $2 and created_at between $3 and $4
    order by created_at {order}, delivery_id {order} limit (select $5::bigint)
) as looked_through
"""
_PRESENT = """
select sum((content like piece)::integer) as hits
from unnest($6::text[]) with ordinality as pieces (piece, place)
cross join (
    select content from search_texts
    where account_id = $1 and mode = $2 and created_at between $3 and $4
    order by created_at {order}, delivery_id {order} limit (select $5::bigint)
) as looked_through
group by place order by place
"""
# The grams tell the tenant already: asked for in the same place, it would lead to other indexes.
# The texts after $9 have no grams yet.
_BY_GRAMS = """
with found as materialized (
    select account_id, mode, created_at, delivery_id from search_grams
    where grams {has} $5::integer[] and content like $6
)
select delivery_id from (
    select created_at, delivery_id from found
    where account_id = $1 and mode = $2 and created_at between $3 and least($4, $9::timestamptz)
    union -- a text that was looked at again, after a clock was set back, has its grams twice
    select created_at, delivery_id from search_texts
    where account_id = $1 and mode = $2 and created_at between $3 and $4 and created_at > $9
        and content like $6
) as texts {of_status}
order by texts.created_at {order}, delivery_id {order} limit (select $7::bigint) offset $8
"""
_BY_STATUS = """
select one.id from unnest($8::text[]) as wanted (status)
cross join lateral (
    select created_at, id from deliveries
    cross join lateral (
        select from search_texts
        where search_texts.account_id = $1 and search_texts.mode = $2
            and search_texts.created_at = deliveries.created_at and delivery_id = deliveries.id
            and content like $5
        limit 1
    ) as has_text
    where (account_id, mode, deliveries.status, created_at) >= ($1, $2, wanted.status, $3)
        and (account_id, mode, deliveries.status, created_at) <= ($1, $2, wanted.status, $4)
        and reference is not null
    order by account_id {order}, mode {order}, deliveries.status {order}, created_at {order},
        id {order}
    limit (select $6::bigint + $7)
) as one
order by one.created_at {order}, one.id {order} limit (select $6::bigint) offset $7
"""


class _Look:
    """The statements for one list. Each gives ids in the order of the list."""

    def __init__(
        self, connection: Connection, scope: Scope, wanted: ListFilter, like: str | None = None
    ) -> None:
        """`like` is the pattern of what is searched."""
        self._connection = connection
        self._like = like
        self._statuses = wanted.chosen
        self._wanted = wanted
        self._scope_and_times = (
            scope.account_id,
            scope.mode,
            wanted.inserted_from or _FIRST,
            wanted.inserted_to or _LAST,
        )

    async def listed(self) -> list[UUID]:
        """Returns the page and one more, without a search."""
        limits = (self._wanted.limit + 1, self._wanted.offset)
        if self._statuses is None:
            return await self._ids(_IN_ORDER, *limits)
        async with reading_in_order(self._connection):
            return await self._ids(_IN_ORDER_BY_STATUS, *limits, self._statuses)

    async def through(self, count: int) -> list[UUID]:
        """Those found among the first `count` texts, as many as are needed, from offset 0 on."""
        values: list[object] = [count, self._like, self._wanted.need]
        if self._statuses is None:
            return await self._ids(_THROUGH, *values)
        return await self._ids(_THROUGH, *values, self._statuses, of_status="$8::text[]")

    async def hits(self, count: int) -> tuple[int, int]:
        """Returns how many first texts there are, up to `count`, and how many have the piece."""
        query = _HITS.format(order=self._order)
        values = (*self._scope_and_times, count, self._like)
        found = await self._connection.fetchrow(query, *values)
        return (found[0], found[1]) if found else (0, 0)

    async def extent(self) -> tuple[int, datetime]:
        """Returns how many texts there are, at most, and up to which time they have their grams."""
        found = await self._connection.fetchrow(_EXTENT, *self._scope_and_times[:2])
        return (found[0], found[1]) if found else (0, _FIRST)

    async def by_grams(self, grams: Needle, indexed_to: datetime) -> list[UUID]:
        """Returns the page and one more, of the texts whose grams are those of the piece."""
        if grams.all_of:
            return await self._having("@>", await self._rarest(grams.all_of), indexed_to)
        return await self._having("&&", grams.any_of, indexed_to)

    async def _rarest(self, grams: Mapping[bytes, int]) -> list[int]:
        """Returns a few grams that few of some texts have: looking for more of them costs more."""
        if len(grams) <= _FEW_GRAMS:
            return list(grams.values())
        # where half a character is missing, whatever stands there will do
        likes = [pattern(piece.decode(errors="replace")).replace("\ufffd", "_") for piece in grams]
        query = _PRESENT.format(order=self._order)
        found = await self._connection.fetch(query, *self._scope_and_times, _COUNTED, likes)
        if not found:
            return list(grams.values())[:_FEW_GRAMS]
        return rarest(list(grams.values()), [row["hits"] for row in found], _FEW_GRAMS)

    async def _having(self, has: str, grams: Collection[int], indexed_to: datetime) -> list[UUID]:
        """Returns the page and one more, of the texts whose grams have all or some of these."""
        limits = (self._wanted.limit + 1, self._wanted.offset)
        values: list[object] = [list(grams), self._like, *limits, indexed_to]
        of_status = ""
        if self._statuses is not None:
            values.append(self._statuses)
            of_status = "$10::text[]"
        async with self._connection.transaction():
            # without statistics of the tenant's grams, the planner overrates what they find
            await self._connection.execute("set local enable_seqscan = off")
            return await self._ids(_BY_GRAMS, *values, has=has, of_status=of_status)

    async def by_status(self) -> list[UUID]:
        """Returns the page and one more, by looking through all of the chosen statuses."""
        values = (self._like, self._wanted.limit + 1, self._wanted.offset, self._statuses)
        async with reading_in_order(self._connection):
            return await self._ids(_BY_STATUS, *values)

    @property
    def _order(self) -> str:
        return "desc" if self._wanted.descending else "asc"

    async def _ids(
        self, query: str, *values: object, of_status: str = "", **words: str
    ) -> list[UUID]:
        joined = _OF_STATUS.format(statuses=of_status) if of_status else ""
        text = query.format(order=self._order, of_status=joined, **words)
        found = await self._connection.fetch(text, *self._scope_and_times, *values)
        return [row[0] for row in found]
