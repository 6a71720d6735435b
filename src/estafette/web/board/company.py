"""The company itself, as its people see it: where and when it carries, and what it takes."""

from starlette.requests import Request
from starlette.responses import Response

from estafette.web.visit import Visit, render


async def show(request: Request, visit: Visit) -> Response:
    """Shows the company's zones, hours and limits, which the operator sets."""
    return render(visit, "web/board/templates/company.html", company=visit.company)
