"""The console's first page."""

from starlette.requests import Request
from starlette.responses import Response

from estafette.web.visit import Visit, render


async def show(request: Request, visit: Visit) -> Response:
    """Shows the account at a glance."""
    return render(visit, "web/console/templates/overview.html", account=visit.account)
