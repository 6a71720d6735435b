"""`estafette couriers`: the courier companies, their prices, whether they are asked."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, cast
from uuid import UUID

from cyclopts import App, Parameter

from estafette.cli import links
from estafette.cli.company_options import CompanyOptions, changed
from estafette.cli.dispatching import dispatching
from estafette.cli.output import (
    OK,
    CommandError,
    fields,
    note,
    say,
    say_json,
    styled,
    table,
    write,
)
from estafette.cli.private import no_option
from estafette.cli.session import on_platform
from estafette.cli.words import AsJson, known_market
from estafette.core.accounts.account import MARKETS
from estafette.core.couriers.company import Company, Connector
from estafette.core.couriers.hours_text import hours_text
from estafette.core.deliveries.failing import as_words as failing_words
from estafette.core.ids import new_id
from estafette.core.proofs.demand import as_words
from estafette.core.quotes.tariff_file import TariffFileError, price_list_text
from estafette.usecases.accounts.administration import find_account, list_accounts
from estafette.usecases.couriers.companies import (
    change_company,
    find_company,
    list_companies,
    save_company,
    strange_zones,
)
from estafette.usecases.platform import Platform
from estafette.usecases.quotes.tariffs import export_tariffs, import_tariffs

app = App(name="couriers", help="Courier companies: create, change, price, activate, list.")

_Market = Annotated[str, Parameter(name="--market", help=f"One of {', '.join(MARKETS)}.")]
_Account = Annotated[
    str | None, Parameter(name="--account", help="Serves this account alone; unless given, all.")
]
Saved = tuple[Company, list[str]]
"""A company as it is saved, and what to say of its zones."""


async def _account_id(platform: Platform, name: str | None) -> UUID | None:
    return None if name is None else (await find_account(platform, name)).id


def _json(company: Company) -> dict[str, Any]:
    able, margin = company.capabilities, company.margin
    return {
        "id": company.id,
        "market": company.market,
        "account_id": company.account_id,
        "name": company.name,
        "slug": company.slug,
        "connector": company.connector,
        "active": company.active,
        "logo_url": company.logo_url,
        "phone": company.phone_e164,
        "service_zones": company.service_zones,
        "base_fee": company.base_fee,
        "base_eta_minutes": company.base_eta_minutes,
        "time_zone": company.time_zone,
        "hours": hours_text(company.hours),
        "require_delivery_pin": able.require_delivery_pin,
        "bank_transfer_enabled": able.bank_transfer_enabled,
        "bank": able.bank.bank,
        "iban": able.bank.iban,
        "holder": able.bank.holder,
        "parcel_types": able.parcel_types,
        "max_weight_grams": able.max_weight_grams,
        "proof": as_words(able.proof),
        "failing": able.failing and failing_words(able.failing),
        "windows": asdict(able.windows),
        "margin_percent": margin.percent,
        "margin_fixed": margin.fixed,
    }


async def _saved(platform: Platform, company: Company, options: CompanyOptions) -> Saved:
    saved = await save_company(platform, changed(company, options))
    strange = await strange_zones(platform, saved) if options.zone else {}
    return saved, [
        f"no city or province of {saved.market} is called {zone!r}"
        + (f"; did you mean {close}?" if close else ": only addresses that say so are served")
        for zone, close in strange.items()
    ]


def _say_company(company: Company, warnings: Sequence[str] = (), *, json: bool) -> int:
    facts = _json(company)
    for warning in warnings:
        note(f"{styled('warning:', 'yellow', sys.stderr)} {warning}")
    if json:
        if warnings:
            facts["warnings"] = warnings
        say_json(facts)
    else:
        shown = {name: _cell(value) for name, value in facts.items()}
        fields({name.replace("_", " "): value for name, value in shown.items()})
    return OK


def _cell(value: Any) -> Any:
    return ", ".join(cast("tuple[str, ...]", value)) or "all" if isinstance(value, tuple) else value


@app.command(name="list")
def list_(
    *,
    market: Annotated[str | None, Parameter(help="All markets unless given.")] = None,
    json: AsJson = False,
) -> int:
    """List the courier companies, those that are not asked at the moment included."""

    async def work(platform: Platform) -> tuple[list[Company], dict[UUID, str]]:
        found = await list_companies(platform, market and known_market(market))
        return found, {one.id: one.name for one in await list_accounts(platform)}

    found, accounts = on_platform(work)
    if json:
        say_json({"couriers": [_json(company) for company in found]})
        return OK
    table(
        ("SLUG", "NAME", "MARKET", "FOR", "CONNECTOR", "ZONES", "ACTIVE"),
        [_row(company, accounts) for company in found],
        "No courier companies; `estafette couriers create SLUG --market AO` adds one",
    )
    return OK


def _row(company: Company, accounts: Mapping[UUID, str]) -> Sequence[object]:
    return (
        company.slug,
        company.name,
        company.market,
        "all" if company.account_id is None else accounts[company.account_id],
        company.connector.value,
        _cell(company.service_zones),
        "yes" if company.active else "no",
    )


@app.command
def create(
    slug: str,
    *,
    market: _Market,
    connector: Annotated[Connector, Parameter(help="How it is reached.")] = Connector.INHOUSE,
    account: _Account = None,
    options: CompanyOptions | None = None,
    json: AsJson = False,
) -> int:
    """Add a courier company; it is asked for quotes from now on.

    Parameters
    ----------
    slug
        Lower-case letters, digits and -.
    """
    code = known_market(market)

    async def work(platform: Platform) -> Saved:
        company = Company(
            id=new_id(),
            market=code,
            account_id=await _account_id(platform, account),
            name=slug.replace("-", " ").title(),
            slug=slug,
            connector=connector,
            time_zone=MARKETS[code].time_zone,
        )
        return await _saved(platform, company, options or CompanyOptions())

    return _say_company(*on_platform(work), json=json)


@app.command
def update(
    slug: str,
    *,
    market: _Market,
    account: _Account = None,
    options: CompanyOptions | None = None,
    json: AsJson = False,
) -> int:
    """Change a courier company; quotes that were given stay as they are.

    Parameters
    ----------
    slug
        The company's.
    """

    async def work(platform: Platform) -> Saved:
        owner = await _account_id(platform, account)
        company = await find_company(platform, known_market(market), slug, owner)
        return await _saved(platform, company, options or CompanyOptions())

    return _say_company(*on_platform(work), json=json)


def _switch(slug: str, market: str, account: str | None, *, active: bool, json: bool) -> int:
    async def work(platform: Platform) -> Company:
        owner = await _account_id(platform, account)
        return await change_company(platform, known_market(market), slug, owner, active=active)

    return _say_company(on_platform(work), json=json)


@app.command
def activate(slug: str, *, market: _Market, account: _Account = None, json: AsJson = False) -> int:
    """Ask a courier company for quotes again.

    Parameters
    ----------
    slug
        The company's.
    """
    return _switch(slug, market, account, active=True, json=json)


@app.command
def deactivate(
    slug: str, *, market: _Market, account: _Account = None, json: AsJson = False
) -> int:
    """Ask a courier company for no more quotes; its deliveries go on.

    Parameters
    ----------
    slug
        The company's.
    """
    return _switch(slug, market, account, active=False, json=json)


@app.command
def tariffs(
    slug: str,
    *,
    market: _Market,
    account: _Account = None,
    file: Annotated[
        str | None,
        Parameter(
            name="--import",
            allow_leading_hyphen=True,
            validator=no_option,
            help="A CSV file; - is stdin.",
        ),
    ] = None,
    json: AsJson = False,
) -> int:
    """Show a courier company's price list as CSV, or put that of a file in its place.

    Parameters
    ----------
    slug
        The company's.
    """
    text = None if file is None else _read(file)

    async def work(platform: Platform) -> tuple[str, int]:
        owner = await _account_id(platform, account)
        company = await find_company(platform, known_market(market), slug, owner)
        count = 0
        if text is not None:
            count = await import_tariffs(platform, company.market, text, company.id)
        return await export_tariffs(platform, company.market, company.id), count

    try:
        csv, count = on_platform(work)
    except TariffFileError as error:
        problems = "\n".join(f"  {problem}" for problem in error.problems)
        raise CommandError(f"{file} is no price list, nothing was changed:\n{problems}") from error
    if json:
        say_json({"courier": slug, "market": known_market(market), "csv": csv})
    elif file is None:
        write(csv)
    else:
        say(f"{slug} has {count} tariffs now; quotes follow them from this moment")
    return OK


def _read(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else price_list_text(Path(file).read_bytes())
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read: {error}", code="file", exit_code=2) from error


app.command(links.connect)
app.command(links.disconnect)
app.command(dispatching)
