"""What people do with drivers' cash: declare, count, withdraw, take back. See `web/cash.py`."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from estafette.core.accounts.account import MARKETS, Mode
from estafette.core.couriers.company import Company
from estafette.core.fleet.driver import Driver
from estafette.core.fleet.refusals import DriverNotFound
from estafette.core.money.cash import (
    AmountRefused,
    CashPassedOn,
    CashRefusal,
    Handover,
    HandoverEnded,
    HandoverNotFound,
    HandoverOpen,
    HandoverState,
    MoreThanInHand,
    ReasonNeeded,
    SamePerson,
)
from estafette.http.formats import money
from estafette.http.shell import Tone
from estafette.http.texts import gettext
from estafette.usecases.couriers.companies import CompanyNotFoundError, company_of
from estafette.usecases.fleet.drivers import find_driver
from estafette.usecases.money.handovers import (
    confirm_handover,
    declare_handover,
    find_handover,
    reverse_handover,
    withdraw_handover,
)
from estafette.usecases.platform import Platform
from estafette.web import asked
from estafette.web.visit import Visit

CASH: Final = "/office/cash"
_LONGEST_AMOUNT: Final = 13

T = TypeVar("T", Driver, Handover)


def is_board(visit: Visit) -> bool:
    """Whether a page is one of a company's own board, not of the office."""
    return visit.home.startswith("/board/")


def here_of(visit: Visit, company: Company) -> str:
    """Returns the path of a company's cash: on its board, or in the office."""
    return f"{visit.home}/cash" if is_board(visit) else f"{CASH}/{company.id.hex}"


async def company_in(visit: Visit) -> Company:
    """Returns the company whose cash a page shows. Raises HTTPException 404."""
    if is_board(visit):
        return visit.company
    try:
        id = asked.id_in(visit.request.path_params["company"])
        return await company_of(visit.platform, id)
    except CompanyNotFoundError:
        raise HTTPException(404) from None


async def declare(_: Request, visit: Visit) -> Response:
    """Declares a handover for a driver."""
    company = await company_in(visit)
    driver_id = (await driver_in(visit, company)).id

    async def work() -> Handover:
        amount = _amount(visit, "amount")
        return await declare_handover(visit.platform, company.id, driver_id, amount)

    back = f"{here_of(visit, company)}/drivers/{driver_id.hex}"
    return await _done(visit, company, back, work)


async def count(_: Request, visit: Visit) -> Response:
    """Books what was counted."""
    company = await company_in(visit)
    id = await _handover_in(visit, company)

    async def work() -> Handover:
        counted, reason = _amount(visit, "counted"), visit.form.value("reason")
        return await confirm_handover(visit.platform, company.id, id, counted, reason)

    return await _done(visit, company, _list_of(visit, company), work)


async def withdraw(_: Request, visit: Visit) -> Response:
    """Withdraws a handover that nobody has counted."""
    company = await company_in(visit)
    id = await _handover_in(visit, company)

    async def work() -> Handover:
        return await withdraw_handover(visit.platform, company.id, id)

    return await _done(visit, company, _list_of(visit, company), work)


async def reverse(_: Request, visit: Visit) -> Response:
    """Takes back a handover that was counted wrongly."""
    company = await company_in(visit)
    id = await _handover_in(visit, company)

    async def work() -> Handover:
        return await reverse_handover(visit.platform, company.id, id, visit.form.value("reason"))

    return await _done(visit, company, _list_of(visit, company), work)


async def driver_in(visit: Visit, company: Company) -> Driver:
    """Returns the driver whose cash a page shows. Raises HTTPException 404."""
    return await _named(visit, company, "driver", find_driver)


async def _handover_in(visit: Visit, company: Company) -> UUID:
    return (await _named(visit, company, "handover", find_handover)).id


async def _named(
    visit: Visit, company: Company, name: str, find: Callable[[Platform, UUID, UUID], Awaitable[T]]
) -> T:
    """Returns what of a company the path names, on a board of its mode alone."""
    id = asked.id_in(visit.request.path_params[name])
    try:
        found = await find(visit.platform, company.id, id)
    except (DriverNotFound, HandoverNotFound):
        raise HTTPException(404) from None
    if is_board(visit) and found.mode is not visit.mode:
        raise HTTPException(404)
    return found


def _list_of(visit: Visit, company: Company) -> str:
    if is_board(visit):
        return here_of(visit, company)
    text = visit.form.value("mode", Mode.LIVE)
    mode = Mode(text) if text in set(Mode) else Mode.LIVE
    return f"{CASH}/{company.id.hex}?{urlencode({'mode': mode})}"


def _amount(visit: Visit, name: str) -> int:
    """Returns an amount of a form. Raises AmountRefused for what is none."""
    digits = "".join(visit.form.value(name).split())
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= _LONGEST_AMOUNT):
        raise AmountRefused(0)
    return int(digits)


_Work = Callable[[], Awaitable[Handover]]


async def _done(visit: Visit, company: Company, back: str, work: _Work) -> Response:
    """Does something with a handover once, and leads back with what became of it."""
    currency = MARKETS[company.market].currency

    async def do() -> Response:
        try:
            handover = await work()
        except (HandoverNotFound, DriverNotFound):
            raise HTTPException(404) from None
        except CashRefusal as refusal:
            return visit.go(back, refused_text(refusal, currency), Tone.BAD)
        return visit.go(back, _done_text(handover, currency))

    return await visit.once(do, otherwise=back)


def _done_text(of: Handover, currency: str) -> str:
    name, amount = of.name, money(of.declared, currency)
    if of.state is HandoverState.DECLARED:
        return gettext(
            "%(name)s: %(amount)s declared. Somebody else has to count it.",
            name=name,
            amount=amount,
        )
    if of.state is HandoverState.COUNTED:
        counted = money(of.counted or 0, currency)
        return gettext("%(name)s: %(amount)s counted and booked.", name=name, amount=counted)
    if of.state is HandoverState.WITHDRAWN:
        return gettext(
            "%(name)s is withdrawn: the driver has %(amount)s still.", name=name, amount=amount
        )
    return gettext(
        "%(name)s is taken back: the driver has %(amount)s again.", name=name, amount=amount
    )


def refused_text(refusal: CashRefusal, currency: str) -> str:
    """Returns why nothing was done with a handover, for people."""
    if isinstance(refusal, MoreThanInHand):
        has = money(refusal.in_hand, currency)
        return gettext("The driver has %(has)s in hand, and no more. Nothing was done.", has=has)
    if isinstance(refusal, HandoverOpen):
        amount = money(refusal.declared, currency)
        return gettext("A handover of %(amount)s is to be counted first.", amount=amount)
    if isinstance(refusal, SamePerson):
        return gettext("Somebody else has to count it: not the driver, nor who declared it.")
    if isinstance(refusal, ReasonNeeded):
        return gettext("Say why, in one line. Nothing was booked.")
    if isinstance(refusal, HandoverEnded):
        of = refusal.handover
        if of.state is HandoverState.DECLARED:
            return gettext("%(name)s was not counted yet.", name=of.name)
        return gettext("%(name)s was ended by somebody else meanwhile.", name=of.name)
    if isinstance(refusal, CashPassedOn):
        return gettext("That cash has gone on since. Nothing was booked.")
    return gettext("An amount in whole units is needed. Nothing was done.")
