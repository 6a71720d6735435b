"""Whose turn it is: the lanes without a database, a socket or a clock."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from estafette.core.accounts.account import Mode, Scope
from estafette.store.webhooks.failures import OPENS_AFTER
from estafette.store.webhooks.outbox import ClaimedMessage
from estafette.store.webhooks.survey import Waiting
from estafette.webhooks.lane import Job
from estafette.webhooks.lanes import Lanes

ACCOUNT = uuid4()


def claimed(
    endpoint: UUID,
    delivery: UUID | None = None,
    seq: int = 1,
    *,
    account: UUID = ACCOUNT,
    failures: int = 0,
) -> ClaimedMessage:
    """A message for an endpoint; of a delivery of its own unless one is given."""
    return ClaimedMessage(
        scope=Scope(account, Mode.LIVE),
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
        failures=failures,
    )


def lanes(per_endpoint: int = 64, total: int = 512, held: int = 4096, late: int = 0) -> Lanes:
    return Lanes(per_endpoint=per_endpoint, total=total, held=held, late=late)


def waiting(endpoint: UUID, account: UUID = ACCOUNT, failures: int = 0) -> Waiting:
    return Waiting(endpoint, account, 0.0, failures)


def accept(into: Lanes, messages: Sequence[ClaimedMessage]) -> None:
    into.accept(messages, 0.0, {})


def take_all(of: Lanes, now: float = 0.0) -> list[Job]:
    jobs: list[Job] = []
    while (job := of.take(now)) is not None:
        jobs.append(job)
    return jobs


def end(
    of: Lanes, job: Job, seconds: float = 0.01, *, in_time: bool = True, delivered: bool = True
) -> None:
    while job.messages:
        of.sent(job, seconds, in_time=in_time, delivered=delivered)
    of.finish(job)


def answering_soon(of: Lanes, account: UUID = ACCOUNT) -> UUID:
    """An endpoint that has answered soon, so often that it bears as much as any."""
    endpoint = uuid4()
    for _ in range(7):
        accept(of, [claimed(endpoint, account=account) for _ in range(200)])
        while jobs := take_all(of):
            for job in jobs:
                end(of, job)
    return endpoint


def room(of: Lanes, endpoint: UUID) -> int:
    return of.ask([waiting(endpoint)], 4096).get(endpoint, 0)


def test_an_unknown_endpoint_starts_with_one_request_at_a_time() -> None:
    some = lanes()
    endpoint = uuid4()
    accept(some, [claimed(endpoint) for _ in range(50)])
    assert len(take_all(some)) == 1
    assert room(some, endpoint) == 0


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


def test_an_endpoint_that_hangs_is_left_one_request_at_a_time() -> None:
    some = lanes()
    endpoint = uuid4()
    accept(some, [claimed(endpoint) for _ in range(100)])
    at_once: list[int] = []
    for _ in range(OPENS_AFTER):
        jobs = take_all(some)
        at_once.append(len(jobs))
        for job in jobs:
            end(some, job, 5.0, in_time=False, delivered=False)
    assert at_once == [1, 1, 1, 1, 1]


def test_little_is_held_ready_for_a_slow_endpoint_and_much_for_a_quick_one() -> None:
    some = lanes(per_endpoint=8)
    slow, quick = uuid4(), uuid4()
    for _ in range(4):
        accept(some, [claimed(endpoint) for endpoint in (slow, quick) for _ in range(8)])
        while jobs := take_all(some):
            for job in jobs:
                end(some, job, 4.0 if job.key[0] == slow else 0.002)
    assert room(some, slow) == 10
    assert room(some, quick) == 8 * 64


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
    crowded, other = answering_soon(some), answering_soon(some, uuid4())
    accept(some, [claimed(crowded) for _ in range(100)])
    accept(some, [claimed(other, account=uuid4())])
    assert {job.key[0] for job in take_all(some)} == {crowded, other}


def test_however_many_endpoints_hang_one_that_answers_soon_has_places() -> None:
    some = lanes(total=64)
    healthy = answering_soon(some, uuid4())
    hanging = [uuid4() for _ in range(1_000)]
    accept(some, [claimed(endpoint, account=uuid4()) for endpoint in hanging])
    assert len(take_all(some)) == 32
    accept(some, [claimed(healthy, account=uuid4()) for _ in range(100)])
    jobs = take_all(some)
    assert {job.key[0] for job in jobs} == {healthy}
    assert len(jobs) >= 8


def test_those_that_answer_soon_leave_places_to_the_others() -> None:
    some = lanes(total=64)
    quick = [answering_soon(some, uuid4()) for _ in range(40)]
    accept(some, [claimed(each, account=each) for each in quick for _ in range(20)])
    taken = take_all(some)
    accept(some, [claimed(uuid4(), account=uuid4()) for _ in range(20)])
    assert len(taken) == 56
    assert len(take_all(some)) == 8


def test_an_account_takes_no_more_places_than_it_leaves_free() -> None:
    some = lanes(total=64)
    accept(some, [claimed(uuid4()) for _ in range(500)])
    assert len(take_all(some)) == 16
    other = uuid4()
    accept(some, [claimed(uuid4(), account=other) for _ in range(500)])
    taken = [job.account_id for job in take_all(some)]
    assert taken == [other] * 8


def test_an_account_claims_no_more_than_half_of_what_is_left() -> None:
    some = lanes()
    many = [waiting(answering_soon(some)) for _ in range(50)]
    other = uuid4()
    one = waiting(answering_soon(some, other), other)
    for _ in range(10):  # whichever account comes first
        asked = some.ask([*many, one], 100)
        assert sum(asked.values()) <= 100
        assert asked[one.endpoint_id] >= 25


def test_of_endpoints_that_may_not_answer_no_more_is_claimed_than_two_of_a_place() -> None:
    some = lanes(total=64)
    new = [waiting(uuid4(), uuid4()) for _ in range(1_000)]
    failing = [waiting(uuid4(), uuid4(), OPENS_AFTER) for _ in range(1_000)]
    asked = some.ask(new, 4096)
    assert sum(asked.values()) == 64
    asked = some.ask(failing, 4096)
    assert set(asked.values()) == {1}
    assert len(asked) == 16


def test_a_request_that_takes_long_leaves_its_place_to_others() -> None:
    some = lanes(total=4, late=10)
    accept(some, [claimed(uuid4(), account=uuid4()) for _ in range(30)])
    counts = [len(take_all(some, now)) for now in (0.0, 0.4, 0.6, 1.2, 1.8, 2.4, 3.0, 3.6, 4.2)]
    assert counts[:3] == [2, 0, 2]
    assert sum(counts) == 12  # ten that take long, and two in the slots of the unknown


def test_an_endpoint_with_a_request_that_takes_long_is_sent_no_more_meanwhile() -> None:
    some = lanes(late=10)
    endpoint = answering_soon(some)
    accept(some, [claimed(endpoint) for _ in range(200)])
    [job, *others] = take_all(some, 0.0)
    for other in others:
        end(some, other)
    assert take_all(some, 1.0) == []
    end(some, job, 1.2)
    assert take_all(some, 1.2)


@pytest.mark.parametrize("failures", [0, OPENS_AFTER])
def test_an_endpoint_that_failed_again_and_again_is_sent_one_message_at_a_time(
    failures: int,
) -> None:
    some = lanes()
    endpoint = uuid4()
    accept(some, [claimed(endpoint, failures=failures) for _ in range(5)])
    [job, *others] = take_all(some)
    assert others == []
    for each in (job, *others):
        end(some, each)
    assert len(take_all(some)) == 2


def test_endpoints_whose_requests_take_long_keep_no_share_of_what_may_be_claimed() -> None:
    some = lanes(total=8, late=1_000)
    new = [waiting(uuid4(), uuid4()) for _ in range(100)]
    now = 0.0
    for _ in range(100 // 4):
        asked = some.ask(new, 4096)
        accounts = {each.endpoint_id: each.account_id for each in new}
        some.accept([claimed(id, account=accounts[id]) for id in asked], now, asked)
        take_all(some, now)
        now += 1.0
        take_all(some, now)
    assert some.sending == 100


def test_an_endpoint_that_was_too_late_is_spared_all_but_one_of_what_was_claimed() -> None:
    some = lanes()
    endpoint = answering_soon(some)
    accept(some, [claimed(endpoint) for _ in range(200)])
    jobs = take_all(some)
    assert not some.is_spared(jobs[0])
    for job in jobs:
        end(some, job, 5.0, in_time=False, delivered=True)
    [job] = take_all(some)
    assert some.is_spared(job)


def test_it_is_hungry_once_half_of_what_was_left_behind_fits() -> None:
    some = lanes()
    endpoint = uuid4()
    asked = some.ask([waiting(endpoint)], 1000)
    emptied = some.accept([claimed(endpoint) for _ in range(asked[endpoint])], 0.0, asked)
    assert emptied == []
    assert not some.is_hungry
    for job in take_all(some):
        end(some, job)
    assert some.is_hungry
    asked = some.ask([waiting(endpoint)], 1000)
    assert some.accept([], 0.0, asked) == [endpoint]
    assert not some.is_hungry


def test_it_asks_for_many_at_a_time_once_half_of_what_it_may_hold_is_gone() -> None:
    some = lanes(per_endpoint=1)
    endpoint = uuid4()
    for _ in range(2):  # one that answers quickly
        accept(some, [claimed(endpoint)])
        end(some, take_all(some)[0], 0.001)
    asked = some.ask([waiting(endpoint)], 1000)
    assert asked == {endpoint: 64}
    assert some.accept([claimed(endpoint) for _ in range(64)], 0.0, asked) == []
    for gone in range(1, 33):
        assert some.ask([waiting(endpoint)], 1000) == {}
        assert not some.is_hungry
        end(some, take_all(some)[0], 0.001)
        assert some.is_hungry == (gone == 32)
    assert some.ask([waiting(endpoint)], 1000) == {endpoint: 32}


def test_nothing_is_left_when_all_is_finished() -> None:
    some = lanes(late=5)
    accept(some, [claimed(uuid4()) for _ in range(30)])
    now = 0.0
    while jobs := take_all(some, now):
        for job in jobs[::2]:
            some.unsent(job)
            some.finish(job)
        take_all(some, now := now + 1.0)
        for job in jobs[1::2]:
            end(some, job)
    for job in take_all(some, now):
        end(some, job)
    assert some.sending <= some.held <= 30


def test_each_message_of_a_job_is_late_by_its_own_beginning() -> None:
    some = lanes(total=8, late=8)
    endpoint, delivery = answering_soon(some), uuid4()
    accept(some, [claimed(endpoint, delivery, seq) for seq in (1, 2)])
    job = some.take(0.0)
    assert job is not None
    some.sent(job, 0.01, in_time=True)
    assert some.go_on(job, 0.4)
    some.take(0.6)
    assert not job.is_late
    some.take(0.95)
    assert job.is_late
    assert not some.go_on(job, 0.95)  # what is left of it waits for another turn


def test_a_job_without_more_messages_does_not_go_on() -> None:
    some = lanes()
    accept(some, [claimed(answering_soon(some))])
    job = some.take(0.0)
    assert job is not None
    some.sent(job, 0.01, in_time=True)
    assert not some.go_on(job, 0.1)


def test_what_is_cut_from_a_job_are_its_messages_from_a_place_on() -> None:
    some = lanes()
    endpoint, delivery = answering_soon(some), uuid4()
    messages = [claimed(endpoint, delivery, seq) for seq in (1, 2, 3)]
    accept(some, messages)
    job = some.take(0.0)
    assert job is not None
    assert some.cut(job, 1) == messages[1:]
    assert [message for message, _ in job.messages] == messages[:1]
    assert some.held == 1
