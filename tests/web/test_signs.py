"""Every sign that a template names is one that the build lays there."""

import re
from pathlib import Path

from estafette.http.pages import PACKAGE, PRODUCT

_NAMED = re.compile(r'(?:icon\(|sign=)"([a-z0-9-]+)"')


def test_every_sign_that_is_named_is_there() -> None:
    drawn = set(re.findall(rb'<symbol id="([^"]+)"', PRODUCT["icons.svg"].body))
    named = {
        name
        for template in sorted(Path(str(PACKAGE)).rglob("*.html"))
        for name in _NAMED.findall(template.read_text("utf-8"))
    }
    assert len(named) > 10
    assert {name.encode() for name in named} <= drawn
