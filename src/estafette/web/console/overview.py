"""The console's first page: how the account does."""

from collections.abc import Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from estafette.core.deliveries.delivery import Status
from estafette.core.people.permission import PersonAct
from estafette.http.formats import number
from estafette.http.texts import gettext
from estafette.usecases.deliveries.figures import NEWEST, account_figures
from estafette.usecases.webhooks.failing import failing_endpoints
from estafette.web.figures import cancelled_shares, day_plot, figure_stats, punctuality_plot
from estafette.web.parts import Column
from estafette.web.visit import Visit, render
from estafette.web.words import status_name

_DAYS: Final = 14
_TONES: Final = {Status.DELIVERED: "good", Status.FAILED: "bad", Status.STALLED: "warning"}


async def show(request: Request, visit: Visit) -> Response:
    """Shows today's figures, how the newest deliveries stand, and why some were cancelled."""
    found = await account_figures(visit.platform, visit.account, visit.mode, _DAYS)
    whole = sum(found.statuses.values())
    standing = [
        (
            status_name(status),
            number(found.statuses[status]),
            found.statuses[status] / whole,
            _TONES.get(status, ""),
        )
        for status in Status
        if status in found.statuses
    ]
    may_endpoints = visit.may(PersonAct.ENDPOINTS_SEE)
    return render(
        visit,
        "web/console/templates/overview.html",
        found=found,
        stats=figure_stats(found.days[-1][1], found.whole),
        plot=day_plot(found.days),
        punctuality=punctuality_plot(found.days),
        cancelled=cancelled_shares(found.whole),
        standing=standing,
        most=NEWEST,
        reasons=_reasons(found.reasons),
        failing=await failing_endpoints(visit.platform, visit.scope) if may_endpoints else (),
        columns=(
            Column("name", gettext("Endpoint")),
            Column("failures", gettext("Failed in a row"), "number"),
            Column("waiting", gettext("Webhooks that wait"), "number"),
        ),
    )


def _reasons(found: Sequence[tuple[str | None, int]]) -> list[tuple[str, str, float, str]]:
    """Returns the reasons as parts of a whole."""
    whole = sum(count for _, count in found)
    return [
        (note or gettext("No reason was given"), number(count), count / whole, "")
        for note, count in found
    ]
