"""End a person's sessions: one, or all but this one."""

from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from estafette.core.people.refusals import NotFound
from estafette.http.texts import gettext
from estafette.usecases.people import sessions
from estafette.web.visit import Visit


async def end(request: Request, visit: Visit) -> Response:
    """Ends the session that was chosen."""

    async def do() -> Response:
        try:
            await sessions.end_session(visit.platform, visit.person, _id(visit))
        except NotFound:
            raise HTTPException(404) from None
        return visit.go("/me/security", gettext("The session has ended."))

    return await visit.once(do)


async def end_others(request: Request, visit: Visit) -> Response:
    """Ends all sessions of the person but this one."""

    async def do() -> Response:
        await sessions.end_other_sessions(visit.platform, visit.signed_in)
        return visit.go("/me/security", gettext("All other sessions have ended."))

    return await visit.once(do)


def _id(visit: Visit) -> UUID:
    try:
        return UUID(visit.form.value("session"))
    except ValueError:
        raise HTTPException(404) from None
