"""The page itself: the same for every driver, so that a phone can keep it; the day comes apart."""

from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from estafette.http.texts import LANGUAGES
from estafette.web.driver.files import FILES
from estafette.web.driver.visit import DriverVisit, render
from estafette.web.driver.words import texts

_AT_ONCE: Final = (
    *("driver.js", "store.js", "idb.js", "outbox.js", "model.js", "position.js"),
    *("screens.js", "parts.js", "forms.js"),
)
"""The scripts of the first visit; others are fetched when they are needed."""


async def show(_: Request, visit: DriverVisit) -> Response:
    """Shows it."""
    response = render(
        visit.language,
        "page.html",
        modules=_AT_ONCE,
        texts=orjson.dumps(texts()).decode(),
        languages=orjson.dumps(dict(LANGUAGES)).decode(),
    )
    response.headers["X-Edition"] = FILES.edition
    return response
