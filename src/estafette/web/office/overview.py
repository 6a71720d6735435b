"""The office's first page: how all accounts do together, and what waits for somebody."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from estafette.core.accounts.account import Mode
from estafette.core.people.permission import PersonAct
from estafette.http.texts import gettext
from estafette.usecases.accounts.administration import count_accounts
from estafette.usecases.deliveries.figures import platform_figures
from estafette.usecases.deliveries.troubles import MOST_COUNTED, TroubleCounts, count_troubles
from estafette.usecases.money.payments import count_awaited
from estafette.web import asked
from estafette.web.figures import (
    Stat,
    at_most,
    cancelled_shares,
    day_plot,
    figure_stats,
    punctuality_plot,
)
from estafette.web.parts import Column
from estafette.web.visit import Visit, render

_DAYS: Final = 14


async def show(request: Request, visit: Visit) -> Response:
    """Shows the figures of the last days, and how much waits to be looked after."""
    mode = asked.mode_of(request)
    found = await platform_figures(visit.platform, mode, _DAYS)
    awaited: int | None = None
    if visit.may(PersonAct.PAYMENTS_SEE):
        awaited = await count_awaited(visit.platform, mode, MOST_COUNTED)
    return render(
        visit,
        "web/office/templates/overview.html",
        mode=mode,
        modes=asked.modes(request, mode),
        accounts=await count_accounts(visit.platform),
        waits=_waits(await count_troubles(visit.platform, mode), awaited, mode),
        found=found,
        stats=figure_stats(found.days[-1][1], found.whole),
        plot=day_plot(found.days),
        punctuality=punctuality_plot(found.days),
        cancelled=cancelled_shares(found.whole),
        columns=(
            Column("account", gettext("Account")),
            Column("created", gettext("Created"), "number"),
        ),
        may_health=visit.may(PersonAct.HEALTH_SEE),
    )


def _waits(troubles: TroubleCounts, awaited: int | None, mode: Mode) -> list[Stat]:
    """Returns what waits for somebody: how many, and where they are listed."""
    place = f"/office/deliveries?mode={mode}&trouble="
    counted = [
        (gettext("Stalled"), troubles.stalled, f"{place}stalled"),
        (gettext("Late"), troubles.late, f"{place}late"),
        (gettext("Disputed"), troubles.disputed, f"{place}disputed"),
    ]
    if awaited is not None:
        counted.append((gettext("Transfers awaited"), awaited, f"/office/payments?mode={mode}"))
    return [(name, at_most(count, MOST_COUNTED), "", href) for name, count, href in counted]
