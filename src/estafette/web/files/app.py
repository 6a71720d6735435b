"""`/files/{token}`: the picture of a proof, for whoever has the link, as long as it lasts.

A link that is forged, over or of what is gone has one answer: whoever guesses learns nothing.
"""

from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from estafette.core.errors import Busy, Unavailable
from estafette.http.limiter import caller, limits_of
from estafette.http.plain import application
from estafette.http.trace import trace_of
from estafette.usecases.platform import Platform
from estafette.usecases.proofs.links import open_link

PREFIX: Final = "/files"

_GUARDS: Final = {
    "Cache-Control": "private, max-age=300",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",  # a merchant shows it in a page of its own
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
_GONE: Final = "This link opens nothing, or not any more: take a new one.\n"


def build(platform: Platform) -> Starlette:
    """Returns the application, to be mounted at `PREFIX`."""

    async def file(request: Request) -> Response:
        trace_of(request.scope).route = f"{PREFIX}/{{token}}"
        limits_of(request.scope).ask(request.scope)
        try:
            found = await open_link(platform, request.path_params["token"], caller(request.scope))
        except (Busy, Unavailable) as refusal:
            again = {"Retry-After": str(refusal.retry_after), "Cache-Control": "no-store"}
            return PlainTextResponse("Try again in a few seconds.\n", 503, again)
        if found is None:
            return PlainTextResponse(_GONE, 404, _GUARDS | {"Cache-Control": "no-store"})
        if found.address is not None:
            headers = _GUARDS | {"Cache-Control": "no-store"}
            return RedirectResponse(found.address, 302, headers)
        named = {"Content-Disposition": f'inline; filename="{found.name}"'}
        return Response(found.body, media_type=found.media_type, headers=_GUARDS | named)

    return application([Route("/{token}", file)])
