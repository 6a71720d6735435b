"""`/webhook-addresses.json`: where webhooks come from, for receivers behind a firewall."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from estafette.http.limiter import limits_of
from estafette.usecases.platform import Platform

PATH = "/webhook-addresses.json"


def build(platform: Platform) -> Route:
    """Returns the route. Programs ask for it from time to time, so it may be kept for an hour."""
    told = {"addresses": list(map(str, platform.webhook_addresses))}

    async def addresses(request: Request) -> Response:
        limits_of(request.scope).ask(request.scope)
        return JSONResponse(told, headers={"cache-control": "public, max-age=3600"})

    return Route(PATH, addresses)
