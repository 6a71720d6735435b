"""Whose turn it is: the lanes without a database, a socket or a clock."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

from estafette.core.account import Mode, Scope
from estafette.store.outbox import Claimed
from estafette.webhooks.lanes import Job, Lanes

SCOPE = Scope(uuid4(), Mode.LIVE)


def claimed(endpoint: UUID, delivery: UUID | None = None, seq: int = 1) -> Claimed:
    """A message for an endpoint; of a delivery of its own unless one is given."""
    return Claimed(
        scope=SCOPE,
        id=uuid4(),
        endpoint_id=endpoint,
        dialect="plain",
        url="http://127.0.0.1/",
        secret=b"",
        type="created",
        attempt=1,
        attempt_in_round=1,
        round_seconds=0.0,
        event_id=uuid4(),
        ordinal=0,
        occurred_at=datetime.now(UTC),
        delivery_id=delivery or uuid4(),
        external_ref=None,
        reference=None,
        seq=seq,
        metadata=None,
        status=None,
        milestone=None,
    )


def lanes(per_endpoint: int = 64, total: int = 512, held: int = 4096) -> Lanes:
    return Lanes(per_endpoint=per_endpoint, total=total, held=held)


def accept(into: Lanes, messages: Sequence[Claimed]) -> None:
    into.accept(messages, 0.0, into.rooms(), 1000)


def take_all(of: Lanes) -> list[Job]:
    jobs: list[Job] = []
    while (job := of.take()) is not None:
        jobs.append(job)
    return jobs


def end(of: Lanes, job: Job, seconds: float = 0.01, *, in_time: bool = True) -> None:
    while job.messages:
        of.sent(job, seconds, in_time=in_time)
    of.finish(job)


def test_an_unknown_endpoint_starts_with_few_requests_at_a_time() -> None:
    some = lanes()
    endpoint = uuid4()
    accept(some, [claimed(endpoint) for _ in range(50)])
    assert len(take_all(some)) == 8
    assert some.rooms()[endpoint] == 0


def test_an_endpoint_that_answers_in_time_is_sent_more_up_to_the_bound() -> None:
    some = lanes(per_endpoint=10)
    endpoint = uuid4()
    for _ in range(10):
        accept(some, [claimed(endpoint) for _ in range(50)])
        jobs = take_all(some)
        assert len(jobs) <= 10
        for job in jobs:
            end(some, job)
    assert len(take_all(some)) == 10


def test_an_endpoint_that_hangs_is_left_two_requests_at_a_time() -> None:
    some = lanes()
    endpoint = uuid4()
    accept(some, [claimed(endpoint) for _ in range(100)])
    for _ in range(5):
        for job in take_all(some):
            end(some, job, 5.0, in_time=False)
    assert len(take_all(some)) == 2


def test_little_is_held_ready_for_a_slow_endpoint_and_much_for_a_quick_one() -> None:
    some = lanes(per_endpoint=8)
    slow, quick = uuid4(), uuid4()
    accept(some, [claimed(endpoint) for endpoint in (slow, quick) for _ in range(8)])
    for job in take_all(some):
        end(some, job, 4.0 if job.key[0] == slow else 0.002)
    assert some.rooms()[slow] == 10
    assert some.rooms()[quick] == 8 * 16


def test_messages_of_one_delivery_are_one_job_in_the_order_they_came() -> None:
    some = lanes()
    endpoint, delivery = uuid4(), uuid4()
    first = [claimed(endpoint, delivery, seq) for seq in (1, 2)]
    accept(some, first)
    [job] = take_all(some)
    later = claimed(endpoint, delivery, 3)
    accept(some, [later])
    assert take_all(some) == []
    assert [message for message, _ in job.messages] == [*first, later]
    end(some, job)
    accept(some, [claimed(endpoint, delivery, 4)])
    assert len(take_all(some)) == 1


def test_one_delivery_is_told_to_two_endpoints_at_the_same_time() -> None:
    some = lanes()
    delivery = uuid4()
    accept(some, [claimed(uuid4(), delivery), claimed(uuid4(), delivery)])
    assert len(take_all(some)) == 2


def test_endpoints_take_turns_under_the_bound_of_all() -> None:
    some = lanes(total=4)
    crowded, other = uuid4(), uuid4()
    accept(some, [claimed(crowded) for _ in range(100)] + [claimed(other)])
    jobs = take_all(some)
    assert len(jobs) == 4
    assert {job.key[0] for job in jobs} == {crowded, other}


def test_it_is_hungry_once_half_of_what_was_left_behind_fits() -> None:
    some = lanes()
    endpoint = uuid4()
    rooms = some.rooms()
    some.accept([claimed(endpoint) for _ in range(some.start_room)], 0.0, rooms, 1000)
    assert some.left_behind
    assert not some.is_hungry
    for job in take_all(some):
        end(some, job)
    assert some.is_hungry
    some.accept([], 0.0, some.rooms(), 1000)
    assert not some.is_hungry
    assert not some.left_behind


def test_nothing_is_left_when_all_is_finished() -> None:
    some = lanes()
    accept(some, [claimed(uuid4()) for _ in range(30)])
    for job in take_all(some):
        some.unsent(job)
        some.finish(job)
    assert (some.held, some.sending) == (0, 0)
    assert some.take() is None
