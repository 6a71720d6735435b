"""Merchants' accounts: find, open, set, close, let their owners in, visit their consoles."""

from typing import Final
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from estafette.core.accounts.account import MARKETS, Account, Mode
from estafette.core.edition import EditedMeanwhileError
from estafette.core.people.organisation import Organisation, OrganisationKind
from estafette.core.people.permission import PersonAct
from estafette.core.retention import LONGEST_DAYS, SHORTEST_PERSONAL_DATA_DAYS
from estafette.http.texts import gettext
from estafette.usecases.accounts.administration import (
    BURST,
    LARGEST_LIMIT,
    RATE_PER_SECOND,
    AccountNotFoundError,
    AccountRefusedError,
    create_account,
    disable_account,
)
from estafette.usecases.accounts.settings import (
    AccountFilter,
    OpenedAccount,
    account_with_settings,
    page_of_accounts,
    set_account,
)
from estafette.web.asked import id_in, neighbours
from estafette.web.office.members import members_of
from estafette.web.office.reading import Reading, asked, in_query
from estafette.web.parts import Column
from estafette.web.session import SAFE
from estafette.web.visit import Page, Visit, page, render

_FOLDER: Final = "web/office/templates"
_PAGE: Final = 50


def pages(home: str) -> tuple[Page, ...]:
    """Returns the pages of accounts below the path of the office."""
    see, manage = PersonAct.ACCOUNTS_SEE, PersonAct.ACCOUNTS_MANAGE
    post, both = ("POST",), ("GET", "POST")
    one = f"{home}/accounts/{{account}}"
    return (
        page(f"{home}/accounts", see, show),
        page(f"{home}/accounts/open", manage, open_one, both),
        page(one, see, show_one),
        page(f"{one}/settings", manage, change, both),
        page(f"{one}/close", manage, close, post),
        page(f"{one}/reopen", manage, reopen, post),
    )


async def show(request: Request, visit: Visit) -> Response:
    """Shows accounts by name."""
    wanted = asked(request, "name", "market", "state")
    is_disabled = {"closed": True, "open": False}.get(wanted["state"])
    after = in_query(request, "after")
    found = await page_of_accounts(
        visit.platform,
        AccountFilter(wanted["name"].lower(), wanted["market"] or None, is_disabled),
        after,
        _PAGE,
    )
    return render(
        visit,
        f"{_FOLDER}/accounts.html",
        columns=(
            Column("name", gettext("Account")),
            Column("market", gettext("Market")),
            Column("rate", gettext("Requests per second"), "number"),
            Column("state", gettext("State")),
        ),
        accounts=found.accounts,
        markets=sorted(MARKETS),
        wanted=wanted,
        is_filtered=any(wanted.values()),
        paging=neighbours(request, wanted, found.next),
    )


async def open_one(request: Request, visit: Visit) -> Response:
    """Shows the form to open an account, or opens it; its people make its API keys."""
    reading = Reading(visit.form)
    typed = {
        "name": visit.form.value("name"),
        "market": visit.form.value("market"),
        "rate": visit.form.value("rate", str(RATE_PER_SECOND)),
        "burst": visit.form.value("burst", str(BURST)),
    }

    def shown(status: int = 200) -> Response:
        return render(
            visit,
            f"{_FOLDER}/account_open.html",
            status=status,
            faults=reading.faults,
            markets=[(code, code) for code in sorted(MARKETS)],
            **typed,
        )

    if request.method in SAFE:
        return shown()

    async def make() -> Response:
        rate = reading.whole("rate", 1, LARGEST_LIMIT)
        burst = reading.whole("burst", 1, LARGEST_LIMIT)
        if typed["market"] not in MARKETS:
            reading.faults["market"] = gettext("Choose one of the markets.")
        if reading.faults:
            return shown(422)
        try:
            account, _ = await create_account(
                visit.platform,
                typed["name"],
                typed["market"],
                modes=(),
                rate_per_second=rate,
                burst=burst,
            )
        except AccountRefusedError:
            reading.faults["name"] = gettext(
                "A name is 1 to 63 lower-case letters, digits, - and _, and no other account's."
            )
            return shown(422)
        said = gettext("%(name)s is open. Invite its owner next.", name=account.name)
        return visit.go(_path(visit, account.id), said)

    return await visit.once(make)


async def show_one(request: Request, visit: Visit) -> Response:
    """Shows an account, its settings, and who belongs to it."""
    opened = await _opened(request, visit)
    of = Organisation(OrganisationKind.ACCOUNT, opened.account.id)
    return render(
        visit,
        f"{_FOLDER}/account.html",
        account=opened.account,
        days=opened.personal_data_days,
        here=_path(visit, opened.account.id),
        people=await members_of(visit, of),
        modes=list(Mode),
        may_manage=visit.may(PersonAct.ACCOUNTS_MANAGE),
    )


async def change(request: Request, visit: Visit) -> Response:
    """Shows the form of an account's settings, or saves it.

    Where somebody else has saved in the meantime, what was typed stays in the form, and beside it
    stands what there is now.
    """
    opened = await _opened(request, visit)
    now = _fields(opened)
    form, reading = visit.form, Reading(visit.form)

    def shown(status: int = 200, *, is_late: bool = False) -> Response:
        typed = {name: form.value(name, value) for name, value in now.items()}
        return render(
            visit,
            f"{_FOLDER}/account_settings.html",
            status=status,
            account=opened.account,
            here=_path(visit, opened.account.id),
            faults=reading.faults,
            is_late=is_late,
            now=now,
            edition=opened.edition,
            **typed,
        )

    if request.method in SAFE:
        return shown()

    async def save() -> Response:
        nonlocal opened, now
        rate = reading.whole("rate", 1, LARGEST_LIMIT)
        burst = reading.whole("burst", 1, LARGEST_LIMIT)
        days = reading.whole_or_none("days", SHORTEST_PERSONAL_DATA_DAYS, LONGEST_DAYS)
        if reading.faults:
            return shown(422)
        try:
            await set_account(
                visit.platform,
                opened.account.id,
                rate_per_second=rate,
                burst=burst,
                personal_data_days=days,
                edition=form.value("edition"),
            )
        except EditedMeanwhileError:
            opened = await _opened(request, visit)
            now = _fields(opened)
            return shown(409, is_late=True)
        return visit.go(_path(visit, opened.account.id), gettext("The settings are saved."))

    return await visit.once(save)


async def close(request: Request, visit: Visit) -> Response:
    """Closes an account: every key of it is refused from now on."""
    return await _set_closed(request, visit, closed=True)


async def reopen(request: Request, visit: Visit) -> Response:
    """Lets the keys of a closed account do again what they did."""
    return await _set_closed(request, visit, closed=False)


async def _set_closed(request: Request, visit: Visit, *, closed: bool) -> Response:
    opened = await _opened(request, visit)
    name = opened.account.name

    async def do() -> Response:
        await disable_account(visit.platform, name, disabled=closed)
        said = (
            gettext("%(name)s is closed: its API keys are refused.", name=name)
            if closed
            else gettext("%(name)s is open again.", name=name)
        )
        return visit.go(_path(visit, opened.account.id), said)

    return await visit.once(do)


async def _opened(request: Request, visit: Visit) -> OpenedAccount:
    """Returns the account in the path. Raises HTTPException 404."""
    try:
        return await account_with_settings(visit.platform, id_in(request.path_params["account"]))
    except AccountNotFoundError:
        raise HTTPException(404) from None


def _fields(opened: OpenedAccount) -> dict[str, str]:
    account: Account = opened.account
    days = opened.personal_data_days
    return {
        "rate": str(account.rate_per_second),
        "burst": str(account.burst),
        "days": "" if days is None else str(days),
    }


def _path(visit: Visit, account_id: UUID) -> str:
    return f"{visit.home}/accounts/{account_id.hex}"
