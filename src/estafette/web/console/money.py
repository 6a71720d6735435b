"""Money of the account: transfers that are awaited, cash on delivery, statements."""

from typing import Any
from zoneinfo import ZoneInfo

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from estafette.core.people.permission import PersonAct
from estafette.http.texts import gettext
from estafette.usecases.cursor import CursorUnknownError
from estafette.usecases.money.payments import page_of_awaited
from estafette.web import asked, statements
from estafette.web.parts import Column
from estafette.web.visit import Visit, render


async def show(request: Request, visit: Visit) -> Response:
    """Shows how the account's books stand, the transfers awaited, and the entries of some days."""
    after = request.query_params.get("after") or None
    account = visit.account
    try:
        page = await page_of_awaited(visit.platform, visit.mode, account.id, after, asked.PAGE)
    except CursorUnknownError:
        raise HTTPException(404) from None
    context: dict[str, Any] = {}
    may_statements = visit.may(PersonAct.STATEMENTS_SEE)
    if may_statements:
        period = statements.period_of(request, ZoneInfo(account.market.time_zone))
        days = f"since={period.since}&until={period.until}"
        entry = request.query_params.get("entry") or None
        try:
            found = await statements.shown(visit.platform, account, visit.mode, period, None, entry)
        except CursorUnknownError:
            raise HTTPException(404) from None
        context = {
            "period": period,
            "found": found,
            "columns": statements.columns(),
            "balances": statements.balance_columns(),
            "book_name": statements.book_name,
            "cause_name": statements.cause_name,
            "entry_paging": asked.from_oldest(request, found.next, "entry"),
            "currency": account.market.currency,
            "file": f"{visit.home}/money/statement.csv?{days}",
        }
    return render(
        visit,
        "web/console/templates/money.html",
        account=account,
        awaited=page.deliveries,
        may_statements=may_statements,
        paging=asked.from_oldest(request, page.next),
        awaited_columns=(
            Column("reference", gettext("Reference")),
            Column("amount", gettext("Amount"), "number"),
            Column("company", gettext("Courier company"), "quiet"),
            Column("bank", gettext("To the account"), "quiet"),
            Column("due", gettext("Due until"), "time"),
        ),
        context=context,
    )


async def download(request: Request, visit: Visit) -> Response:
    """Gives the statement of some days as a CSV file."""
    account = visit.account
    period = statements.period_of(request, ZoneInfo(account.market.time_zone))
    return await statements.as_file(visit.platform, account, visit.mode, period, None)
