"""Cash of drivers: per company and driver, handovers to be counted, a driver's statement.

The office shows that of every company, a board that of its own.
"""

from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from estafette.core.accounts.account import MARKETS
from estafette.core.money.cash import HandoverState
from estafette.core.people.permission import PersonAct
from estafette.http.texts import N_, gettext
from estafette.usecases.cursor import CursorUnknownError
from estafette.usecases.money.cash import page_of_companies, page_of_drivers
from estafette.usecases.money.driver_statement import (
    driver_csv,
    driver_entry_json,
    driver_statement,
)
from estafette.usecases.money.handovers import HandoverFilter, page_of_handovers
from estafette.web import asked, statements
from estafette.web.cash_acts import (
    CASH,
    company_in,
    count,
    declare,
    driver_in,
    here_of,
    is_board,
    reverse,
    withdraw,
)
from estafette.web.parts import Column, Paging
from estafette.web.visit import Page, Visit, page, render

_FOLDER: Final = "web/templates"

_STATES: Final = {
    HandoverState.DECLARED: (N_("To be counted"), "warning"),
    HandoverState.COUNTED: (N_("Counted"), "good"),
    HandoverState.WITHDRAWN: (N_("Withdrawn"), "quiet"),
    HandoverState.REVERSED: (N_("Taken back"), "bad"),
}


def pages_of_office() -> tuple[Page, ...]:
    """Returns the pages of every company's cash."""
    return (page(CASH, PersonAct.CASH_SEE, show), *pages_of(f"{CASH}/{{company}}"))


def pages_of(one: str) -> tuple[Page, ...]:
    """Returns the pages of one company's cash, which are at the path `one`."""
    driver, handover, post = f"{one}/drivers/{{driver}}", f"{one}/handovers/{{handover}}", ("POST",)
    return (
        page(one, PersonAct.CASH_SEE, show_company),
        page(driver, PersonAct.CASH_SEE, show_driver),
        page(f"{driver}/statement.csv", PersonAct.CASH_SEE, download),
        page(f"{driver}/declare", PersonAct.CASH_DECLARE, declare, post),
        page(f"{handover}/count", PersonAct.CASH_COUNT, count, post),
        page(f"{handover}/withdraw", PersonAct.CASH_DECLARE, withdraw, post),
        page(f"{handover}/reverse", PersonAct.CASH_REVERSE, reverse, post),
    )


async def show(request: Request, visit: Visit) -> Response:
    """Shows the companies whose drivers have cash."""
    mode, after = asked.mode_of(request), request.query_params.get("after") or None
    try:
        found = await page_of_companies(visit.platform, mode, after, asked.PAGE)
    except CursorUnknownError:
        raise HTTPException(404) from None
    return render(
        visit,
        f"{_FOLDER}/cash.html",
        mode=mode,
        modes=asked.modes(request, mode),
        found=found.companies,
        markets=MARKETS,
        paging=_paging(request, found.next),
        columns=(
            Column("name", gettext("Courier company")),
            Column("in_hand", gettext("In the hands of drivers"), "number"),
            Column("drivers", gettext("Drivers"), "number"),
            Column("to_count", gettext("Handovers to be counted"), "number"),
        ),
    )


async def show_company(request: Request, visit: Visit) -> Response:
    """Shows the drivers of a company who have cash, and its handovers."""
    company = await company_in(visit)
    mode = visit.mode if is_board(visit) else asked.mode_of(request)
    query = request.query_params
    try:
        drivers = await page_of_drivers(
            visit.platform, company.id, mode, query.get("drivers") or None, asked.PAGE
        )
        wanted = HandoverFilter(company.id, mode, state=_state(query.get("state", "")))
        handovers = await page_of_handovers(
            visit.platform, wanted, query.get("after") or None, asked.PAGE
        )
    except CursorUnknownError:
        raise HTTPException(404) from None
    return render(
        visit,
        f"{_FOLDER}/cash_company.html",
        company=company,
        mode=mode,
        modes=() if is_board(visit) else asked.modes(request, mode),
        is_board=is_board(visit),
        here=here_of(visit, company),
        currency=MARKETS[company.market].currency,
        drivers=drivers.drivers,
        driver_paging=_paging(request, drivers.next, "drivers"),
        handovers=handovers.handovers,
        paging=_paging(request, handovers.next),
        state=query.get("state", ""),
        states=[("", gettext("All"))] + [(one, gettext(_STATES[one][0])) for one in HandoverState],
        state_name=_state_name,
        driver_columns=(
            Column("name", gettext("Driver")),
            Column("in_hand", gettext("In hand"), "number"),
            Column("limit", gettext("Limit"), "number"),
            Column("declared", gettext("Declared"), "number"),
            Column("since", gettext("Last change"), "time"),
        ),
        handover_columns=(
            Column("number", gettext("Handover")),
            Column("driver", gettext("Driver")),
            Column("state", gettext("State")),
            Column("declared", gettext("Declared"), "number"),
            Column("counted", gettext("Counted"), "number"),
            Column("difference", gettext("Missing"), "number"),
            Column("at", gettext("Declared at"), "time"),
            Column("act", gettext("Act"), "tools"),
        ),
    )


async def show_driver(request: Request, visit: Visit) -> Response:
    """Shows the book of a driver over some days."""
    company = await company_in(visit)
    zone = ZoneInfo(company.time_zone or "UTC")
    period, query = statements.period_of(request, zone), request.query_params
    begin = period.begin
    if after := query.get("after"):
        begin = _moment(after, period)
    driver_id = (await driver_in(visit, company)).id
    of = (visit.platform, company.id, driver_id)
    found = await driver_statement(*of, begin, period.end)
    last = await driver_statement(*of, period.end, period.end)
    first = await driver_statement(*of, period.begin, period.begin)
    rows: list[dict[str, Any]] = []
    following: str | None = None
    async for entry in found.entries():
        if len(rows) >= statements.MOST_ROWS and rows[-1]["booked_at"] != entry.booked_at:
            following = entry.booked_at.isoformat()
            break
        rows.append({**driver_entry_json(entry, found.closing), "booked_at": entry.booked_at})
    home = here_of(visit, company)
    here = f"{home}/drivers/{driver_id.hex}"
    return render(
        visit,
        f"{_FOLDER}/cash_driver.html",
        company=company,
        driver=found.driver,
        here=here,
        home=home,
        is_board=is_board(visit),
        period=period,
        opening=first.opening,
        closing=last.opening,
        entries=rows,
        paging=asked.from_oldest(request, following),
        currency=MARKETS[company.market].currency,
        file=f"{here}/statement.csv?since={period.since}&until={period.until}",
        cause_name=statements.cause_name,
        may_declare=visit.may(PersonAct.CASH_DECLARE),
        columns=(
            Column("reference", gettext("Delivery or handover")),
            Column("entry", gettext("For what")),
            Column("account", gettext("Account"), "quiet"),
            Column("amount", gettext("Amount"), "number"),
            Column("in_hand", gettext("In hand after it"), "number"),
            Column("at", gettext("Booked"), "time"),
        ),
    )


def _moment(text: str, period: statements.Period) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise HTTPException(404) from None
    if moment.tzinfo is None or not period.begin <= moment < period.end:
        raise HTTPException(404)
    return moment.astimezone(UTC)


async def download(request: Request, visit: Visit) -> Response:
    """Gives the book of a driver over some days as a CSV file."""
    company = await company_in(visit)
    period = statements.period_of(request, ZoneInfo(company.time_zone or "UTC"))
    driver_id = (await driver_in(visit, company)).id
    of = (visit.platform, company.id, driver_id)
    found = await driver_statement(*of, period.begin, period.end)
    name = f"{company.slug}-{driver_id.hex[-8:]}-{period.since}-{period.until}.csv"
    return StreamingResponse(
        driver_csv(found),
        media_type="text/csv; charset=utf-8",
        headers={
            "content-disposition": f'attachment; filename="{name}"',
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
        },
    )


def _state(text: str) -> HandoverState | None:
    return HandoverState(text) if text in set(HandoverState) else None


def _state_name(state: HandoverState) -> tuple[str, str]:
    """Returns what a state is called, and its tone."""
    name, tone = _STATES[state]
    return gettext(name), tone


def _paging(request: Request, following: str | None, name: str = "after") -> Paging:
    """Returns the neighbours of a page of a list, whose page after it begins there."""
    kept = {key: value for key, value in request.query_params.items() if key != name}
    return asked.neighbours(request, kept, following, name)
