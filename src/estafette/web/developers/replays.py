"""Send again what was missed since a time: counted before, with its progress after."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from estafette.http.shell import Tone
from estafette.http.texts import gettext
from estafette.usecases.webhooks.look import watch_endpoints
from estafette.usecases.webhooks.replay import (
    LONGEST,
    MOST_COUNTED,
    ReplayRefusedError,
    ToSend,
    ask_for_replay,
    count_replay,
    list_replays,
)
from estafette.web.developers.inputs import moment_in, zone_of
from estafette.web.session import SAFE
from estafette.web.visit import Visit, render

FOLDER: Final = "web/developers/templates"


async def show(request: Request, visit: Visit) -> Response:
    """Shows the replays and the form of a new one; counts what is asked for; does it once asked."""
    watched = await watch_endpoints(visit.platform, visit.scope)
    names = [each.endpoint.name for each in watched]
    is_sent = request.method not in SAFE
    typed = visit.form.value if is_sent else request.query_params.get
    since_text = (typed("since") or "")[:40]
    name, all_too = typed("endpoint") or "", (typed("all") or "") == "yes"
    since = moment_in(since_text, zone_of(visit))

    async def shown(error: str = "", counted: ToSend | None = None) -> Response:
        return render(
            visit,
            f"{FOLDER}/replays.html",
            status=422 if error else 200,
            error=error,
            names=names,
            since=since_text,
            endpoint=name,
            all_too=all_too,
            counted=counted,
            most=MOST_COUNTED,
            replays=await list_replays(visit.platform, visit.scope),
            waiting=sum(each.waiting for each in watched),
            days=LONGEST.days,
        )

    if not since_text and not is_sent:
        return await shown()
    if since is None or (name and name not in names):
        return await shown(gettext("Write a day and a time."))
    try:
        if not is_sent:
            counted = await count_replay(
                visit.platform, visit.scope, since, name or None, dead_only=not all_too
            )
            return await shown(counted=counted)

        async def do() -> Response:
            await ask_for_replay(
                visit.platform, visit.scope, since, name or None, dead_only=not all_too
            )
            return visit.go(visit.path, gettext("It has begun. This page shows how far it is."))

        return await visit.once(do)
    except ReplayRefusedError as error:
        if error.reason == "busy":
            said = gettext("Another one is under way. Wait until it is done.")
            return visit.go(visit.path, said, Tone.WARNING)
        return await shown(
            gettext("Choose a time within the last %(days)s days.", days=LONGEST.days)
        )
