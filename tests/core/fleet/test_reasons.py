"""Why drivers do not carry something: kept in English, and found there again."""

import pytest

from estafette.core.fleet.reasons import (
    SILENT,
    DriverReason,
    Noted,
    driver_reason,
    in_english,
    is_ours,
    said_in,
)


@pytest.mark.parametrize("reason", DriverReason)
def test_a_reason_is_written_in_english_and_found_there_with_the_drivers_words(
    reason: DriverReason,
) -> None:
    assert driver_reason(reason.value) is reason
    assert said_in(in_english(reason)) == (reason, None)
    assert said_in(in_english(reason, "volto: amanhã")) == (reason, "volto: amanhã")


def test_a_reason_of_another_version_of_the_page_is_another_one() -> None:
    assert driver_reason("dragon") is DriverReason.OTHER


@pytest.mark.parametrize("note", [None, "", "it is too far away", "pickup closed: amanhã"])
def test_what_somebody_else_has_written_is_no_reason_and_not_ours(note: str | None) -> None:
    assert said_in(note) is None
    assert not is_ours(note)


@pytest.mark.parametrize("note", [*Noted, SILENT.format(minutes=12)])
def test_what_is_written_without_anybodys_words_is_ours(note: str) -> None:
    assert is_ours(note)
    assert not is_ours(f"{note}!")
