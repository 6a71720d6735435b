"""Every sign that a template names is one that the build lays there, and no other is laid there."""

import re
from pathlib import Path

from estafette.http.pages import PACKAGE, PRODUCT

_NAMED = re.compile(r'(?:icon\(|sign=)"([a-z0-9-]+)"')
_QUOTED = re.compile(r'"([a-z0-9-]+)"')
_WEB = Path(str(PACKAGE)) / "web"


def _drawn() -> set[str]:
    return {
        name.decode() for name in re.findall(rb'<symbol id="([^"]+)"', PRODUCT["icons.svg"].body)
    }


def test_every_sign_that_is_named_is_there() -> None:
    named = {
        name
        for template in sorted(Path(str(PACKAGE)).rglob("*.html"))
        for name in _NAMED.findall(template.read_text("utf-8"))
    }
    assert len(named) > 10
    assert named <= _drawn()


def test_every_sign_that_is_there_is_drawn_by_a_page() -> None:
    ours = [
        file
        for file in _WEB.rglob("*")
        if file.suffix in (".html", ".js", ".py") and "vendor" not in file.parts
    ]
    words = {word for file in ours for word in _QUOTED.findall(file.read_text("utf-8"))}
    assert _drawn() <= words
