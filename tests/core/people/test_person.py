"""What is taken as a name, an e-mail address, a password."""

import pytest

from estafette.core.people.person import (
    LONGEST_NAME,
    LONGEST_PASSWORD,
    FieldError,
    read_email,
    read_language,
    read_name,
    read_password,
)


def test_an_email_address_is_kept_in_lower_case() -> None:
    assert read_email("  Aigerim.S@Example.KZ ") == "aigerim.s@example.kz"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a@",
        "@b",
        "a b@c",
        "a@b@c",
        "a@\nb",
        "<a@b>",
        "a@" + "b" * 300,
        "a\u202e@b",
        "a\0@b",
    ],
)
def test_what_is_no_email_address_is_refused(text: str) -> None:
    with pytest.raises(FieldError) as refused:
        read_email(text)
    assert refused.value.field == "email"


def test_a_name_is_one_line_of_visible_characters() -> None:
    assert read_name("  Айгерим   Сапарова ") == "Айгерим Сапарова"
    for bad in ("", "   ", "a" * (LONGEST_NAME + 1), "a\u202eb", "a\0b"):
        with pytest.raises(FieldError):
            read_name(bad)


def test_a_language_is_one_of_the_pages() -> None:
    assert read_language("kk") == "kk"
    with pytest.raises(FieldError):
        read_language("xx")


@pytest.mark.parametrize(
    "text",
    [
        "short",
        "x" * (LONGEST_PASSWORD + 1),
        "aaaaaaaaaaaa",
        "abababababab",
        "my password 1",
        "1234567890",
        "abcdefghijkl",
        "owner@shop.example",
    ],
)
def test_a_password_that_is_easy_to_guess_is_refused(text: str) -> None:
    with pytest.raises(FieldError) as refused:
        read_password(text, "owner@shop.example")
    assert refused.value.field == "password"


def test_a_password_is_the_same_however_its_letters_are_composed() -> None:
    assert read_password("pa\u0301lido cavalo azul") == read_password("pálido cavalo azul")
