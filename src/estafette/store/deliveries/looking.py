"""What a batch of creates must know, under its locks: one round trip, see the migration 0021."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Scope
from estafette.store.deliveries.idempotency import Key, StoredAnswer
from estafette.store.pool import Connection

_LOOK = """
select * from look_before_creating($1::bigint[], $2::uuid[], $3::text[], $4::text[], $5::text[],
    $6::uuid[], $7::text[], $8::text[])
"""


class Seen(NamedTuple):
    """What there was once the locks were held.

    `answers` were given within 24 hours under the keys; `taken` are the live deliveries that carry
    the external references; `now` is the time by the database's clock, in whole milliseconds.
    """

    answers: dict[Key, StoredAnswer]
    taken: dict[tuple[Scope, str], UUID]
    now: datetime


async def look(
    connection: Connection,
    locks: Sequence[int],
    keys: Sequence[Key],
    refs: Sequence[tuple[Scope, str]],
) -> Seen:
    """Waits for the advisory locks, which last as long as the transaction, and looks then."""
    rows = await connection.fetch(
        _LOOK,
        sorted(set(locks)),  # an order in which no two writers can deadlock
        [key.scope.account_id for key in keys],
        [key.scope.mode for key in keys],
        [key.endpoint for key in keys],
        [key.key for key in keys],
        [scope.account_id for scope, _ in refs],
        [scope.mode for scope, _ in refs],
        [ref for _, ref in refs],
    )
    answers: dict[Key, StoredAnswer] = {}
    taken: dict[tuple[Scope, str], UUID] = {}
    *found, time = rows
    for answer_to, fingerprint, status, body, reference_of, delivery_id, _ in found:
        if answer_to is not None:
            answers[keys[answer_to - 1]] = StoredAnswer(fingerprint, status, body)
        else:
            taken[refs[reference_of - 1]] = delivery_id
    return Seen(answers, taken, time["at"])
