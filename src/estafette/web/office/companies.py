"""Courier companies: find, add, set, pause, and connect to the platforms that some have."""

from typing import Final
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from estafette.core.accounts.account import MARKETS, Mode
from estafette.core.couriers.company import PARCEL_TYPES, Company, Connector
from estafette.core.edition import EditedMeanwhileError, edition_of
from estafette.core.ids import new_id
from estafette.core.people.organisation import Organisation, OrganisationKind
from estafette.core.people.permission import PersonAct
from estafette.core.proofs.proof import ProofStage
from estafette.http.texts import N_, gettext
from estafette.usecases.accounts.administration import AccountNotFoundError, find_account
from estafette.usecases.accounts.secrets import WrongSecretKeyError
from estafette.usecases.accounts.settings import accounts_of
from estafette.usecases.couriers.companies import (
    CompanyFilter,
    CompanyNotFoundError,
    CompanyPosition,
    CompanyRefusedError,
    company_of,
    page_of_companies,
    save_company,
    set_active,
    strange_zones,
)
from estafette.usecases.couriers.links import Link, LinkRefusedError, connect, disconnect, link_of
from estafette.web.asked import id_in, neighbours
from estafette.web.failing import attempt_choices, follow_choices
from estafette.web.office.company_form import (
    company_in,
    fault_of,
    fields_of,
    proofs_at,
    ticked_in,
)
from estafette.web.office.members import members_of
from estafette.web.office.reading import asked, in_query
from estafette.web.parts import Column
from estafette.web.session import SAFE
from estafette.web.visit import Page, Visit, page, render

_FOLDER: Final = "web/office/templates"
_PAGE: Final = 50

_CONNECTORS: Final = {
    Connector.INHOUSE: N_("In-house: its prices and drivers are here"),
    Connector.REMOTE: N_("Its own platform"),
    Connector.SANDBOX: N_("Simulated, whatever the mode"),
}

_TYPES: Final = {
    "small": N_("Small, up to 5 kg"),
    "medium": N_("Medium, up to 20 kg"),
    "large": N_("Large"),
}


def pages(home: str) -> tuple[Page, ...]:
    """Returns the pages of courier companies below the path of the office."""
    see, manage, link = (
        PersonAct.COMPANIES_SEE,
        PersonAct.COMPANIES_MANAGE,
        PersonAct.PLATFORMS_MANAGE,
    )
    post, both = ("POST",), ("GET", "POST")
    one = f"{home}/companies/{{company}}"
    return (
        page(f"{home}/companies", see, show),
        page(f"{home}/companies/add", manage, add, both),
        page(one, see, show_one),
        page(f"{one}/settings", manage, change, both),
        page(f"{one}/pause", manage, pause, post),
        page(f"{one}/resume", manage, resume, post),
        page(f"{one}/connect", link, connect_one, both),
        page(f"{one}/disconnect", link, disconnect_one, post),
    )


async def show(request: Request, visit: Visit) -> Response:
    """Shows courier companies by name."""
    wanted = asked(request, "name", "market")
    found = await page_of_companies(
        visit.platform,
        CompanyFilter(wanted["market"] or None, wanted["name"]),
        _position(request),
        _PAGE,
    )
    owners = {one.account_id for one in found.companies if one.account_id is not None}
    following = found.next and {"after": found.next.name, "id": found.next.id.hex}
    return render(
        visit,
        f"{_FOLDER}/companies.html",
        columns=(
            Column("name", gettext("Company")),
            Column("market", gettext("Market")),
            Column("of", gettext("Serves")),
            Column("connector", gettext("How it is reached")),
            Column("state", gettext("State")),
        ),
        companies=found.companies,
        owners=await accounts_of(visit.platform, owners),
        markets=sorted(MARKETS),
        wanted=wanted,
        is_filtered=any(wanted.values()),
        connector_name=_connector_name,
        paging=neighbours(request, wanted, following),
    )


async def add(request: Request, visit: Visit) -> Response:
    """Shows the form for a new company, or adds it; its settings come next."""
    form = visit.form
    faults: dict[str, str] = {}
    names = ("market", "slug", "name", "connector", "account")
    typed = {name: form.value(name) for name in names}

    def shown(status: int = 200) -> Response:
        return render(
            visit,
            f"{_FOLDER}/company_add.html",
            status=status,
            faults=faults,
            markets=[(code, code) for code in sorted(MARKETS)],
            connectors=[(one, _connector_name(one), None) for one in Connector],
            **{**typed, "connector": typed["connector"] or Connector.INHOUSE},
        )

    if request.method in SAFE:
        return shown()

    async def make() -> Response:
        owner: UUID | None = None
        if typed["account"]:
            try:
                account = await find_account(visit.platform, typed["account"])
                owner = account.id
                if account.market.code != typed["market"]:
                    faults["account"] = gettext("This account is in another market.")
            except AccountNotFoundError:
                faults["account"] = gettext("There is no account of this name.")
        if typed["market"] not in MARKETS:
            faults["market"] = fault_of("market")
        if typed["connector"] not in set(Connector):
            faults["connector"] = gettext("Choose how it is reached.")
        if faults:
            return shown(422)
        company = Company(
            id=new_id(),
            market=typed["market"],
            account_id=owner,
            name=typed["name"],
            slug=typed["slug"],
            connector=Connector(typed["connector"]),
            time_zone=MARKETS[typed["market"]].time_zone,
        )
        try:
            await save_company(visit.platform, company)
        except CompanyRefusedError as refusal:
            faults[refusal.field] = fault_of(refusal.field)
            return shown(422)
        return visit.go(
            f"{_path(visit, company)}/settings",
            gettext("%(name)s is added. Say where and when it carries.", name=company.name),
        )

    return await visit.once(make)


async def show_one(request: Request, visit: Visit) -> Response:
    """Shows a company: its settings, its state, its platform."""
    company = await _company(request, visit)
    owners = await accounts_of(visit.platform, [company.account_id] if company.account_id else [])
    return render(
        visit,
        f"{_FOLDER}/company.html",
        company=company,
        owner=owners.get(company.account_id) if company.account_id else None,
        currency=MARKETS[company.market].currency,
        fields=fields_of(company),
        here=_path(visit, company),
        connector_name=_connector_name,
        strange=await strange_zones(visit.platform, company),
        people=await members_of(visit, Organisation(OrganisationKind.COMPANY, company.id)),
        is_remote=company.connector is Connector.REMOTE,
        link=await _link(visit, company),
    )


async def change(request: Request, visit: Visit) -> Response:
    """Shows the form of a company's settings, or saves it.

    Where somebody else has saved in the meantime, what was typed stays in the form, and beside it
    stands what there is now.
    """
    company = await _company(request, visit)
    form = visit.form
    faults: dict[str, str] = {}

    def shown(status: int = 200, *, is_late: bool = False) -> Response:
        now, ticked = fields_of(company), ticked_in(company)
        is_typed = bool(form.fields)
        typed = {name: form.value(name, value) for name, value in now.items()}
        return render(
            visit,
            f"{_FOLDER}/company_settings.html",
            status=status,
            company=company,
            currency=MARKETS[company.market].currency,
            here=_path(visit, company),
            faults=faults,
            is_late=is_late,
            now=now,
            typed=typed,
            ticked={
                name: list(form.values(name)) if is_typed else values
                for name, values in ticked.items()
            },
            types=[(name, gettext(_TYPES[name]), None) for name in PARCEL_TYPES],
            proofs={
                stage.value: [(code, name, None) for code, name in proofs_at(stage)]
                for stage in ProofStage
            },
            attempts=attempt_choices(),
            follows=follow_choices(),
            edition=edition_of(company),
        )

    if request.method in SAFE:
        return shown()

    async def save() -> Response:
        nonlocal company
        wanted, wrong = company_in(form, company)
        faults.update(wrong)
        if faults:
            return shown(422)
        try:
            await save_company(visit.platform, wanted, form.value("edition"))
        except EditedMeanwhileError:
            company = await _company(request, visit)
            return shown(409, is_late=True)
        except CompanyRefusedError as refusal:
            faults[refusal.field] = fault_of(refusal.field)
            return shown(422)
        said = gettext("The settings are saved. Quotes follow them from now on.")
        return visit.go(_path(visit, company), said)

    return await visit.once(save)


async def pause(request: Request, visit: Visit) -> Response:
    """Asks a company for no more quotes; what it carries goes on."""
    return await _switch(request, visit, active=False)


async def resume(request: Request, visit: Visit) -> Response:
    """Asks a paused company again."""
    return await _switch(request, visit, active=True)


async def _switch(request: Request, visit: Visit, *, active: bool) -> Response:
    company = await _company(request, visit)

    async def do() -> Response:
        await set_active(visit.platform, company.id, active=active)
        said = (
            gettext("%(name)s is asked for quotes again.", name=company.name)
            if active
            else gettext("%(name)s is paused: it is asked for no quotes.", name=company.name)
        )
        return visit.go(_path(visit, company), said)

    return await visit.once(do)


async def connect_one(request: Request, visit: Visit) -> Response:
    """Shows the form of a company's platform, or connects it in the place of any before."""
    company = await _company(request, visit)
    if company.connector is not Connector.REMOTE:
        raise HTTPException(404)
    form = visit.form

    def shown(error: str = "", status: int = 200) -> Response:
        return render(
            visit,
            f"{_FOLDER}/company_connect.html",
            status=status,
            company=company,
            here=_path(visit, company),
            error=error,
            url=form.value("url"),
            modes=[(mode, _mode_name(mode)) for mode in Mode],
        )

    if request.method in SAFE:
        return shown()

    async def do() -> Response:
        keys = {mode: form.value(f"{mode}_secret_key") for mode in Mode}
        secrets = {mode: form.value(f"{mode}_secret_webhook") for mode in Mode}
        link = Link(
            company.id,
            form.value("url"),
            {mode: key for mode, key in keys.items() if key},
            {mode: secret for mode, secret in secrets.items() if secret},
        )
        try:
            await connect(visit.platform, company, link)
        except LinkRefusedError:
            return shown(
                gettext(
                    "Write the address of the platform, and a key for at least one mode; keys and"
                    " secrets have no spaces."
                ),
                422,
            )
        return visit.go(_path(visit, company), gettext("The platform is connected."))

    return await visit.once(do)


async def disconnect_one(request: Request, visit: Visit) -> Response:
    """Forgets a company's platform; nothing of what was placed there is lost."""
    company = await _company(request, visit)

    async def do() -> Response:
        await disconnect(visit.platform, company)
        return visit.go(_path(visit, company), gettext("The platform is disconnected."))

    return await visit.once(do)


async def _link(visit: Visit, company: Company) -> Link | None:
    """Returns the company's link; one that cannot be read is shown as none."""
    if company.connector is not Connector.REMOTE:
        return None
    try:
        return await link_of(visit.platform, company.id)
    except WrongSecretKeyError:
        return None


async def _company(request: Request, visit: Visit) -> Company:
    """Returns the company in the path. Raises HTTPException 404."""
    try:
        return await company_of(visit.platform, id_in(request.path_params["company"]))
    except CompanyNotFoundError:
        raise HTTPException(404) from None


def _position(request: Request) -> CompanyPosition | None:
    """Returns after which company the list goes on. Raises HTTPException 404."""
    if "after" not in request.query_params:
        return None
    return CompanyPosition(in_query(request, "after"), id_in(request.query_params.get("id")))


def _connector_name(connector: Connector) -> str:
    return gettext(_CONNECTORS[connector])


def _mode_name(mode: Mode) -> str:
    return gettext("Live") if mode is Mode.LIVE else gettext("Sandbox")


def _path(visit: Visit, company: Company) -> str:
    return f"{visit.home}/companies/{company.id.hex}"
