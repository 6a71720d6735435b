"""Folding text, and the grams that a piece of text shares with the texts it stands in."""

from datetime import UTC, datetime
from uuid import UUID

from hypothesis import example, given
from hypothesis import strategies as st

from estafette.core.accounts.account import Mode, Scope
from estafette.core.deliveries.delivery import Delivery, Parcel, Progress, Status, Stop
from estafette.core.deliveries.search import (
    Needle,
    fold,
    grams_of,
    needle,
    pattern,
    rarest,
    searched_text,
)

SCOPE = Scope(UUID(int=7), Mode.LIVE)
OTHER = Scope(UUID(int=7), Mode.SANDBOX)

printed = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)


def test_case_accents_and_ligatures_are_folded() -> None:
    for text in ("Maiánga", "MAIÁNGA", "maianga", "Maia\u0301nga"):
        assert fold(text) == "maianga"
    assert fold("Rua Nº 5, São Paulo, ﬁm") == "rua no 5, sao paulo, fim"
    assert fold("Straße") == "strasse"
    assert fold("a\nb\tc") == "a b c"


@given(printed)
@example("İ")
@example("℡")
@example("ſ́")
def test_folding_a_folded_text_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(printed)
def test_a_folded_text_is_one_line(text: str) -> None:
    assert "\n" not in fold(text)


def found_by_grams(piece: str, text: str) -> bool:
    """Whether the index would come up with the text."""
    grams = grams_of(SCOPE, fold(text) + "\n")
    wanted = needle(SCOPE, fold(piece))
    has_one = not wanted.any_of or not grams.isdisjoint(wanted.any_of)
    return grams.issuperset(wanted.all_of.values()) and has_one


@given(printed, printed, printed)
@example("Rua ", "é", "")
@example("", "#", "")
@example("n", "º", "5")
@example("", "😀", "")
def test_whatever_stands_in_a_text_is_found_by_its_grams(
    before: str, piece: str, after: str
) -> None:
    text = fold(before) + fold(piece) + fold(after)
    assert found_by_grams(fold(piece), text)


def test_grams_tell_texts_apart() -> None:
    assert not found_by_grams("maianga", "Rua da Missão, Ingombota")
    assert not found_by_grams("zz", "Rua da Missão, Ingombota")
    assert not found_by_grams("#", "Rua da Missão, Ingombota")


def test_grams_are_the_pieces_of_three_bytes_and_the_bytes_that_are_rare() -> None:
    assert grams_of(SCOPE, "ab") == set()
    assert len(grams_of(SCOPE, "abcd")) == 2
    assert len(grams_of(SCOPE, "ab#")) == 2
    assert list(needle(SCOPE, "abcd").all_of) == [b"abc", b"bcd"]
    assert list(needle(SCOPE, "abc").all_of) == [b"abc"]
    assert list(needle(SCOPE, "#").all_of) == [b"#"]
    assert needle(SCOPE, "a") == needle(SCOPE, "") == Needle({})
    assert len(needle(SCOPE, "ab").any_of) == 213  # whatever byte of UTF-8 may follow


def test_grams_of_another_tenant_or_mode_are_others() -> None:
    text = "rua da missao, ingombota"
    assert grams_of(SCOPE, text).isdisjoint(grams_of(OTHER, text))


def test_grams_fit_a_column_of_32_bits() -> None:
    grams = grams_of(SCOPE, "".join(map(chr, range(32, 1000))))
    assert -(2**31) <= min(grams) < 0 < max(grams) < 2**31


def test_a_long_piece_asks_for_a_bounded_number_of_grams() -> None:
    piece = "".join(map(chr, range(0x4E00, 0x4F00)))
    assert len(needle(SCOPE, piece).all_of) <= 16


def test_a_pattern_takes_every_character_as_it_is() -> None:
    assert pattern("100%_a\\b") == "%100\\%\\_a\\\\b%"


def test_the_rarest_grams_are_chosen_apart_from_their_neighbours() -> None:
    grams = [10, 11, 12, 13, 14, 15]
    assert rarest(grams, [9, 5, 0, 1, 5, 3], 3) == [12, 15, 10]
    assert rarest(grams[:2], [0, 0], 3) == [10, 11]
    assert rarest(grams[:3], [1, 0, 1], 3) == [11, 10, 12]


def test_a_search_looks_through_the_reference_and_where_a_delivery_goes_from_and_to() -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    one = Delivery(
        id=UUID(int=1),
        scope=SCOPE,
        progress=Progress(Status.PENDING, Status.PENDING),
        pickup=Stop("Rua Rainha Ginga 31", city="Luanda", name="Dana"),
        dropoff=Stop("Rua da\nMissão 5", city=None),
        parcel=Parcel(1),
        fee=1,
        pickup_by=now,
        deliver_by=now,
        created_at=now,
        updated_at=now,
        reference="DLV-2026-00042",
    )
    assert searched_text(one).split("\n") == [
        "dlv-2026-00042",
        "luanda",
        "rua rainha ginga 31",
        "",
        "rua da missao 5",
        "",
    ]
