"""Which headers an endpoint may have of its own."""

import re
from uuid import UUID

import pytest

from estafette.core.webhooks.headers import (
    MOST_HEADERS,
    MOST_NAME_CHARACTERS,
    MOST_VALUE_CHARACTERS,
    HeaderRefusedError,
    add,
    sealed_for,
    without,
)

DIALECTS = ("kaspi", "entrega")


def test_a_header_is_added_and_replaced_whatever_its_case() -> None:
    one = add({}, "X-Api-Key", "a", DIALECTS)
    two = add(one, "Authorization", "Bearer b", DIALECTS)
    assert two == {"X-Api-Key": "a", "Authorization": "Bearer b"}
    assert add(two, "x-api-key", "c", DIALECTS) == {"Authorization": "Bearer b", "x-api-key": "c"}
    assert without(two, "X-API-KEY") == {"Authorization": "Bearer b"}


@pytest.mark.parametrize(
    "name",
    [
        *(
            "Host",
            "HOST",
            "Content-Length",
            "content-type",
            "Content-Encoding",
            "Transfer-Encoding",
        ),
        *("Connection", "Keep-Alive", "Upgrade", "TE", "Trailer", "Expect", "Proxy-Authorization"),
        *("User-Agent", "Accept-Encoding", "X-Forwarded-For", "Forwarded", "Via", "Date", "Accept"),
        *("X-Kaspi-Signature", "x-kaspi-timestamp", "X-Entrega-Signature", "X-Estafette-Anything"),
        *("webhook-id", "Webhook-Signature", "webhook-timestamp"),
        *("", " X", "X ", "X:", "X\r\nHost", "X\0", "Имя", "X Y", ":authority"),
        "X" * (MOST_NAME_CHARACTERS + 1),
    ],
)
def test_a_header_that_is_not_theirs_to_set_is_refused(name: str) -> None:
    with pytest.raises(HeaderRefusedError):
        add({}, name, "value", DIALECTS)


@pytest.mark.parametrize(
    "value",
    ["", " ", " a", "a ", "a\nb", "a\r\nHost: b", "a\0", "a\tb", "é", "🙂", "\x7f"],
)
def test_a_value_that_would_break_the_head_is_refused_and_not_repeated(value: str) -> None:
    with pytest.raises(HeaderRefusedError) as refused:
        add({}, "X-Api-Key", f"{value}", DIALECTS)
    assert "Host: b" not in str(refused.value)


def test_number_and_length_are_bounded() -> None:
    assert add({}, "X" * MOST_NAME_CHARACTERS, "v" * MOST_VALUE_CHARACTERS, DIALECTS)
    with pytest.raises(HeaderRefusedError):
        add({}, "X", "v" * (MOST_VALUE_CHARACTERS + 1), DIALECTS)
    full = {f"X-{number}": "v" for number in range(MOST_HEADERS)}
    with pytest.raises(HeaderRefusedError):
        add(full, "X-More", "v", DIALECTS)
    assert len(add(full, "x-1", "w", DIALECTS)) == MOST_HEADERS


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("a b", "v", "the name of a header has 1 to 64 letters, digits or hyphens"),
        ("Host", "v", "the header Host is written by Estafette alone"),
        (
            "X",
            " v",
            "the value of a header has 1 to 2048 printable ASCII characters, and no space at either"
            " end",
        ),
        ("X", "v", "an endpoint has at most 10 headers of its own"),
    ],
)
def test_a_refusal_tells_what_is_allowed(name: str, value: str, told: str) -> None:
    full = {f"X-{number}": "v" for number in range(MOST_HEADERS)}
    with pytest.raises(HeaderRefusedError, match=f"^{re.escape(told)}$"):
        add(full, name, value, DIALECTS)


def test_what_was_sealed_for_an_endpoint_stays_readable() -> None:
    endpoint_id = UUID("01234567-89ab-cdef-0123-456789abcdef")
    assert (
        sealed_for(endpoint_id) == bytes.fromhex("0123456789abcdef0123456789abcdef") + b" headers"
    )
