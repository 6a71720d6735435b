"""The office's first page."""

from starlette.requests import Request
from starlette.responses import Response

from estafette.usecases.accounts.administration import list_accounts
from estafette.web.visit import Visit, render


async def show(request: Request, visit: Visit) -> Response:
    """Shows what this Estafette serves."""
    accounts = await list_accounts(visit.platform)
    return render(visit, "web/office/templates/overview.html", accounts=len(accounts))
