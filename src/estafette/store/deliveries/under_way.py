"""How many live deliveries are under way, late or stalled: counted by indexes of those alone.

A live delivery that is under way is watched (see core/deliveries/due_moves.py): the index of what
is to be looked after holds them. One that has stalled is not, and has an index of its own.
"""

from typing import NamedTuple

from estafette.store.pool import Connection

MOST_COUNTED = 100_000
"""As far as these are counted: more cost seconds, and say nothing else."""

_COUNTS = """
select status, count(*) as deliveries, count(*) filter (where deliver_by < now()) as late from (
    (select status, deliver_by from deliveries
    where watch_at is not null and mode = 'live' limit $1)
    union all
    (select status, deliver_by from deliveries
    where status = 'stalled' and mode = 'live' limit $1)
) open group by status
"""


class StatusCount(NamedTuple):
    """The live deliveries of a status, and how many of them are past their promised time."""

    status: str
    deliveries: int
    late: int


async def count(connection: Connection) -> list[StatusCount]:
    """The live deliveries under way by status, at most MOST_COUNTED of those that are not stalled.

    One that was created by a version before and has not moved since is not among them.
    """
    return [StatusCount(**row) for row in await connection.fetch(_COUNTS, MOST_COUNTED)]
