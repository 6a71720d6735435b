"""Manage courier companies for the operator; list them for accounts."""

import re
from collections.abc import Sequence
from dataclasses import astuple, replace
from difflib import get_close_matches
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from estafette.core.accounts.account import MARKETS, Account
from estafette.core.audit import AuditedAct, difference, ending
from estafette.core.couriers.company import PARCEL_TYPES, Company, Hours
from estafette.core.deliveries.windows import AS_USUAL
from estafette.core.edition import edition_of, must_be
from estafette.core.errors import Busy, Unavailable
from estafette.core.fleet.driver import is_phone
from estafette.core.money.sums import LARGEST_SUM
from estafette.core.proofs.demand import as_words
from estafette.core.quotes.place import CityIndex
from estafette.core.quotes.pricing import Tariff
from estafette.core.quotes.province import province_key, provinces
from estafette.seeds.companies import DemoCompany, demo_companies
from estafette.store.couriers import companies
from estafette.store.couriers.companies import CompanyFilter, CompanyPosition
from estafette.store.pool import Connection
from estafette.store.quotes import catalog
from estafette.usecases import audit
from estafette.usecases.platform import Platform
from estafette.usecases.quotes.tariffs import replace_tariffs

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_LOGO = re.compile(r"https?://[^\s/]+(?:/\S*)?")
_LONGEST_NAME = 200
_LONGEST_ADDRESS = 500
_MOST_ZONES = 200
LARGEST_NUMBER = 2**31 - 1
"""The largest number of minutes, and of grams."""

LARGEST_MARGIN = 1_000
"""The largest margin, in percent of a fee."""


class CompanyNotFoundError(LookupError):
    """No courier company has this slug."""

    def __init__(self, slug: str, *, of_accounts: bool = False) -> None:
        """`slug` is the one that was asked for.

        `of_accounts` says that companies which serve single accounts have this slug.
        """
        self.slug, self.of_accounts = slug, of_accounts
        place = " for all accounts, only for one alone" if of_accounts else ""
        super().__init__(f"there is no courier company {slug!r}{place}")


class CompanyRefusedError(ValueError):
    """A courier company cannot be saved with these values; the message says why.

    `field` is the name of the wrong field, in `Company` or one of its parts.
    """

    def __init__(self, field: str, reason: str) -> None:
        """`reason` is a whole sentence without its full stop."""
        self.field = field
        super().__init__(reason)


class CompanyTakenError(CompanyRefusedError):
    """There is a company of that slug already."""

    def __init__(self, slug: str) -> None:
        """`slug` is the one that is taken."""
        super().__init__("slug", f"there is a courier company {slug!r} already")


async def companies_of(platform: Platform, account: Account) -> tuple[Company, ...]:
    """Returns the active companies that serve an account."""
    return (await platform.catalog.companies(account.market.code)).of(account.id)


async def offered_companies(platform: Platform, account: Account) -> tuple[Company, ...]:
    """Returns the same for a checkout; returns none while the database cannot be read."""
    try:
        return await companies_of(platform, account)
    except (Busy, Unavailable):
        return ()


async def list_companies(platform: Platform, market: str | None = None) -> list[Company]:
    """Returns all companies, or those of a market, inactive ones included, by name."""
    async with platform.pool.acquire() as connection:
        return await companies.every(connection, market)


async def set_active(platform: Platform, company_id: UUID, *, active: bool) -> Company:
    """Makes a company inactive, so that it is asked for no more quotes, or active again.

    Changes of its other fields that are made at the same time are kept. Returns the company as it
    is then. Raises CompanyNotFoundError.
    """
    async with platform.pool.acquire() as connection, connection.transaction():
        before = await companies.lock(connection, company_id)
        if before is None:
            raise CompanyNotFoundError(str(company_id))
        company = replace(before, active=active)
        if company != before:
            await companies.save(connection, company)
            await _note(connection, platform, before, company)
    return company


async def find_company(
    platform: Platform, market: str, slug: str, account_id: UUID | None = None
) -> Company:
    """Returns the company of that slug in a market: the account's, or without one the market's.

    Raises CompanyNotFoundError.
    """
    named = [one for one in await list_companies(platform, market) if one.slug == slug]
    for company in named:
        if company.account_id == account_id:
            return company
    raise CompanyNotFoundError(slug, of_accounts=bool(named) and account_id is None)


class CompaniesPage(NamedTuple):
    """A page of companies, by name; `next` is where the next page begins, None at the end."""

    companies: list[Company]
    next: CompanyPosition | None


async def page_of_companies(
    platform: Platform,
    wanted: CompanyFilter,
    after: CompanyPosition | None = None,
    limit: int = 50,
) -> CompaniesPage:
    """Returns at most `limit` companies after a position, inactive ones included, by name."""
    async with platform.connections.batch("companies") as connection:
        found = await companies.page(connection, wanted, after, limit + 1)
    shown = found[:limit]
    last = shown[-1] if len(found) > limit else None
    return CompaniesPage(shown, last and CompanyPosition(last.name, last.id))


async def company_of(platform: Platform, company_id: UUID) -> Company:
    """Returns the company of an id. Raises CompanyNotFoundError or Busy."""
    async with platform.connections.batch("companies") as connection:
        found = await companies.find(connection, company_id)
    if found is None:
        raise CompanyNotFoundError(str(company_id))
    return found


async def save_company(platform: Platform, company: Company, edition: str | None = None) -> Company:
    """Adds a company, or changes the one with its id.

    `edition` is the edition of the company as it was opened (`core.edition.edition_of(company)`);
    None skips the comparison. Raises CompanyRefusedError or EditedMeanwhileError.
    """
    if problem := _problem(company):
        raise CompanyRefusedError(*problem)
    async with platform.pool.acquire() as connection, connection.transaction():
        before = await companies.lock(connection, company.id)
        if before is not None:
            must_be(edition, edition_of(before))
        if not await companies.save(connection, company):
            raise CompanyTakenError(company.slug)
        await _note(connection, platform, before, company)
    return company


async def _note(
    connection: Connection, platform: Platform, before: Company | None, company: Company
) -> None:
    act = AuditedAct.COMPANY_CREATED if before is None else AuditedAct.COMPANY_CHANGED
    facts = _facts(company) if before is None else difference(_facts(before), _facts(company))
    await audit.note(connection, platform.by, act, company.id, facts, of=company.account_id)


def _facts(company: Company) -> dict[str, Any]:
    """Returns what the audit records of a company; of a bank account only the last digits."""
    able, margin = company.capabilities, company.margin
    facts = {
        "market": company.market,
        "slug": company.slug,
        "name": company.name,
        "connector": company.connector,
        "active": company.active,
        "logo_url": company.logo_url,
        "phone": company.phone_e164,
        "service_zones": company.service_zones,
        "base_fee": company.base_fee,
        "base_eta_minutes": company.base_eta_minutes,
        "time_zone": company.time_zone,
        "hours": None if company.hours is None else _hours(company.hours),
        "require_delivery_pin": able.require_delivery_pin,
        "bank_transfer_enabled": able.bank_transfer_enabled,
        "bank": able.bank.bank,
        "iban": ending(able.bank.iban),
        "parcel_types": able.parcel_types,
        "max_weight_grams": able.max_weight_grams,
        "proof": [f"{stage}: {', '.join(kinds)}" for stage, kinds in as_words(able.proof).items()],
        "failing_attempts": able.failing and able.failing.attempts,
        "failing_then": able.failing and able.failing.then,
        "windows": None if able.windows == AS_USUAL else astuple(able.windows),
        "margin_percent": str(margin.percent.normalize()),
        "margin_fixed": margin.fixed,
    }
    return {name: value for name, value in facts.items() if value not in (None, (), [])}


async def change_company(
    platform: Platform, market: str, slug: str, account_id: UUID | None = None, **changes: Any
) -> Company:
    """Changes some fields of a company (see `Company`); `active=False` makes it inactive.

    Raises CompanyNotFoundError or CompanyRefusedError.
    """
    company = await find_company(platform, market, slug, account_id)
    return await save_company(platform, replace(company, **changes))


def _hours(hours: Hours) -> list[str]:
    return [
        f"{day} {opens:%H:%M}-{closes:%H:%M}"
        for day, spans in hours.days.items()
        for opens, closes in spans
    ]


async def set_company_tariffs(
    platform: Platform, company: Company, tariffs: Sequence[Tariff]
) -> None:
    """Replaces a company's price list."""
    async with platform.pool.acquire() as connection, connection.transaction():
        await replace_tariffs(connection, platform, company.market, tariffs, company.id)


async def add_demo_companies(platform: Platform, account: Account) -> list[Company]:
    """Adds the demo companies of the market for a demo account that has no companies.

    Returns those that were added. Several processes may do it at the same time.
    """
    return await add_missing(platform, account, demo_companies(account.market.code, account.id))


async def add_missing(
    platform: Platform, account: Account, wanted: Sequence[DemoCompany]
) -> list[Company]:
    """Adds companies of an account alone, but for those whose slugs it has; returns the new ones.

    Several processes may do it at the same time.
    """
    added: list[Company] = []
    async with platform.pool.acquire() as connection, connection.transaction():
        known = await companies.lock_own(connection, account.id)
        for company, tariffs in wanted:
            if company.slug not in known:
                await companies.save(connection, company)
                await catalog.replace_tariffs(connection, company.market, tariffs, company.id)
                await _note(connection, platform, None, company)
                added.append(company)
    return added


async def strange_zones(platform: Platform, company: Company) -> dict[str, str | None]:
    """Returns a company's zones that name no city or province of its market, with a suggestion.

    Such a zone covers only addresses that are written exactly so; most often it is a typing error.
    The suggestion is None where no name is similar.
    """
    async with platform.pool.acquire() as connection:
        cities = await catalog.cities(connection, company.market)
    index, names = CityIndex(cities), provinces(company.market)
    known = {province_key(name) for name in names}
    meant = {name.casefold(): name for name in (*names, *(city.name for city in cities))}
    strange: dict[str, str | None] = {}
    for zone in company.service_zones:
        if province_key(zone) not in known and index.find(zone) is None:
            close = get_close_matches(zone.casefold(), meant, 1, 0.75)
            strange[zone] = meant[close[0]] if close else None
    return strange


class _Problem(NamedTuple):
    """What is wrong with a company, and why."""

    field: str
    reason: str


def _problem(company: Company) -> _Problem | None:
    """Returns why a company cannot be saved with these values, or None."""
    able, bank = company.capabilities, company.capabilities.bank
    if company.market not in MARKETS:
        known = ", ".join(sorted(MARKETS))
        return _Problem("market", f"there is no market {company.market!r}; there are {known}")
    if not _SLUG.fullmatch(company.slug):
        reason = f"the slug {company.slug!r} must be 1 to 63 lower-case letters, digits and -"
        return _Problem("slug", reason)
    if not company.name.strip():
        return _Problem("name", "the name must not be empty")
    if problem := _problem_of_lengths(company):
        return problem
    if company.logo_url is not None and not _LOGO.fullmatch(company.logo_url):
        reason = f"{company.logo_url!r} is not an address such as https://example.com/logo.svg"
        return _Problem("logo_url", f"the logo {reason}")
    if company.phone_e164 is not None and not is_phone(company.phone_e164):
        return _Problem("phone", f"{company.phone_e164!r} is not a phone such as +244923000001")
    if not all(zone.strip() for zone in company.service_zones):
        return _Problem("service_zones", "a zone must be the name of a city or province")
    if not _is_time_zone(company.time_zone):
        reason = f"there is no time zone {company.time_zone!r}; use a name such as Africa/Luanda"
        return _Problem("time_zone", reason)
    if able.bank_transfer_enabled and not (bank.bank and bank.iban and bank.holder):
        reason = "bank transfers need the bank's name, the IBAN and the account holder"
        return _Problem("bank", reason)
    if unknown := set(able.parcel_types or ()) - set(PARCEL_TYPES):
        known = ", ".join(PARCEL_TYPES)
        reason = f"unknown parcel types: {', '.join(sorted(unknown))}; there are {known}"
        return _Problem("parcel_types", reason)
    return _problem_of_numbers(company)


def _problem_of_lengths(company: Company) -> _Problem | None:
    bank = company.capabilities.bank
    texts = {"name": company.name, "bank": bank.bank, "IBAN": bank.iban, "holder": bank.holder}
    for what, text in texts.items():
        if len(text or "") > _LONGEST_NAME:
            reason = f"the {what} must be at most {_LONGEST_NAME} characters long"
            return _Problem("name" if what == "name" else "bank", reason)
    if len(company.logo_url or "") > _LONGEST_ADDRESS:
        reason = f"the address of the logo must be at most {_LONGEST_ADDRESS} characters long"
        return _Problem("logo_url", reason)
    if len(company.service_zones) > _MOST_ZONES:
        reason = f"a company serves at most {_MOST_ZONES} zones; none means the whole market"
        return _Problem("service_zones", reason)
    if any(len(zone) > _LONGEST_NAME for zone in company.service_zones):
        reason = f"a zone must be at most {_LONGEST_NAME} characters long"
        return _Problem("service_zones", reason)
    return None


def _problem_of_numbers(company: Company) -> _Problem | None:
    if company.margin.percent < 0 or company.margin.fixed < 0:
        return _Problem("margin", "the margin must not be negative")
    if company.margin.percent > LARGEST_MARGIN:
        return _Problem("margin", f"the margin must be at most {LARGEST_MARGIN} percent")
    if company.base_fee is not None and company.base_fee < 0:
        return _Problem("base_fee", "the fee must not be negative")
    if max(company.base_fee or 0, company.margin.fixed) > LARGEST_SUM:
        return _Problem("base_fee", f"a sum must be at most {LARGEST_SUM}")
    numbers = {
        "base_eta_minutes": company.base_eta_minutes,
        "max_weight_grams": company.capabilities.max_weight_grams,
    }
    for name, number in numbers.items():
        if number is not None and number <= 0:
            return _Problem(name, "minutes and weights must be positive")
        if number is not None and number > LARGEST_NUMBER:
            return _Problem(name, f"minutes and weights must be at most {LARGEST_NUMBER}")
    return None


def _is_time_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
