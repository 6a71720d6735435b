"""How a driver's request is refused: as a page for people, and as JSON for the page's scripts.

What scripts call is refused in one shape, whatever the reason:

    {"code": "too_large", "message": "This is too large", "again": false}

`again` says whether the same request may be taken later. The phone's outbox keeps what may be, and
shows the driver what will never be.
"""

from collections.abc import Mapping
from typing import Final

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from estafette.core.errors import Busy, Unavailable
from estafette.http.language import language_of
from estafette.http.refusals import BodyTooLarge, RateLimited
from estafette.http.texts import LANGUAGES, N_, Reader, gettext, read_by
from estafette.web.driver.visit import Code, of_scripts, render

_STATUS: Final[Mapping[Code, int]] = {
    Code.UNREADABLE: 400,
    Code.SIGNED_OUT: 401,
    Code.FOREIGN_PAGE: 403,
    Code.UNKNOWN: 404,
    Code.NOT_SO: 405,
    Code.OTHER_DRIVER: 409,
    Code.OFF_SHIFT: 409,
    Code.TOO_LARGE: 413,
    Code.NOT_KEPT: 422,
    Code.TOO_MUCH: 429,
    Code.FAULT: 500,
    Code.UNAVAILABLE: 503,
}
_PASSING: Final = frozenset(
    {Code.SIGNED_OUT, Code.OTHER_DRIVER, Code.TOO_MUCH, Code.FAULT, Code.UNAVAILABLE}
)
"""What may be taken later as it is: once somebody has signed in, or we are well again."""

_SAID: Final[Mapping[int, tuple[str, str]]] = {
    400: (N_("This could not be read"), N_("Open the page again and try once more.")),
    401: (N_("You are signed out"), N_("Sign in again with your phone number.")),
    403: (N_("This is not for you"), N_("Sign in as a driver, and do it on the driver's page.")),
    404: (N_("There is nothing here"), N_("The address may be mistyped. Go to your stops.")),
    405: (N_("This page cannot be opened so"), N_("Go to your stops and use it from there.")),
    409: (N_("This is not possible now"), N_("Go to your stops, and look at what is there.")),
    413: (N_("This is too large"), N_("Take a smaller picture, and try once more.")),
    422: (N_("This was not kept"), N_("Do it once more.")),
    429: (N_("One moment, please"), N_("Too much was asked for at once. Try again in a minute.")),
    500: (N_("Something went wrong on our side"), N_("It is written down. Try once more.")),
    503: (N_("We cannot do this right now"), N_("Try again in a moment. Nothing is lost.")),
}


def refusal(request: Request, code: Code, **more: str) -> Response:
    """Returns a refusal for the page's scripts, with `more` facts."""
    status = _STATUS[code]
    with read_by(Reader(language_of(request.scope, LANGUAGES))):
        message = gettext(_SAID[status][0])
    said = {"code": code, "message": message, "again": code in _PASSING, **more}
    headers = {"Cache-Control": "no-store"}
    return Response(orjson.dumps(said), status, media_type="application/json", headers=headers)


def _answer(request: Request, code: Code) -> Response:
    if of_scripts(request):
        return refusal(request, code)
    status = _STATUS[code]
    language = language_of(request.scope, LANGUAGES)
    with read_by(Reader(language)):
        title, detail = map(gettext, _SAID[status])
    return render(language, "notice.html", status=status, title=title, detail=detail)


_BY_STATUS: Final = {status: code for code, status in _STATUS.items() if status != 409}


async def refuse(request: Request, error: Exception) -> Response:
    """Answers what Starlette or a page refuses; its detail may be a Code."""
    if not isinstance(error, HTTPException):
        return _answer(request, Code.UNKNOWN)
    by_status = _BY_STATUS.get(error.status_code, Code.UNKNOWN)
    code = Code(error.detail) if error.detail in _STATUS else by_status
    answer = _answer(request, code)
    answer.headers.update(error.headers or {})  # what is allowed, with a 405
    return answer


async def put_off(request: Request, error: Exception) -> Response:
    """Answers what may pass, with the seconds after which to try again."""
    code = Code.TOO_MUCH if isinstance(error, RateLimited) else Code.UNAVAILABLE
    answer = _answer(request, code)
    if isinstance(error, RateLimited | Busy | Unavailable):
        answer.headers["retry-after"] = str(error.retry_after)
    return answer


async def misread(request: Request, error: Exception) -> Response:
    """Answers a body that cannot be read."""
    code = Code.TOO_LARGE if isinstance(error, BodyTooLarge) else Code.UNREADABLE
    return _answer(request, code)


async def stumble(request: Request, _: Exception) -> Response:
    """Answers after a fault of ours."""
    return _answer(request, Code.FAULT)
