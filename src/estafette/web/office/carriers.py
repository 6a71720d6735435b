"""Who carries for an account whose API names no company: shown, set, ended."""

from typing import Final
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from estafette.core.accounts.account import Account
from estafette.core.couriers.carriers import MOST_CARRIERS, CarrierChoice, CarrierPolicy
from estafette.core.couriers.company import Company, Connector
from estafette.core.edition import EditedMeanwhileError, edition_of
from estafette.core.people.permission import PersonAct
from estafette.http.shell import Tone
from estafette.http.texts import N_, gettext
from estafette.usecases.accounts.administration import AccountNotFoundError
from estafette.usecases.accounts.settings import account_with_settings
from estafette.usecases.couriers.carriers import (
    CarriersRefusedError,
    CompanyNamedError,
    carriers_of,
    drop_carriers,
    names_company,
    set_carriers,
)
from estafette.usecases.couriers.companies import list_companies
from estafette.web.asked import id_in
from estafette.web.office.reading import Reading
from estafette.web.visit import Page, Visit, page, render

_MOST_SHOWN: Final = 200
_CHOICES: Final = {
    CarrierChoice.CHEAPEST: N_("The cheapest that can; of equal ones the first"),
    CarrierChoice.IN_ORDER: N_("The first that can"),
}

_NAMED: Final = N_(
    "Each order of this account names the courier company that carries it. Carriers would change"
    " nothing."
)


def pages(home: str) -> tuple[Page, ...]:
    """Returns the pages of carriers below the path of the office."""
    one = f"{home}/accounts/{{account}}/carriers"
    return (
        page(one, PersonAct.ACCOUNTS_SEE, show),
        page(one, PersonAct.ACCOUNTS_MANAGE, save, ("POST",)),
    )


async def show(request: Request, visit: Visit) -> Response:
    """Shows the companies that may carry for an account, in which order."""
    account = await _account(request, visit)
    return await _form(visit, account, await carriers_of(visit.platform, account))


async def save(request: Request, visit: Visit) -> Response:
    """Saves what the form says; without a company nobody carries by itself any more."""
    account = await _account(request, visit)
    form, reading = visit.form, Reading(visit.form)
    known = await _companies(visit, account)
    typed = {one.id: form.value(f"place_{one.id.hex}") for one in known}

    async def do() -> Response:
        if form.value("choice") not in _CHOICES:
            raise HTTPException(400)
        choice = CarrierChoice(form.value("choice"))
        places = {
            id: reading.whole(f"place_{id.hex}", 1, MOST_CARRIERS)
            for id, text in typed.items()
            if text
        }
        before = await carriers_of(visit.platform, account)
        if reading.faults:
            return await _form(visit, account, before, reading.faults, typed, 422)
        order = sorted(places, key=places.__getitem__)
        edition = form.value("edition")
        try:
            if order:
                await set_carriers(visit.platform, account, choice, order, edition=edition)
            else:
                await drop_carriers(visit.platform, account, edition)
        except CompanyNamedError:
            return visit.go(visit.path, gettext(_NAMED), Tone.BAD)
        except CarriersRefusedError:
            said = gettext("One of these companies cannot carry for this account.")
            return visit.go(visit.path, said, Tone.BAD)
        except EditedMeanwhileError:
            said = gettext("Somebody else has changed this meanwhile. Look at it, and send again.")
            return visit.go(visit.path, said, Tone.BAD)
        return visit.go(_of(visit, account), gettext("The carriers are saved."))

    return await visit.once(do)


async def _form(
    visit: Visit,
    account: Account,
    policy: CarrierPolicy | None,
    faults: dict[str, str] | None = None,
    typed: dict[UUID, str] | None = None,
    status: int = 200,
) -> Response:
    known = await _companies(visit, account)
    places = {id: str(number) for number, id in enumerate(policy.companies if policy else (), 1)}
    return render(
        visit,
        "web/office/templates/account_carriers.html",
        status=status,
        account=account,
        here=_of(visit, account),
        choices=[(choice.value, gettext(said)) for choice, said in _CHOICES.items()],
        choice=policy.choice if policy else CarrierChoice.CHEAPEST,
        companies=known,
        named=gettext(_NAMED) if names_company(visit.platform, account) else None,
        has_policy=policy is not None,
        typed=places if typed is None else typed,
        faults=faults or {},
        edition=edition_of(policy),
        may_manage=visit.may(PersonAct.ACCOUNTS_MANAGE),
    )


async def _companies(visit: Visit, account: Account) -> list[Company]:
    """Returns the companies that can carry for an account: in-house ones of its market."""
    every = await list_companies(visit.platform, account.market.code)
    able = [
        one
        for one in every
        if one.connector is Connector.INHOUSE and one.account_id in (None, account.id)
    ]
    return able[:_MOST_SHOWN]


async def _account(request: Request, visit: Visit) -> Account:
    """Returns the account in the path. Raises HTTPException 404."""
    id = id_in(request.path_params["account"])
    try:
        return (await account_with_settings(visit.platform, id)).account
    except AccountNotFoundError:
        raise HTTPException(404) from None


def _of(visit: Visit, account: Account) -> str:
    return f"{visit.home}/accounts/{account.id.hex}"
