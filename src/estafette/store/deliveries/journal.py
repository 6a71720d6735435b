"""Writing deliveries: each change with its event and the outbox messages of that event.

One statement for any number of deliveries, so that requests that arrive together are written
together.
"""

from collections.abc import Sequence
from typing import NamedTuple

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.due_moves import WatchLimits, next_look
from estafette.core.deliveries.event import Event
from estafette.store.deliveries import idempotency, rows
from estafette.store.deliveries.idempotency import Key, Record
from estafette.store.deliveries.terms import has_terms, terms_json
from estafette.store.pool import Connection
from estafette.store.quotes import table as quotes


class Entry(NamedTuple):
    """A delivery as it is now, the event that made it so, and how the event is told.

    `delay_seconds` and `copies` are the sandbox's faults on demand: how much later, and how many
    times over, the event's webhooks are sent.
    `run_step` is the number of the simulated courier's next step, `run_in_seconds` from now (None:
    not by itself); a move without a `run_step` leaves the simulated courier's plan as it is.
    `simulated` tells of a new delivery whether a simulated courier carries it; None: in sandbox
    mode. `before` is the status that a move came from; None for a new delivery.
    """

    delivery: Delivery
    event: Event
    delay_seconds: float = 0
    copies: int = 1
    run_in_seconds: float | None = None
    run_step: int | None = None
    simulated: bool | None = None
    before: Status | None = None

    @property
    def is_simulated(self) -> bool:
        """Whether a simulated courier carries the new delivery."""
        in_sandbox = self.delivery.scope.mode is Mode.SANDBOX
        return in_sandbox if self.simulated is None else self.simulated

    @property
    def with_terms(self) -> bool:
        """Whether the new delivery has more to keep than a plain one; a live one is watched."""
        of = self.delivery
        return of.scope.mode is Mode.LIVE or of.reference is not None or has_terms(of)


_EVENTS_AND_MESSAGES = """
new_events as (
    insert into events
        (account_id, delivery_id, seq, id, status, milestone, actor, note, announced, occurred_at)
    select account_id, id, seq, event_id, status, milestone, actor, note,
        string_to_array(announced, ','), occurred_at
    from input
),
new_messages as (
    insert into messages (account_id, id, endpoint_id, delivery_id, seq, ordinal, due_at)
    select input.account_id, gen_random_uuid(), endpoints.id, input.id, input.seq,
        announcement.ordinal - 1, now() + make_interval(secs => input.delay_seconds)
    from input
    join endpoints on endpoints.account_id = input.account_id and endpoints.mode = input.mode
        and endpoints.url is not null and endpoints.disabled_at is null
    cross join lateral string_to_table(input.announced, ',')
        with ordinality as announcement (type, ordinal)
    cross join lateral generate_series(1, input.copies)
    returning 1
)
select count(*) from new_messages
"""

# A plain delivery, without terms or number, does not pay for the columns of the others.
_INSERT = """
with input as (
    select * from unnest(
        $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::integer[], $7::uuid[],
        $8::text[], $9::text[], $10::text[], $11::timestamptz[], $12::float8[], $13::integer[],
        $14::float8[], $15::text[], $16::text[], $17::text[], $18::text[], $19::bigint[],
        $20::uuid[], $21::text[], $22::timestamptz[], $23::timestamptz[], $24::uuid[] {arrays}
    ) as input (
        account_id, id, mode, status, milestone, seq, event_id,
        actor, note, announced, occurred_at, delay_seconds, copies,
        run_in_seconds, external_ref, pickup, dropoff, parcel, fee,
        quote_id, scenario, pickup_by, deliver_by, key_id {names}
    )
),
new_deliveries as (
    insert into deliveries (account_id, id, mode, status, milestone, seq, external_ref, pickup,
        dropoff, parcel, fee, quote_id, scenario, pickup_by, deliver_by, created_at, updated_at,
        key_id {columns})
    select account_id, id, mode, status, milestone, seq, external_ref, pickup::jsonb,
        dropoff::jsonb, parcel::jsonb, fee, quote_id, scenario, pickup_by, deliver_by,
        occurred_at, occurred_at, key_id {values}
    from input
),
new_runs as (
    insert into sandbox_runs (account_id, delivery_id, due_at)
    select account_id, id, now() + make_interval(secs => run_in_seconds) from input
    where {simulated}
),
new_answers as (
    {answers}
),
{events_and_messages}
"""

_INSERT_PLAIN = _INSERT.format(
    arrays="",
    names="",
    columns="",
    values="",
    simulated="mode = 'sandbox'",
    answers=idempotency.insertion(25),
    events_and_messages=_EVENTS_AND_MESSAGES,
)
_INSERT_WITH_TERMS = _INSERT.format(
    arrays=", $25::text[], $26::uuid[], $27::text[], $28::timestamptz[], $29::boolean[]",
    names=", reference, company_id, terms, watch_at, simulated",
    columns=", reference, company_id, terms, watch_at",
    values=", reference, company_id, terms::json, watch_at",
    simulated="simulated",
    answers=idempotency.insertion(30),
    events_and_messages=_EVENTS_AND_MESSAGES,
)


def _told(entries: Sequence[Entry]) -> list[list[object]]:
    """The columns that an insert and an update share."""
    events = [entry.event for entry in entries]
    deliveries = [entry.delivery for entry in entries]
    return [
        [delivery.scope.account_id for delivery in deliveries],
        [delivery.id for delivery in deliveries],
        [delivery.scope.mode for delivery in deliveries],
        [event.status for event in events],
        [event.milestone for event in events],
        [event.seq for event in events],
        [event.id for event in events],
        [event.actor for event in events],
        [event.note for event in events],
        [",".join(event.announced) for event in events],
        [event.occurred_at for event in events],
        [float(entry.delay_seconds) for entry in entries],
        [entry.copies for entry in entries],
        [entry.run_in_seconds for entry in entries],
    ]


async def insert(
    connection: Connection,
    entries: Sequence[Entry],
    limits: WatchLimits,
    answers: Sequence[tuple[Key, Record]] = (),
) -> int:
    """Writes new deliveries, marks their quotes used; returns the number of messages enqueued.

    With them, in the same statement, go the `answers` to keep under idempotency keys.
    """
    if not entries:
        await idempotency.insert(connection, answers)
        return 0
    deliveries = [entry.delivery for entry in entries]
    columns = [
        *_told(entries),
        [delivery.external_ref for delivery in deliveries],
        [rows.stop_json(delivery.pickup) for delivery in deliveries],
        [rows.stop_json(delivery.dropoff) for delivery in deliveries],
        [rows.parcel_json(delivery.parcel) for delivery in deliveries],
        [delivery.fee for delivery in deliveries],
        [delivery.quote_id for delivery in deliveries],
        [delivery.scenario for delivery in deliveries],
        [delivery.pickup_by for delivery in deliveries],
        [delivery.deliver_by for delivery in deliveries],
        [delivery.key_id for delivery in deliveries],
    ]
    await quotes.mark_used(
        connection,
        [
            (delivery.scope.account_id, delivery.quote_id, delivery.id)
            for delivery in deliveries
            if delivery.quote_id is not None
        ],
    )
    if not any(entry.with_terms for entry in entries):
        return await connection.fetchval(_INSERT_PLAIN, *columns, *idempotency.columns(answers))
    return await connection.fetchval(
        _INSERT_WITH_TERMS,
        *columns,
        [delivery.reference for delivery in deliveries],
        [delivery.company_id for delivery in deliveries],
        [terms_json(delivery) for delivery in deliveries],
        [next_look(delivery, limits) for delivery in deliveries],
        [entry.is_simulated for entry in entries],
        *idempotency.columns(answers),
    )


_MOVE = f"""
with input as (
    select * from unnest(
        $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::integer[], $7::uuid[],
        $8::text[], $9::text[], $10::text[], $11::timestamptz[], $12::float8[], $13::integer[],
        $14::float8[], $15::text[], $16::integer[], $17::timestamptz[]
    ) as input (
        account_id, id, mode, status, milestone, seq, event_id,
        actor, note, announced, occurred_at, delay_seconds, copies,
        run_in_seconds, before_stall, run_step, watch_at
    )
),
moved as (
    update deliveries set status = input.status, milestone = input.milestone,
        before_stall = input.before_stall, seq = input.seq, updated_at = input.occurred_at,
        watch_at = input.watch_at
    from input where deliveries.account_id = input.account_id and deliveries.id = input.id
),
next_runs as (
    update sandbox_runs set step = input.run_step,
        due_at = now() + make_interval(secs => input.run_in_seconds)
    from input where sandbox_runs.account_id = input.account_id
        and sandbox_runs.delivery_id = input.id and input.run_step is not null
),
{_EVENTS_AND_MESSAGES}
"""  # noqa: S608 - the parts are constants


async def move(connection: Connection, entries: Sequence[Entry], limits: WatchLimits) -> int:
    """Writes one transition of each delivery, whose rows the caller has locked.

    Returns the number of messages enqueued.
    """
    if not entries:
        return 0
    before_stall = [entry.delivery.progress.before_stall for entry in entries]
    steps = [entry.run_step for entry in entries]
    looks = [next_look(entry.delivery, limits) for entry in entries]
    return await connection.fetchval(_MOVE, *_told(entries), before_stall, steps, looks)
