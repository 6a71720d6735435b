"""Transfers that are awaited: whoever sees one on the bank account lets its delivery go on."""

from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from estafette.core.accounts.account import Mode
from estafette.core.errors import DeliveryNotFound, PaymentNotAwaited
from estafette.core.people.permission import PersonAct
from estafette.http.shell import Tone
from estafette.http.texts import gettext
from estafette.usecases.accounts.administration import account_of
from estafette.usecases.cursor import CursorUnknownError
from estafette.usecases.deliveries.find import find_anywhere
from estafette.usecases.money.payments import confirm_payment, page_of_awaited
from estafette.web import asked
from estafette.web.parts import Column
from estafette.web.visit import Visit, render

PAYMENTS: Final = "/office/payments"


async def show(request: Request, visit: Visit) -> Response:
    """Shows the deliveries whose transfer is awaited, the oldest first."""
    mode = asked.mode_of(request)
    accounts = await asked.known_accounts(visit)
    by_name = {one.name: one for one in accounts.values()}
    name = request.query_params.get("account", "")[: asked.LONGEST].strip()
    of = by_name.get(name)
    after = request.query_params.get("after") or None
    try:
        page = await page_of_awaited(visit.platform, mode, of and of.id, after, asked.PAGE)
    except CursorUnknownError:
        raise HTTPException(404) from None
    unknown = bool(name) and of is None
    return render(
        visit,
        "web/office/templates/payments.html",
        mode=mode,
        modes=asked.modes(request, mode),
        name=name,
        accounts=accounts,
        found=() if unknown else page.deliveries,
        paging=asked.from_oldest(request, None if unknown else page.next),
        may_confirm=visit.may(PersonAct.PAYMENTS_CONFIRM),
        columns=(
            Column("reference", gettext("Reference")),
            Column("account", gettext("Account")),
            Column("amount", gettext("Amount"), "number"),
            Column("company", gettext("Courier company"), "quiet"),
            Column("iban", gettext("To the account"), "quiet"),
            Column("created", gettext("Ordered"), "time"),
            Column("due", gettext("Due until"), "time"),
            Column("act", gettext("Act"), "tools"),
        ),
    )


async def confirm(request: Request, visit: Visit) -> Response:
    """Says that a transfer has arrived."""

    async def do() -> Response:
        back = f"{PAYMENTS}?mode={_mode(visit)}"
        try:
            found = await find_anywhere(visit.platform, asked.id_in(visit.form.value("delivery")))
            account = await account_of(visit.platform, found.scope.account_id)
            dialect = visit.platform.dialects[account.dialect]
            done = await confirm_payment(visit.platform, found.scope, dialect, found.id)
        except DeliveryNotFound:
            raise HTTPException(404) from None
        except PaymentNotAwaited:
            said = gettext("No payment is awaited for this delivery any more. Nothing was changed.")
            return visit.go(back, said, Tone.WARNING)
        said = gettext("%(name)s is paid and goes on.", name=done.reference or done.id.hex)
        return visit.go(back, said)

    return await visit.once(do)


def _mode(visit: Visit) -> Mode:
    text = visit.form.value("mode", Mode.LIVE)
    return Mode(text) if text in set(Mode) else Mode.LIVE
