"""What is kept of a fact."""

import pytest

from estafette.core.deliveries.event import NOTE_LIMIT, bounded_note


@pytest.mark.parametrize("note", [None, "", "Nobody was there", "é" * NOTE_LIMIT])
def test_a_note_is_kept_as_it_was_written(note: str | None) -> None:
    assert bounded_note(note) == note


def test_a_note_that_is_too_long_is_cut_with_a_mark() -> None:
    assert bounded_note("ab" * NOTE_LIMIT) == "ab" * (NOTE_LIMIT // 2 - 1) + "a…"
