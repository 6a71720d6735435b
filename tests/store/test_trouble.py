"""Trouble with the database is told when it begins, now and then while it lasts, and at its end."""

from collections.abc import Callable

import asyncpg
import pytest
from structlog.testing import capture_logs

from estafette.store.trouble import Trouble, is_trouble


class Clock:
    """Seconds that go when they are told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def _events(work: Callable[[Trouble, Clock], None]) -> list[str]:
    clock = Clock()
    with capture_logs() as logs:
        work(Trouble(clock=clock), clock)
    return [f"{line['event']}: {line['failures']}" for line in logs]


def test_many_failures_are_one_line_and_their_end_is_another() -> None:
    def work(trouble: Trouble, clock: Clock) -> None:
        for _ in range(500):
            trouble.met(ConnectionRefusedError("no"), "requests")
            clock.now += 0.01
        trouble.passed()  # some connections still work while others are being ended
        clock.now += 5.1
        trouble.passed()
        trouble.passed()

    assert _events(work) == [
        "the database cannot be used: 1",
        "the database can be used again: 500",
    ]


def test_trouble_that_lasts_is_told_again_each_minute_and_the_next_one_anew() -> None:
    def work(trouble: Trouble, clock: Clock) -> None:
        for _ in range(121):
            trouble.met(ConnectionRefusedError("no"), "requests")
            clock.now += 1
        clock.now += 5
        trouble.passed()
        trouble.met(ConnectionRefusedError("no"), "requests")

    assert _events(work) == [
        "the database cannot be used: 1",
        "the database cannot be used still: 61",
        "the database cannot be used still: 121",
        "the database can be used again: 121",
        "the database cannot be used: 1",
    ]


def test_each_line_says_what_failed_by_what_and_for_how_long() -> None:
    clock = Clock()
    with capture_logs() as logs:
        trouble = Trouble(clock=clock)
        trouble.met(ConnectionRefusedError("no"), "requests")
        clock.now += 60.5
        trouble.met(TimeoutError(), "webhooks")
        clock.now += 5.5
        trouble.passed()
    began, lasts, over = logs
    assert (began["work"], began["error"], began["seconds"]) == (
        "requests",
        "ConnectionRefusedError",
        0.0,
    )
    assert (lasts["work"], lasts["error"], lasts["seconds"]) == ("webhooks", "TimeoutError", 60.5)
    assert over["seconds"] == 60.5


def test_what_postgresql_quotes_of_values_is_not_told() -> None:
    error = asyncpg.DiskFullError("could not extend file\nDETAIL:  Key (phone)=(+7701) exists")
    with capture_logs() as logs:
        Trouble(clock=Clock()).met(error, "requests")
    assert logs[0]["reason"] == "could not extend file"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (asyncpg.UniqueViolationError("twice"), False),
        (asyncpg.PostgresSyntaxError("wrong"), False),
        (asyncpg.DataError("not a number"), False),
        (ValueError("ours"), False),
        (asyncpg.CannotConnectNowError("starting"), True),
        (asyncpg.InterfaceError("the pool is closing"), True),
        (OSError(111, "refused"), True),
        (TimeoutError(), True),
    ],
)
def test_only_what_the_state_of_the_database_causes_is_its_trouble(
    error: Exception, expected: bool
) -> None:
    assert is_trouble(error) is expected
