"""What all pages have in common: they keep to themselves, and what they load is kept for ever."""

from pathlib import Path

import pytest

from estafette.core.accounts.account import MARKETS
from estafette.http.pages import Files, as_texts, page_headers, template
from estafette.http.phones import e164, example
from estafette.http.refusals import PathUnknown


def test_a_page_loads_what_it_names_and_nothing_else() -> None:
    headers = as_texts(page_headers(style="'self'", img="'self' data:"))
    assert headers["content-security-policy"] == (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none';"
        " form-action 'none'; frame-ancestors 'none'"
    )
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert as_texts(page_headers())["content-security-policy"].startswith(
        "default-src 'none'; base-uri"
    )


def test_files_are_those_that_are_there_and_that_a_page_loads(tmp_path: Path) -> None:
    (tmp_path / "page.css").write_text("p {}")
    (tmp_path / "LICENSE.txt").write_text("free")
    (tmp_path / "folder.js").mkdir()
    files = Files([*sorted(tmp_path.iterdir()), tmp_path / "missing.js"])
    assert list(files) == ["page.css"]
    assert files.reply("page.css").body == b"p {}"
    for name in ("LICENSE.txt", "missing.js", "../page.css"):
        with pytest.raises(PathUnknown):
            files.reply(name)


def test_the_edition_of_files_changes_with_them(tmp_path: Path) -> None:
    file = tmp_path / "page.css"
    file.write_text("p {}")
    first = Files([file]).edition
    assert Files([file]).edition == first
    file.write_text("p { }")
    assert Files([file]).edition != first


def test_what_a_template_is_given_is_text_in_it() -> None:
    page = template("web/home/templates/home.html")
    html = page.render(places=[{"path": "/x", "name": "<script>", "about": ""}], style="")
    assert "<script>" not in html


@pytest.mark.parametrize("market", MARKETS)
def test_the_phone_that_is_shown_for_a_market_is_one_of_it(market: str) -> None:
    region = MARKETS[market].phone_region
    shown = example(region)
    assert e164(shown, region) == shown.replace(" ", "")
