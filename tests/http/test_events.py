"""Server-sent events, and how many streams of them are open."""

from uuid import UUID

import pytest

from estafette.http.events import Crowd, CrowdedError, event, pulse

_DANA, _OMAR = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize("broken", ["a\nb", "a\r\nb", "a\rb"])
def test_no_line_break_in_what_is_told_begins_a_field_of_its_own(broken: str) -> None:
    assert event("news", broken, id="7") == b"event: news\nid: 7\ndata: a\ndata: b\n\n"


def test_a_pulse_says_when_the_next_one_comes() -> None:
    assert pulse(2.5) == b"event: pulse\ndata: 2.5\n\n"


def test_streams_are_bounded_for_a_person_and_in_all() -> None:
    crowd = Crowd(most=3, most_each=2)
    with crowd.enter(_DANA), crowd.enter(_DANA):
        with pytest.raises(CrowdedError), crowd.enter(_DANA):
            pass
        with crowd.enter(_OMAR):
            assert crowd.open_streams == 3
            with pytest.raises(CrowdedError), crowd.enter(_OMAR):
                pass
    assert crowd.open_streams == 0
