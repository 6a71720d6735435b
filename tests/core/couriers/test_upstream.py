"""What another platform's report of a delivery means for it here."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estafette.core.couriers.upstream import Following, Report, UpstreamStep, follow
from estafette.core.deliveries.delivery import COURSE, FINAL, Progress, Status, way

NEW = Progress(Status.PENDING, Status.PENDING)


def at(*statuses: Status) -> Progress:
    """A progress that has passed these statuses."""
    progress = NEW
    for status in statuses:
        after = progress.moved(status)
        assert after is not None
        progress = after
    return progress


def told(*statuses: Status, status: Status | None = None, pin: str | None = None) -> Report:
    """A report with these steps, numbered from 1 on; its status is the last one's unless told."""
    steps = [
        UpstreamStep(f"e{number}", each, f"n{number}") for number, each in enumerate(statuses, 1)
    ]
    return Report(status or statuses[-1], steps, pin)


def statuses(following: Following) -> list[Status]:
    return [status for status, _ in following.moves]


P, A, R = Status.PENDING, Status.ASSIGNED, Status.PICKUP_READY
T, O, D = Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY, Status.DELIVERED  # noqa: E741 - a course
S, C, F = Status.STALLED, Status.CANCELLED, Status.FAILED


def test_every_step_is_made_with_its_note() -> None:
    following = follow(NEW, told(P, A, T), None)
    assert following.moves == [(A, "n2"), (T, "n3")]
    assert (following.seen, following.is_news, following.conflict) == ("e3", True, None)


def test_only_the_steps_after_the_seen_one_are_made() -> None:
    assert follow(at(A), told(P, A, R), "e2").moves == [(R, "n3")]


def test_the_same_report_again_is_no_news() -> None:
    following = follow(at(A), told(P, A), "e2")
    assert following == Following([], "e2", is_news=False)


def test_a_report_that_does_not_know_the_seen_step_is_stale_and_changes_nothing() -> None:
    assert follow(at(A, P, A), told(P, A, P), "e4") == Following([], "e4", is_news=False)


def test_a_stale_report_of_an_end_is_believed() -> None:
    assert statuses(follow(at(A), told(P, A, T, O, D), "elsewhere")) == [R, T, O, D]


def test_what_the_platform_skipped_or_never_told_is_passed_on_the_way() -> None:
    following = follow(NEW, told(P, O), None)
    assert following.moves == [(A, None), (R, None), (T, None), (O, "n2")]


def test_a_courier_giving_it_back_takes_it_back_here() -> None:
    assert statuses(follow(at(A), told(P, A, P), "e2")) == [P]


def test_the_beginning_there_takes_nothing_back_here() -> None:
    assert statuses(follow(at(A), told(P), None)) == []
    assert statuses(follow(at(A), told(Status.AWAITING_PAYMENT, P), None)) == []


def test_a_step_that_lies_behind_is_skipped() -> None:
    following = follow(at(A, R, T), told(P, A, R), None)
    assert (following.moves, following.seen, following.conflict) == ([], "e3", None)


def test_a_stall_there_stalls_it_here_and_it_returns() -> None:
    assert statuses(follow(at(A), told(P, A, S, A, R), "e2")) == [S, A, R]


def test_what_stalled_here_returns_to_where_it_was_and_goes_on() -> None:
    assert statuses(follow(at(S), told(P, A), "e1")) == [P, A]
    assert statuses(follow(at(A, T, S), told(P, A, T, O), "e3")) == [T, O]


def test_what_stalled_here_and_is_further_than_there_returns_when_it_is_heard_of() -> None:
    assert statuses(follow(at(A, R, T, S), told(P, A, R), "e2")) == [T]


def test_a_failure_that_comes_alone_was_on_its_way() -> None:
    assert statuses(follow(NEW, Report(F), None)) == [A, R, T, F]
    assert statuses(follow(at(A, T), told(P, A, T, F), "e3")) == [F]


@pytest.mark.parametrize(
    ("here", "there"),
    [
        (at(C), D),
        (at(A, T, F), D),
        (at(A, T), C),
        (at(A, T, O, D), C),
        (at(C), A),
    ],
)
def test_an_end_that_cannot_come_to_be_here_is_a_conflict(here: Progress, there: Status) -> None:
    following = follow(here, Report(there), None)
    assert (following.moves, following.conflict) == ([], there)


def test_what_was_delivered_by_hand_here_waits_for_the_end_there() -> None:
    assert follow(at(A, T, O, D), told(P, A, T), None).conflict is None
    assert follow(at(A, T, O, D), told(P, A, T, O, D), "e3").conflict is None


def test_a_status_that_comes_without_steps_moves_only_onwards() -> None:
    assert statuses(follow(NEW, Report(T), None)) == [A, R, T]
    assert statuses(follow(at(A), Report(P), None)) == []
    assert statuses(follow(at(A, T), Report(S), None)) == [S]
    assert statuses(follow(at(A, T, S), Report(T), None)) == []
    assert statuses(follow(at(A, T, S), Report(O), None)) == [T, O]


@pytest.mark.parametrize("older", [Status.ASSIGNED, Status.OUT_FOR_DELIVERY])
def test_an_end_among_the_steps_counts_though_the_status_was_asked_for_before(
    older: Status,
) -> None:
    following = follow(at(A, T, O), told(P, A, T, O, D, status=older), "e4")
    assert (statuses(following), following.conflict) == ([D], None)


def test_every_way_is_one_that_the_table_allows() -> None:
    seen = {NEW}
    queue = [NEW]
    while queue:
        progress = queue.pop()
        for to in Status:
            found = way(progress, to)
            assert (to in progress.allowed()) <= (found == (to,))
            then: Progress | None = progress
            for status in found or ():
                assert then is not None
                then = then.moved(status)
            assert then is not None
            assert found is None or then.status is to
            bare = Progress(then.status, then.milestone, then.before_stall)
            if bare not in seen:
                seen.add(bare)
                queue.append(bare)
    assert {progress.status for progress in seen} == {*Status} - {Status.AWAITING_PAYMENT}


@settings(deadline=None)
@given(st.data())
def test_however_reports_come_it_ends_here_as_it_ended_there(data: st.DataObject) -> None:
    there, here, seen = NEW, NEW, None
    steps = [UpstreamStep("e1", P)]
    reports = [told(P)]
    while there.status not in FINAL:
        to = data.draw(st.sampled_from(sorted(there.allowed())))
        there = there.moved(to) or there
        steps.append(UpstreamStep(f"e{len(steps) + 1}", to))
        reports.append(Report(to, tuple(steps)))
        if len(steps) > 30:
            break
        does = data.draw(st.sampled_from(["nothing", "look", "an older look", "stall here"]))
        if does == "stall here":
            here = here.moved(S) or here
        elif does != "nothing":
            report = reports[-1] if does == "look" else data.draw(st.sampled_from(reports))
            before = here
            following = follow(here, report, seen)
            for status in statuses(following):
                after = here.moved(status)
                assert after is not None
                here = after
            seen = following.seen
            assert following.conflict is None
            if does == "look" and there.status in COURSE and statuses(following):
                assert here.status is there.status
            if report is not reports[-1] and following.moves == []:
                assert here == before
    following = follow(here, reports[-1], seen)
    for status in statuses(following):
        here = here.moved(status) or here
    if there.status in FINAL:
        assert here.status is there.status
        assert following.conflict is None


def test_a_status_that_comes_without_steps_and_is_known_is_no_news() -> None:
    assert follow(at(A), Report(A), None) == Following([], None, is_news=False)


def test_an_end_that_the_status_alone_tells_is_news() -> None:
    assert follow(at(A, R, T), told(P, A, R, T, status=F), "e4") == Following(
        [(F, None)], "e4", is_news=True
    )
