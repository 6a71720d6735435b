"""Deliveries across accounts that somebody has to look after, and what can be done about each."""

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from estafette.core.accounts.account import Account
from estafette.core.deliveries.delivery import COURSE, Delivery, Status
from estafette.core.errors import (
    DeliveryNotFound,
    HistoryFull,
    PaymentNotAwaited,
    Refusal,
    TransitionRefused,
)
from estafette.core.people.permission import PersonAct
from estafette.http.shell import Link, Tone
from estafette.http.texts import N_, gettext
from estafette.usecases.accounts.administration import account_of
from estafette.usecases.couriers.carriers import CarriersRefusedError
from estafette.usecases.couriers.carry_again import carry_again
from estafette.usecases.couriers.errands import elsewhere
from estafette.usecases.cursor import CursorUnknownError
from estafette.usecases.deliveries.advance import unlock_pin
from estafette.usecases.deliveries.find import find_anywhere, find_with_history
from estafette.usecases.deliveries.move_by_hand import move_by_hand
from estafette.usecases.deliveries.troubles import (
    NotDisputedError,
    Trouble,
    count_troubles,
    list_troubles,
    settle_dispute,
)
from estafette.web import asked
from estafette.web.history import happened
from estafette.web.parts import Column
from estafette.web.visit import Visit, render
from estafette.web.words import status_name

DELIVERIES: Final = "/office/deliveries"
_NOTE: Final = 200
_NAMES: Final = {
    Trouble.STALLED: N_("Stalled"),
    Trouble.LATE: N_("Late"),
    Trouble.DISPUTED: N_("Disputed"),
}
_ABOUT: Final = {
    Trouble.STALLED: N_("Nobody carries them on, or nothing is heard of them."),
    Trouble.LATE: N_("They are under way past their promised time."),
    Trouble.DISPUTED: N_("Their courier company's platform tells of them otherwise than we do."),
}
_GOALS: Final = (*COURSE, Status.STALLED, Status.FAILED, Status.CANCELLED)


async def show(request: Request, visit: Visit) -> Response:
    """Shows one kind of trouble, what has waited for longest first; or opens what is looked for."""
    mode, query = asked.mode_of(request), request.query_params
    if id := query.get("id", "")[: asked.LONGEST].strip():
        return await _open(visit, id)
    text = query.get("trouble", Trouble.STALLED)
    if text not in set(Trouble):
        raise HTTPException(404)
    trouble, after = Trouble(text), query.get("after") or None
    try:
        page = await list_troubles(visit.platform, trouble, mode, after, asked.PAGE)
    except CursorUnknownError:
        raise HTTPException(404) from None
    counts = await count_troubles(visit.platform, mode)
    tabs = [
        Link(
            f"{DELIVERIES}?trouble={one}&mode={mode}",
            gettext(name),
            is_current=one is trouble,
            count=getattr(counts, one),
        )
        for one, name in _NAMES.items()
    ]
    return render(
        visit,
        "web/office/templates/deliveries.html",
        mode=mode,
        modes=asked.modes(request, mode),
        tabs=tabs,
        about=gettext(_ABOUT[trouble]),
        trouble=trouble,
        found=page.found,
        accounts=await asked.known_accounts(visit),
        paging=asked.from_oldest(request, page.next),
        columns=(
            Column("delivery", gettext("Delivery")),
            Column("account", gettext("Account")),
            Column("status", gettext("Status")),
            Column("company", gettext("Courier company"), "quiet"),
            Column("way", gettext("From and to"), "quiet"),
            Column(
                "since",
                gettext("Promised") if trouble is Trouble.LATE else gettext("Since"),
                "time",
            ),
        ),
    )


async def _open(visit: Visit, text: str) -> Response:
    """Leads to the delivery that was named by its id, in whichever form; says so if none is."""
    delivery = None
    digits = text.rpartition("_")[2].replace("-", "")
    if len(digits) == 32:
        try:
            delivery = await find_anywhere(visit.platform, asked.id_in(digits))
        except (DeliveryNotFound, HTTPException):
            delivery = None
    if delivery is None:
        return visit.go(DELIVERIES, gettext("There is no delivery with this id."), Tone.WARNING)
    return RedirectResponse(f"{DELIVERIES}/{delivery.id.hex}", 303)


async def show_one(request: Request, visit: Visit) -> Response:
    """Shows a delivery as the operator needs it, and what can be done about it."""
    delivery, account = await _found(visit)
    delivery, history = await find_with_history(visit.platform, delivery.scope, delivery.id)
    goals = [status for status in _GOALS if delivery.way_by_hand(status)]
    return render(
        visit,
        "web/office/templates/delivery.html",
        delivery=delivery,
        account=account,
        happened=happened(delivery, history),
        there=await elsewhere(visit.platform, delivery),
        may_carry=delivery.company_id is None and delivery.status is Status.STALLED,
        goals=[(status, status_name(status)) for status in goals],
        may_move=visit.may(PersonAct.DELIVERIES_MOVE),
        may_settle=visit.may(PersonAct.DELIVERIES_RELEASE),
        may_unlock=visit.may(PersonAct.PINS_UNLOCK),
        may_confirm=visit.may(PersonAct.PAYMENTS_CONFIRM),
        longest=_NOTE,
    )


async def move(request: Request, visit: Visit) -> Response:
    """Moves a delivery by hand."""

    async def do(delivery: Delivery, account: Account) -> str:
        text, note = visit.form.value("to"), visit.form.value("note")[:_NOTE]
        if text not in set(Status):
            raise HTTPException(400)
        dialect = visit.platform.dialects[account.dialect]
        moved = await move_by_hand(
            visit.platform, delivery.scope, dialect, delivery.id, Status(text), note or None
        )
        return gettext("It is %(status)s now.", status=status_name(moved.status))

    return await _act(visit, do)


async def carry(request: Request, visit: Visit) -> Response:
    """Looks once more which of the account's carriers takes a delivery that none took."""

    async def do(delivery: Delivery, account: Account) -> str:
        dialect = visit.platform.dialects[account.dialect]
        found = await carry_again(visit.platform, delivery.scope, dialect, delivery.id)
        return gettext("%(company)s carries it now.", company=found.company_name or "")

    return await _act(visit, do)


async def settle(request: Request, visit: Visit) -> Response:
    """Ends the dispute about a delivery."""

    async def do(delivery: Delivery, account: Account) -> str:
        note = visit.form.value("note")[:_NOTE]
        await settle_dispute(visit.platform, delivery.scope, delivery.id, note or None)
        return gettext("The dispute is settled.")

    return await _act(visit, do)


async def unlock(request: Request, visit: Visit) -> Response:
    """Lets the recipient's PIN be tried anew."""

    async def do(delivery: Delivery, account: Account) -> str:
        await unlock_pin(visit.platform, delivery.scope, delivery.id)
        return gettext("The PIN can be tried again.")

    return await _act(visit, do)


async def _act(visit: Visit, do: Callable[[Delivery, Account], Awaitable[str]]) -> Response:
    """Does something about the delivery of the path, once, and shows it again."""
    delivery, account = await _found(visit)
    back = f"{DELIVERIES}/{delivery.id.hex}"

    async def act() -> Response:
        try:
            return visit.go(back, await do(delivery, account))
        except CarriersRefusedError:
            said = gettext("None of the account's carriers can take it. Nothing was changed.")
            return visit.go(back, said, Tone.BAD)
        except (TransitionRefused, HistoryFull, PaymentNotAwaited, NotDisputedError) as refusal:
            return visit.go(back, _said(refusal), Tone.BAD)

    return await visit.once(act, otherwise=back)


def _said(refusal: Refusal | NotDisputedError) -> str:
    if isinstance(refusal, TransitionRefused | HistoryFull):
        return gettext(
            "What is %(status)s cannot become %(to)s. Nothing was changed.",
            status=status_name(refusal.status),
            to=status_name(refusal.to),
        )
    return gettext("Nothing is in dispute any more. Nothing was changed.")


async def _found(visit: Visit) -> tuple[Delivery, Account]:
    """Returns the delivery in the path, and whose it is. Raises HTTPException 404."""
    try:
        id = asked.id_in(visit.request.path_params["delivery"])
        delivery = await find_anywhere(visit.platform, id)
    except DeliveryNotFound:
        raise HTTPException(404) from None
    return delivery, await account_of(visit.platform, delivery.scope.account_id)
