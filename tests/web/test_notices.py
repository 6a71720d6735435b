"""The notice that a cookie carries from a form to the page after it."""

import base64
import json

import pytest

from estafette.http.shell import Notice, Tone
from estafette.web.notices import read, written


def cookie(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def test_a_notice_is_read_as_it_was_written() -> None:
    notice = Notice("Дана is <owner> now.", Tone.GOOD)
    assert read(written(notice)) == notice


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(["good", "\ud800"]),
        "[" * 400,
        '["good"]',
        '[[], "a"]',
        '["loud", "a"]',
        "null",
        "",
    ],
)
def test_what_somebody_else_wrote_into_the_cookie_is_no_notice(text: str) -> None:
    assert read(cookie(text)) is None


def test_a_cookie_that_is_no_text_in_base_64_is_no_notice() -> None:
    assert [read(value) for value in (None, "a", "é", "====")] == [None] * 4
