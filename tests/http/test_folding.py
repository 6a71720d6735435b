"""Which refused requests get a line of the log, and how the others are told."""

from structlog import get_logger
from structlog.testing import capture_logs

from estafette.http.folding import LINES, SECONDS, Folding, Refused

_ONE = Refused("192.0.2.1", 401, None)
_OTHER = Refused("192.0.2.2", 401, None)


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_after_some_lines_a_callers_refusals_are_counted() -> None:
    clock = _Clock()
    with capture_logs() as lines:
        folding = Folding(get_logger(), clock=clock)
        assert [folding.takes(_ONE) for _ in range(LINES + 300)] == [False] * LINES + [True] * 300
        assert not folding.takes(_OTHER)
        assert not folding.takes(_ONE._replace(status=429))
        assert lines == []
        clock.now += SECONDS
        assert not folding.takes(_ONE)
        assert not folding.takes(_OTHER)
    (line,) = lines
    assert line["event"] == "requests refused"
    assert (line["client"], line["status"], line["count"]) == ("192.0.2.1", 401, 300)


async def test_what_is_remembered_of_callers_has_a_bound_and_nothing_is_left_untold() -> None:
    with capture_logs() as lines:
        folding = Folding(get_logger(), clock=_Clock())
        for _ in range(LINES + 7):
            folding.takes(_ONE)
        for number in range(2_000):
            folding.takes(Refused(f"2001:db8::{number:x}", 404, None))
    (line,) = lines
    assert line["count"] == 7
