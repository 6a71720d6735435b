"""The door of apps that tell where drivers are: a request for each position of each driver.

It is by far the most frequent of all requests, so it is served as those of the APIs are, without
the layers that pages need (`http/resource.py`), and logged only where it fails. An app reads the
status of its answer and nothing else.
"""

from typing import Final
from uuid import UUID

from starlette.types import ASGIApp, Receive, Scope

from estafette.core.errors import Busy, Refusal, Unavailable
from estafette.http.limiter import PersonLimits, limits_of
from estafette.http.plain import method_refused
from estafette.http.refusals import BodyTooLarge, HttpRefusal, MethodRefused, RateLimited
from estafette.http.reply import HttpReply
from estafette.http.request import header_values, read_body
from estafette.http.resource import resources
from estafette.http.trace import trace_of
from estafette.usecases.accounts.secrets import key_hash
from estafette.usecases.fleet.positions import Heard, Intake
from estafette.usecases.platform import clock
from estafette.web.driver import traccar

PATH: Final = "/driver/traccar"

_PER_SECOND: Final = 2.0
"""How many positions a second one device may send in the long run; at once twenty times as many."""

_KEPT: Final = HttpReply(200, b"", ())
_UNREADABLE: Final = HttpReply(400, b"", ())
_UNKNOWN: Final = HttpReply(403, b"", ())


def build(intake: Intake, processes: int) -> ASGIApp:
    """Returns the application, which serves PATH. `processes` share the limit of each device.

    200 says that an app need not send a position again: also to who is not on shift, of whom
    nothing is kept, because an app would send it for ever. 4xx says that it would be no use.
    """
    limits = PersonLimits(_PER_SECOND, processes)

    async def take(scope: Scope, receive: Receive) -> HttpReply:
        trace_of(scope).is_routine = True
        media_type, body = "", b""
        if scope["method"] == "POST":
            media_type = _media_type(scope)
            body = await read_body(scope, receive, traccar.BODY_LIMIT)
        report = traccar.read(scope["query_string"], body, media_type, clock())
        if report is None:
            limits_of(scope).ask(scope)
            return _UNREADABLE
        hash = key_hash(report.token)
        limits.take(scope, UUID(bytes=hash[:16]))
        if await intake.by_token(hash, report.places) is Heard.UNKNOWN:
            limits_of(scope).fail(scope)
            return _UNKNOWN
        return _KEPT

    return resources({PATH: {"GET": take, "POST": take}}, _refused)


def _media_type(scope: Scope) -> str:
    given = (header_values(scope, b"content-type") or [b""])[0]
    return given.decode("latin-1").partition(";")[0].strip().lower()


def _refused(refusal: Refusal | HttpRefusal) -> HttpReply:
    if isinstance(refusal, RateLimited | Busy | Unavailable):
        status = 429 if isinstance(refusal, RateLimited) else 503
        return HttpReply(status, b"", ((b"retry-after", str(refusal.retry_after).encode()),))
    if isinstance(refusal, MethodRefused):
        return method_refused(refusal)
    return HttpReply(413, b"", ()) if isinstance(refusal, BodyTooLarge) else _UNREADABLE
