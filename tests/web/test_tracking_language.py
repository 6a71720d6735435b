"""Which language a reader gets."""

import pytest

from estafette.http.language import negotiate
from estafette.web.tracking.language import of_market

SPOKEN = ("en", "kk", "pt", "ru")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("kk", "kk"),
        ("pt-BR,pt;q=0.9,en;q=0.8", "pt"),
        ("kk-Cyrl-KZ", "kk"),
        ("RU", "ru"),
        ("en;q=0.5, kk;q=0.9, ru;q=0.7", "kk"),
        ("de, fr;q=0.9, pt;q=0.1", "pt"),
        ("ru ; q=0.2 , pt ; Q=0.30", "pt"),
        ("kk, ru", "kk"),
        ("ru, kk", "ru"),
        ("en;q=0.000, pt;q=0.001", "pt"),
    ],
)
def test_the_spoken_language_of_the_highest_weight_is_chosen(header: str, expected: str) -> None:
    assert negotiate(header, SPOKEN, unstated="ru") == expected


@pytest.mark.parametrize("header", [None, "", " , ", ";;;", "ru;q=2", "ru;q=x", "*"])
def test_a_reader_who_states_no_readable_wish_gets_the_market_language(header: str | None) -> None:
    assert negotiate(header, SPOKEN, unstated="kk") == "kk"


def test_a_reader_of_other_languages_gets_english() -> None:
    assert negotiate("de-AT, fr;q=0.9", SPOKEN, unstated="ru") == "en"


def test_a_refused_language_is_not_given() -> None:
    assert negotiate("ru;q=0, *;q=0.5", SPOKEN, unstated="ru") == "en"
    assert negotiate("ru;q=0", SPOKEN, unstated="ru") == "en"


def test_a_named_language_beats_any_other_of_the_same_weight() -> None:
    assert negotiate("pt, *", SPOKEN, unstated="ru") == "pt"


def test_a_header_of_any_length_is_answered() -> None:
    assert negotiate("x," * 100_000 + "ru", SPOKEN, unstated="kk") == "en"


def test_markets_have_the_language_most_understood_there() -> None:
    assert (of_market("KZ", SPOKEN), of_market("AO", SPOKEN)) == ("ru", "pt")
    assert of_market("KZ", ("en", "pt")) == "en"  # where nobody has written its texts yet
