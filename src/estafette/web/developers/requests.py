"""The log of API requests that were made with the account's keys."""

import re
from datetime import datetime
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from estafette.http.texts import gettext
from estafette.usecases.accounts.keys import list_keys
from estafette.usecases.accounts.request_log import RequestCursor, RequestFilter, list_requests
from estafette.web.asked import PAGE, begin_of, end_of, neighbours
from estafette.web.developers.inputs import zone_of
from estafette.web.parts import Column
from estafette.web.visit import Visit, render

FOLDER: Final = "web/developers/templates"

_RESULTS: Final = {"2xx": (200, 299), "refused": (400, 999), "4xx": (400, 499), "5xx": (500, 599)}
_ID: Final = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}", re.ASCII)


async def show(request: Request, visit: Visit) -> Response:
    """Shows requests, newest first, as a filter asks."""
    asked = {
        name: request.query_params.get(name, "").strip()[:128]
        for name in ("id", "result", "since", "until")
    }
    after, zone = request.query_params.get("after", ""), zone_of(visit)
    id = asked["id"] if _ID.fullmatch(asked["id"]) else None
    wanted = RequestFilter(
        request_id=id,
        statuses=_RESULTS.get(asked["result"]),
        since=begin_of(asked["since"], zone),
        until=end_of(asked["until"], zone),
    )
    found = await list_requests(visit.platform, visit.scope, wanted, _cursor(after), PAGE)
    keys = {key.id: key for key in await list_keys(visit.platform, visit.account)}
    following = "" if found.next is None else f"{found.next.at.isoformat()}~{found.next.request_id}"
    return render(
        visit,
        f"{FOLDER}/requests.html",
        columns=(
            Column("route", gettext("Request")),
            Column("status", gettext("Status")),
            Column("duration", gettext("Duration"), "number"),
            Column("key", gettext("Key")),
            Column("id", gettext("Request id")),
            Column("at", gettext("Time"), "time"),
        ),
        requests=[] if asked["id"] and id is None else found.requests,
        missing=found.missing,
        keys=keys,
        asked=asked,
        is_asked=any(asked.values()),
        results=[
            ("", gettext("All")),
            ("2xx", gettext("Succeeded")),
            ("refused", gettext("Failed")),
            ("4xx", gettext("Status 4xx")),
            ("5xx", gettext("Status 5xx")),
        ],
        paging=neighbours(request, asked, following),
    )


def _cursor(text: str) -> RequestCursor | None:
    """Returns where a list goes on. Raises HTTPException (404) for what is no such text."""
    if not text:
        return None
    at, _, id = text.partition("~")
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        raise HTTPException(404) from None
    if moment.tzinfo is None or not _ID.fullmatch(id):
        raise HTTPException(404)
    return RequestCursor(moment, id)
