"""Courier companies, their own platforms, and price lists."""

from dataclasses import replace
from datetime import time
from typing import Any
from uuid import UUID

from estafette.core.accounts.account import MARKETS, Mode
from estafette.core.couriers.company import (
    WEEKDAYS,
    Capabilities,
    Company,
    Connector,
    Hours,
    Margin,
)
from estafette.core.deliveries.windows import AS_USUAL, WindowRules
from estafette.core.edition import edition_of
from estafette.core.ids import new_id
from estafette.core.money.payment import BankAccount
from estafette.core.people.permission import PersonAct
from estafette.core.proofs.demand import NOTHING
from estafette.core.proofs.proof import ProofKind
from estafette.core.quotes.tariff_file import LONGEST, price_list_text
from estafette.dialects.operator import mapping, schemas
from estafette.dialects.operator.accounts import in_edition
from estafette.dialects.operator.errors import NotThere
from estafette.dialects.operator.listing import an_id, cursor, flag, limit_of, market, write_cursor
from estafette.dialects.operator.operations import Asked, Operation, read_id
from estafette.http.operations import json
from estafette.http.parameters import text
from estafette.http.refusals import BadBody, Detail, InvalidRequest
from estafette.http.reply import HttpReply
from estafette.usecases.accounts.settings import account_with_settings
from estafette.usecases.couriers.companies import (
    CompanyFilter,
    CompanyPosition,
    company_of,
    page_of_companies,
    save_company,
)
from estafette.usecases.couriers.links import Link, connect, disconnect, link_of
from estafette.usecases.quotes.tariffs import (
    compare_tariffs,
    export_tariffs,
    import_tariffs,
    price_list,
)

_CSV = (b"content-type", b"text/csv; charset=utf-8")
_MOST_CHANGES = 1_000


async def _list(asked: Asked) -> HttpReply:
    wanted = CompanyFilter(
        market=asked.query.read("market", market),
        part=asked.query.read("name", text) or "",
        account_id=asked.query.read("account_id", an_id),
    )
    after, limit = asked.query.read("cursor", cursor), limit_of(asked.query)
    asked.must_be_read("market", "name", "account_id", "cursor", "limit")
    page = await page_of_companies(asked.platform, wanted, _position(after), limit)
    following = page.next and write_cursor(f"{page.next.id} {page.next.name}")
    return json(200, {"data": [*map(mapping.company, page.companies)], "next": following})


def _position(after: str | None) -> CompanyPosition | None:
    if after is None:
        return None
    id, _, name = after.partition(" ")
    try:
        return CompanyPosition(name, UUID(id))
    except ValueError:
        told = Detail("cursor", "was not given out by this list")
        raise InvalidRequest((told,)) from None


def _opened(found: Company, status: int = 200) -> HttpReply:
    return in_edition(mapping.company(found), edition_of(found), status)


async def _show(asked: Asked) -> HttpReply:
    asked.must_be_read()
    return _opened(await asked.company())


async def _create(asked: Asked) -> HttpReply:
    asked.must_be_read()
    wanted = asked.read(schemas.NewCompany)
    if wanted.market not in MARKETS:
        raise InvalidRequest((Detail("market", f"must be one of {', '.join(MARKETS)}"),))
    account_id = None
    if wanted.account_id is not None:
        id = read_id(wanted.account_id, "account")
        account_id = (await account_with_settings(asked.platform, id)).account.id
    new = Company(
        id=new_id(),
        market=wanted.market,
        account_id=account_id,
        name=wanted.name,
        slug=wanted.slug,
        connector=Connector(wanted.connector),
        time_zone=MARKETS[wanted.market].time_zone,
    )
    return _opened(await save_company(asked.platform, _changed(new, wanted)), 201)


async def _change(asked: Asked) -> HttpReply:
    asked.must_be_read()
    id, wanted = asked.id("company"), asked.read(schemas.CompanyChanges)
    before = await company_of(asked.platform, id)
    edition = asked.edition or edition_of(before)
    return _opened(await save_company(asked.platform, _changed(before, wanted), edition))


_PLAIN = ("logo_url", "base_fee", "base_eta_minutes")
_NEVER_NULL = ("name", "slug", "time_zone", "active")


def _changed(of: Company, wanted: schemas.CompanyChanges | schemas.NewCompany) -> Company:
    """Returns a company with what a body names changed; null empties what can be empty."""
    named = wanted.model_fields_set
    facts: dict[str, Any] = {name: getattr(wanted, name) for name in _PLAIN if name in named}
    for name in _NEVER_NULL:
        if name in named and getattr(wanted, name) is not None:
            facts[name] = getattr(wanted, name)
    if "phone" in named:
        facts["phone_e164"] = wanted.phone
    if "service_zones" in named:
        facts["service_zones"] = tuple(wanted.service_zones or ())
    if "hours" in named:
        facts["hours"] = None if wanted.hours is None else _hours(wanted.hours)
    percent = of.margin.percent if wanted.margin_percent is None else wanted.margin_percent
    fixed = of.margin.fixed if wanted.margin_fixed is None else wanted.margin_fixed
    able = _capabilities(of.capabilities, wanted)
    return replace(of, **facts, margin=Margin(percent, fixed), capabilities=able)


def _capabilities(of: Capabilities, wanted: schemas.CompanyFacts) -> Capabilities:
    """Returns capabilities with what a body names changed. Raises InvalidRequest."""
    named, facts = wanted.model_fields_set, dict[str, Any]()
    for name in ("bank_transfer_enabled", "require_delivery_pin"):
        if getattr(wanted, name) is not None:
            facts[name] = getattr(wanted, name)
    if "max_weight_grams" in named:
        facts["max_weight_grams"] = wanted.max_weight_grams
    if "parcel_types" in named:
        types = wanted.parcel_types
        facts["parcel_types"] = None if types is None else tuple(types)
    if "proof" in named:
        facts["proof"] = wanted.proof or NOTHING
        if ProofKind.PIN in facts["proof"].dropoff:
            told = Detail("proof", "may hold no pin: that is require_delivery_pin")
            raise InvalidRequest((told,))
    if "failing" in named:
        facts["failing"] = wanted.failing
    if "windows" in named:
        said = wanted.windows
        facts["windows"] = AS_USUAL if said is None else WindowRules(**said.model_dump())
    if "bank" in named:
        bank = wanted.bank or schemas.Bank()
        facts["bank"] = BankAccount(bank.bank, bank.iban, bank.holder)
    return replace(of, **facts)


def _span(pair: list[str]) -> tuple[time, time]:
    begin, end = pair
    return time.fromisoformat(begin), time.fromisoformat(end)


def _hours(days: dict[str, list[list[str]]]) -> Hours:
    """Returns opening hours. Raises InvalidRequest."""
    for day in days:
        if day not in WEEKDAYS:
            raise InvalidRequest((Detail("hours", f"has days named {', '.join(WEEKDAYS)}"),))
    try:
        return Hours({day: tuple(map(_span, spans)) for day, spans in days.items()})
    except ValueError:
        told = Detail("hours", 'has spans such as ["08:00", "18:00"]')
        raise InvalidRequest((told,)) from None


async def _show_platform(asked: Asked) -> HttpReply:
    asked.must_be_read()
    found = await asked.company()
    link = await link_of(asked.platform, found.id)
    if link is None:
        raise NotThere("platform")
    return json(200, _platform(link))


def _platform(link: Link) -> dict[str, Any]:
    return {
        "company_id": str(link.company_id),
        "url": link.base_url,
        "has_key": {mode.value: mode in link.keys for mode in Mode},
        "has_webhook_secret": {mode.value: mode in link.webhook_secrets for mode in Mode},
    }


async def _connect(asked: Asked) -> HttpReply:
    asked.must_be_read()
    id, wanted = asked.id("company"), asked.read(schemas.PlatformLink)
    found = await company_of(asked.platform, id)
    keys = {Mode.LIVE: wanted.live_key, Mode.SANDBOX: wanted.sandbox_key}
    secrets = {
        Mode.LIVE: wanted.live_webhook_secret,
        Mode.SANDBOX: wanted.sandbox_webhook_secret,
    }
    link = Link(
        found.id,
        wanted.url,
        {mode: key for mode, key in keys.items() if key is not None},
        {mode: secret for mode, secret in secrets.items() if secret is not None},
    )
    return json(200, _platform(await connect(asked.platform, found, link)))


async def _disconnect(asked: Asked) -> HttpReply:
    asked.must_be_read()
    found = await asked.company()
    if not await disconnect(asked.platform, found):
        raise NotThere("platform")
    return HttpReply(204, b"", ())


async def _list_of(asked: Asked) -> tuple[str, UUID | None]:
    """The market and the company whose price list a path is of."""
    if "market" in asked.path:
        return asked.path["market"], None
    found = await asked.company()
    return found.market, found.id


async def _export(asked: Asked) -> HttpReply:
    asked.must_be_read()
    market_code, company_id = await _list_of(asked)
    opened = await price_list(asked.platform, market_code, company_id)
    written = await export_tariffs(asked.platform, market_code, company_id)
    tag = (b"etag", f'"{opened.edition}"'.encode())
    return HttpReply(200, written.encode(), (_CSV, tag))


async def _import(asked: Asked) -> HttpReply:
    only_compare = asked.query.read("compare", flag)
    asked.must_be_read("compare")
    market_code, company_id = await _list_of(asked)
    try:
        written = price_list_text(asked.body)
    except UnicodeError:
        raise BadBody("is not text in UTF-8") from None
    proposal = await compare_tariffs(asked.platform, market_code, written, company_id)
    value = {
        "rows": proposal.rows,
        "change_count": len(proposal.changes),
        "changes": [
            {"before": mapping.tariff(each.before), "after": mapping.tariff(each.after)}
            for each in proposal.changes[:_MOST_CHANGES]
        ],
    }
    if only_compare:
        return in_edition({**value, "saved": False}, proposal.edition)
    asked.must_name_edition()
    await import_tariffs(asked.platform, market_code, written, company_id, asked.edition)
    opened = await price_list(asked.platform, market_code, company_id)
    return in_edition({**value, "saved": True}, opened.edition)


_ONE = "/v1/companies/{company}"

OPERATIONS = (
    Operation("GET", "/v1/companies", PersonAct.COMPANIES_SEE, _list),
    Operation("POST", "/v1/companies", PersonAct.COMPANIES_MANAGE, _create),
    Operation("GET", _ONE, PersonAct.COMPANIES_SEE, _show),
    Operation("PATCH", _ONE, PersonAct.COMPANIES_MANAGE, _change),
    Operation("GET", f"{_ONE}/platform", PersonAct.PLATFORMS_SEE, _show_platform),
    Operation("PUT", f"{_ONE}/platform", PersonAct.PLATFORMS_MANAGE, _connect),
    Operation("DELETE", f"{_ONE}/platform", PersonAct.PLATFORMS_MANAGE, _disconnect),
    Operation("GET", f"{_ONE}/tariffs", PersonAct.TARIFFS_SEE, _export),
    Operation("PUT", f"{_ONE}/tariffs", PersonAct.TARIFFS_EDIT, _import, limit=LONGEST),
    Operation("GET", "/v1/markets/{market}/tariffs", PersonAct.TARIFFS_SEE, _export),
    Operation(
        "PUT", "/v1/markets/{market}/tariffs", PersonAct.TARIFFS_EDIT, _import, limit=LONGEST
    ),
)
