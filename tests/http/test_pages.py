"""What all pages have in common: they keep to themselves, and what they load is kept for ever."""

from pathlib import Path

import pytest

from estafette.core.accounts.account import MARKETS
from estafette.http.files import Files
from estafette.http.pages import as_texts, guards
from estafette.http.phones import e164, example
from estafette.http.shell import Notice, Shell, render
from estafette.http.texts import Reader


def test_a_page_loads_what_it_names_and_nothing_else() -> None:
    headers = as_texts(guards(style="'self'", img="'self' data:"))
    assert headers["content-security-policy"] == (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none';"
        " form-action 'none'; frame-ancestors 'none'"
    )
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert as_texts(guards())["content-security-policy"].startswith("default-src 'none'; base-uri")


def test_the_edition_of_files_changes_with_them(tmp_path: Path) -> None:
    file = tmp_path / "page.css"
    file.write_text("p {}")
    first = Files([file]).edition
    assert Files([file]).edition == first
    file.write_text("p { }")
    assert Files([file]).edition != first


def test_what_a_template_is_given_is_text_in_it() -> None:
    shell = Shell(notices=[Notice("<script>alert(1)</script>")])
    page = render("web/templates/public.html", Reader(), shell)
    assert b"<script>alert" not in page.body
    assert b"&lt;script&gt;alert" in page.body


@pytest.mark.parametrize("market", MARKETS)
def test_the_phone_that_is_shown_for_a_market_is_one_of_it(market: str) -> None:
    region = MARKETS[market].phone_region
    shown = example(region)
    assert e164(shown, region) == shown.replace(" ", "")
