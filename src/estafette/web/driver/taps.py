"""`POST /driver/taps`: what the driver did, as the phone's outbox sends it.

    {"driver": id, "device": id, "now": ms, "taps": [
        {"key": id, "sequence": 1, "kind": "picked_up", "about": id, "at": ms, "facts": {}}]}

is answered by `{"taps": [{"key", "outcome": "done" | "refused" | "early", "why": …}]}`.
"""

from typing import Any, Final, cast

import orjson
from starlette.requests import Request
from starlette.responses import Response

from estafette.core.fleet.tap import (
    LONGEST_NOTE,
    LONGEST_SEQUENCE,
    MOST_AT_ONCE,
    Tap,
    TapKind,
)
from estafette.core.money.sums import LARGEST_SUM
from estafette.http.refusals import BadBody
from estafette.http.request import read_body
from estafette.usecases.fleet import taps
from estafette.web.driver.body import batch_of, moment_of, must_be_of, uuid_of
from estafette.web.driver.visit import DriverVisit

_FACTS: Final = frozenset({"reason", "note", "pin", "cash", "point"})
"""What may be said with a tap; what else is sent is passed over."""


async def take(request: Request, visit: DriverVisit) -> Response:
    """Takes a batch of taps, and answers each."""
    body = batch_of(await read_body(request.scope, request.receive), "taps", MOST_AT_ONCE)
    must_be_of(visit, body)
    device = uuid_of(body.rest.get("device"))
    sent = list(map(_tap, body.items))
    if len({tap.key for tap in sent}) < len(sent):
        raise BadBody("has a tap twice")
    answers = await taps.take(visit.platform, visit.driver, device, body.now, sent)
    said = [{"key": str(one.key), "outcome": one.outcome, "why": one.why} for one in answers]
    headers = {"Cache-Control": "no-store"}
    return Response(orjson.dumps({"taps": said}), media_type="application/json", headers=headers)


def _tap(given: dict[str, Any]) -> Tap:
    """Returns the tap of an object. Raises BadBody."""
    try:
        kind = TapKind(given.get("kind"))
    except ValueError:
        raise BadBody("has a tap of no known kind") from None
    sequence = given.get("sequence")
    if type(sequence) is not int or not 1 <= sequence <= LONGEST_SEQUENCE:
        raise BadBody("has a tap without a sequence")
    about = given.get("about")
    if (about is not None) != kind.is_about_stop:
        raise BadBody("has a tap about nothing, or about what it is not")
    return Tap(
        key=uuid_of(given.get("key")),
        sequence=sequence,
        kind=kind,
        at=moment_of(given.get("at")),
        about=None if about is None else uuid_of(about),
        facts=_facts(given.get("facts")),
    )


def _facts(value: Any) -> dict[str, str | int]:
    """Returns the facts of a tap within their bounds. Raises BadBody."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadBody("has a tap with facts that are none")
    facts: dict[str, str | int] = {}
    for name, fact in cast("dict[str, Any]", value).items():
        if name not in _FACTS:
            continue
        is_text = isinstance(fact, str) and len(fact) <= LONGEST_NOTE
        is_sum = type(fact) is int and 0 <= fact <= LARGEST_SUM
        if is_text or is_sum:
            facts[name] = fact
        else:
            raise BadBody(f"has a tap whose {name} is too long, or no such thing")
    return facts
