"""Where a stop is: who is believed first, what a person may write, what an address is known by."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from estafette.core.deliveries.delivery import Stop
from estafette.core.deliveries.places import (
    Correction,
    PlaceSource,
    RecipientWords,
    TooFar,
    address_key,
    believable,
    place_of,
    read_point,
    said_text,
)
from estafette.core.point import Point

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HERE, THERE, LUANDA = Point(-8.83, 13.24), Point(-8.84, 13.25), Point(-8.84, 13.23)
STOP = Stop("Rua 7, Maianga", "Luanda", latitude=-8.9, longitude=13.3)


def test_the_recipient_is_believed_before_the_driver_and_both_before_the_merchant() -> None:
    said, found = RecipientWords(NOW, HERE, landmark="the blue gate"), Correction(THERE, "2nd", NOW)
    both = place_of(STOP, said, found)
    assert (both.point, both.source, both.hint) == (HERE, PlaceSource.RECIPIENT, "2nd")
    assert place_of(STOP, None, found).source is PlaceSource.CORRECTION
    assert place_of(STOP).point == Point(-8.9, 13.3)
    words_alone = place_of(STOP, RecipientWords(NOW, note="ring twice"), found)
    assert (words_alone.point, words_alone.note) == (THERE, "ring twice")
    assert place_of(Stop("Rua 7")).source is None


def test_a_plus_code_in_the_address_or_its_notes_is_the_merchants_point() -> None:
    in_address = place_of(Stop("6F3M57W5+F7, Luanda"))
    assert in_address.source is PlaceSource.MERCHANT
    short = place_of(Stop("Rua 7", notes="57W5+F7 Luanda"), near=LUANDA)
    assert short.point == in_address.point


@pytest.mark.parametrize(
    "text",
    [
        "-8.8383, 13.2344",
        "\u22128.8383 13.2344",
        "-8,8383; 13,2344",
        "-8,8383 13,2344",
        "https://www.google.com/maps/@-8.8383,13.2344,17z",
        "https://maps.example/?q=-8.8383%2C13.2344",
        "geo:-8.8383,13.2344",
    ],
)
def test_a_point_is_read_as_people_write_it(text: str) -> None:
    assert read_point(text) == Point(-8.8383, 13.2344)


@pytest.mark.parametrize(
    "text", ["", "here", "91, 13", "-8.8, 181", "8", "923 456 789 000", "1e5,2"]
)
def test_what_is_no_point_is_none(text: str) -> None:
    assert read_point(text) is None


def test_a_point_far_from_its_city_is_not_believed() -> None:
    assert believable(HERE, LUANDA) == HERE
    assert believable(Point(43.2, 76.9), None) == Point(43.2, 76.9)
    with pytest.raises(TooFar):
        believable(Point(13.24, -8.83), LUANDA)


def test_an_address_is_known_by_its_words_within_its_account_alone() -> None:
    account = uuid4()
    key = address_key(account, Stop("RUA 7,  Maianga", "luanda"))
    assert key == address_key(account, Stop("Rua 7, Maianga", "Luanda"))
    assert key.key != address_key(uuid4(), Stop("Rua 7, Maianga", "Luanda")).key
    assert key != address_key(account, Stop("Rua 8, Maianga", "Luanda"))
    assert key != address_key(account, Stop("Rua 7, Maianga", "Benguela"))


def test_what_is_typed_is_kept_visible_and_short() -> None:
    assert said_text(" a\x00\u202e b\n\n c ", 500) == "a b\nc"
    assert said_text("\u200b \n", 500) is None
    assert said_text("x" * 900, 500) == "x" * 500
