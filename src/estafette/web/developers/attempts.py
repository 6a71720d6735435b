"""Every attempt to send a webhook: the list, and one with what was sent and answered."""

from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from estafette.core.people.permission import PersonAct
from estafette.http.shell import Tone
from estafette.http.texts import gettext
from estafette.notifications.outcomes import outcome
from estafette.terminal import plain
from estafette.usecases.webhooks.look import (
    AttemptCursor,
    AttemptFilter,
    AttemptPage,
    find_exchange,
    find_waiting,
    list_attempts,
    watch_endpoints,
)
from estafette.usecases.webhooks.resend import resend_message
from estafette.web.asked import PAGE, begin_of, end_of, id_in, neighbours
from estafette.web.developers.inputs import zone_of
from estafette.web.developers.spoken import spoken
from estafette.web.developers.words import advice, outcome_tone
from estafette.web.parts import Column
from estafette.web.visit import Visit, render

FOLDER: Final = "web/developers/templates"

_RESULTS: Final = {
    "delivered": (True, None),
    "failed": (False, None),
    "4xx": (False, (400, 499)),
    "5xx": (False, (500, 599)),
    "none": (False, (0, 0)),
}


async def show(request: Request, visit: Visit) -> Response:
    """Shows attempts, newest first, as a filter asks."""
    asked = {
        name: request.query_params.get(name, "")[:100]
        for name in ("endpoint", "result", "delivery", "since", "until")
    }
    after, api = request.query_params.get("after", ""), spoken(request, visit)
    delivery_id = api.parse_delivery(asked["delivery"]) if asked["delivery"] else None
    found = AttemptPage([], None)
    if delivery_id is not None or not asked["delivery"]:
        wanted = _filter(visit, asked, delivery_id)
        found = await list_attempts(visit.platform, visit.scope, wanted, _cursor(after), PAGE)
    names = [each.endpoint.name for each in await watch_endpoints(visit.platform, visit.scope)]
    following = "" if found.next is None else _cursor_text(found.next)
    return render(
        visit,
        f"{FOLDER}/attempts.html",
        columns=(
            Column("type", gettext("Event")),
            Column("result", gettext("Result")),
            Column("endpoint", gettext("Endpoint")),
            Column("delivery", gettext("Delivery")),
            Column("number", gettext("Attempt"), "number"),
            Column("at", gettext("Time"), "time"),
        ),
        attempts=found.attempts,
        asked=asked,
        is_asked=any(asked.values()),
        names=names,
        results=[("", gettext("All")), *_result_names()],
        paging=neighbours(request, asked, following),
        api=api,
        outcome=outcome,
        outcome_tone=outcome_tone,
        may_resend=visit.may(PersonAct.WEBHOOKS_RESEND),
    )


def _result_names() -> list[tuple[str, str]]:
    return [
        ("delivered", gettext("Delivered")),
        ("failed", gettext("Failed")),
        ("4xx", gettext("Status 4xx")),
        ("5xx", gettext("Status 5xx")),
        ("none", gettext("No answer")),
    ]


def _filter(visit: Visit, asked: dict[str, str], delivery_id: UUID | None) -> AttemptFilter:
    zone = zone_of(visit)
    delivered, statuses = _RESULTS.get(asked["result"], (None, None))
    return AttemptFilter(
        endpoint=asked["endpoint"] or None,
        delivery_id=delivery_id,
        delivered=delivered,
        statuses=statuses,
        since=begin_of(asked["since"], zone),
        until=end_of(asked["until"], zone),
    )


def _cursor_text(cursor: AttemptCursor) -> str:
    return f"{cursor.started_at.isoformat()}~{cursor.message_id.hex}~{cursor.attempt}"


def _cursor(text: str) -> AttemptCursor | None:
    """Returns where a list goes on. Raises HTTPException (404) for what is no such text."""
    if not text:
        return None
    at, _, rest = text.partition("~")
    id, _, number = rest.partition("~")
    try:
        cursor = AttemptCursor(datetime.fromisoformat(at), UUID(hex=id), _number(number))
    except ValueError:
        raise HTTPException(404) from None
    if cursor.started_at.tzinfo is None:
        raise HTTPException(404)
    return cursor


def _number(text: str) -> int:
    """Returns the number of an attempt. Raises ValueError."""
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        raise ValueError(text)
    return int(text)


class Shown(NamedTuple):
    """A request or an answer as it is shown: its head and its body, as texts without controls."""

    head: str
    body: str
    is_cut: bool


async def show_one(request: Request, visit: Visit) -> Response:
    """Shows one attempt; of one that is still to be made, that it is awaited."""
    id = id_in(request.path_params["message"])
    try:
        number = _number(request.path_params["number"])
    except ValueError:
        raise HTTPException(404) from None
    exchange = await find_exchange(visit.platform, visit.scope, id, number)
    if exchange is None:
        waiting = await find_waiting(visit.platform, visit.scope, id)
        if waiting is None:
            raise HTTPException(404)
        # it may have been made between the two looks
        exchange = await find_exchange(visit.platform, visit.scope, id, number)
        if exchange is None:
            return render(visit, f"{FOLDER}/attempt_awaited.html", waiting=waiting)
    attempt = exchange.attempt
    return render(
        visit,
        f"{FOLDER}/attempt.html",
        attempt=attempt,
        request=_shown(exchange.request, MOST_REQUEST_BYTES),
        answer=_shown(exchange.answer, MOST_ANSWER_BYTES),
        is_kept=exchange.request is not None,
        error=plain(attempt.error or ""),
        api=spoken(request, visit),
        outcome=outcome(attempt.outcome, attempt.http_status),
        tone=outcome_tone(attempt.outcome),
        advice=advice(attempt.outcome),
        may_resend=visit.may(PersonAct.WEBHOOKS_RESEND),
        others=range(1, exchange.attempts + 1) if exchange.attempts <= _MOST_OTHERS else (),
    )


MOST_REQUEST_BYTES: Final = 8_192
MOST_ANSWER_BYTES: Final = 4_096
_MOST_OTHERS: Final = 30


def _shown(kept: bytes | None, most: int) -> Shown | None:
    """Returns bytes as they are shown; None where nothing was received or kept."""
    if not kept:
        return None
    head, _, body = kept.partition(b"\r\n\r\n")
    return Shown(_text(head), _text(body), len(kept) >= most)


def _text(written: bytes) -> str:
    text = written.decode("utf-8", "replace").replace("\r\n", "\n")
    return "\n".join(plain(line.replace("\t", "    ")) for line in text.split("\n"))


async def resend(request: Request, visit: Visit) -> Response:
    """Sends one message again."""
    id = id_in(request.path_params["message"])
    if await find_waiting(visit.platform, visit.scope, id) is None:
        raise HTTPException(404)

    async def do() -> Response:
        number = visit.form.value("next")
        if not await resend_message(visit.platform, visit.scope, id):
            said = gettext("It is being sent at this moment, or it is gone.")
            return visit.go(f"{visit.home}/attempts", said, Tone.BAD)
        place = f"{visit.home}/attempts/{id.hex}/{number}" if number.isdigit() else visit.home
        return visit.go(place, gettext("It is sent again now."))

    return await visit.once(do)
