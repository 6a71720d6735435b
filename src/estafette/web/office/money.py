"""Money: the books of an account or a company, what was settled and paid out, as page and file."""

from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from estafette.core.accounts.account import Account, Mode
from estafette.core.couriers.company import Company
from estafette.core.money.books import Book, Cause
from estafette.core.people.permission import PersonAct
from estafette.http.formats import money
from estafette.http.shell import Tone
from estafette.http.texts import gettext
from estafette.usecases.accounts.administration import AccountNotFoundError, find_account
from estafette.usecases.accounts.settings import AccountFilter, page_of_accounts
from estafette.usecases.couriers.companies import CompanyNotFoundError, list_companies
from estafette.usecases.cursor import CursorUnknownError
from estafette.usecases.money.books import as_csv, statement
from estafette.usecases.money.settle import (
    REFERENCE_LENGTH,
    PaymentRefusedError,
    ReferenceTakenError,
    TooMuchError,
    WantedTransfer,
    company_serving,
    pay,
)
from estafette.web import asked, statements
from estafette.web.parts import Column, Paging
from estafette.web.visit import Visit, render

MONEY: Final = "/office/money"
_LONGEST_AMOUNT: Final = 13


async def show(request: Request, visit: Visit) -> Response:
    """Shows the books of the account that was chosen, or lets one be chosen."""
    mode, query = asked.mode_of(request), request.query_params
    name, slug = (query.get(key, "")[: asked.LONGEST].strip() for key in ("account", "company"))
    account = await _account(visit, name)
    company = None if account is None else await _company(visit, account, slug)
    context: dict[str, Any] = {}
    if account is not None:
        zone = ZoneInfo(account.market.time_zone)
        period = statements.period_of(request, zone)
        only = company and company.id
        try:
            after = query.get("after") or None
            found = await statements.shown(visit.platform, account, mode, period, only, after)
        except CursorUnknownError:
            raise HTTPException(404) from None
        kept = {"mode": mode, "account": name, "company": slug, "since": period.since}
        context = {
            "period": period,
            "found": found,
            "entry_paging": asked.from_oldest(request, found.next),
            "columns": statements.columns(),
            "balances": statements.balance_columns(),
            "file": f"{MONEY}/statement.csv?{urlencode({**kept, 'until': period.until})}",
        }
    else:
        context = await _accounts_to_choose(request, visit, mode)
    return render(
        visit,
        "web/office/templates/money.html",
        mode=mode,
        modes=asked.modes(request, mode),
        name=name,
        slug=slug,
        account=account,
        company=company,
        is_unknown=(bool(name) and account is None)
        or (bool(slug) and account is not None and not company),
        companies=(companies := await _companies(visit, account)),
        company_options=[(one.slug, one.name) for one in companies],
        book_name=statements.book_name,
        cause_name=statements.cause_name,
        may_settle=visit.may(PersonAct.PAYMENTS_SETTLE),
        may_pay_out=visit.may(PersonAct.PAYMENTS_PAY_OUT),
        longest_reference=REFERENCE_LENGTH,
        **context,
    )


async def _accounts_to_choose(request: Request, visit: Visit, mode: Mode) -> dict[str, Any]:
    """Returns a page of the accounts, by name, for whoever has chosen none."""
    page = await page_of_accounts(
        visit.platform, AccountFilter(), request.query_params.get("from") or None, asked.PAGE
    )
    kept = {"mode": mode}
    return {
        "accounts": page.accounts,
        "accounts_paging": Paging(
            previous=asked.address(MONEY, kept) if request.query_params.get("from") else "",
            next=asked.address(MONEY, {**kept, "from": page.next}) if page.next else "",
        ),
        "list_columns": (
            Column("name", gettext("Account")),
            Column("market", gettext("Country")),
            Column("currency", gettext("Currency")),
        ),
    }


async def _account(visit: Visit, name: str) -> Account | None:
    if not name:
        return None
    try:
        return await find_account(visit.platform, name)
    except AccountNotFoundError:
        return None


async def download(request: Request, visit: Visit) -> Response:
    """Gives a statement as a CSV file: of an account, of a company, or of a company in one."""
    mode, query = asked.mode_of(request), request.query_params
    name, slug = (query.get(key, "")[: asked.LONGEST].strip() for key in ("account", "company"))
    if name:
        account = await _account(visit, name)
        if account is None:
            raise HTTPException(404)
        company = await _company(visit, account, slug)
        if slug and company is None:
            raise HTTPException(404)
        period = statements.period_of(request, ZoneInfo(account.market.time_zone))
        return await statements.as_file(
            visit.platform, account, mode, period, company and company.id
        )
    accounts = await asked.known_accounts(visit)
    return await _of_company(request, visit, mode, slug, accounts)


async def _of_company(
    request: Request, visit: Visit, mode: Mode, slug: str, accounts: dict[UUID, Account]
) -> Response:
    """Returns the books of one company with every account that it serves."""
    named = [one for one in await list_companies(visit.platform) if one.slug == slug]
    if len(named) != 1:
        raise HTTPException(404)
    company = named[0]
    served = [
        one
        for one in accounts.values()
        if one.market.code == company.market and company.account_id in (None, one.id)
    ]
    period = statements.period_of(request, ZoneInfo(company.time_zone or "UTC"))
    found = [
        await statement(visit.platform, one, mode, period.begin, period.end, company.id)
        for one in served
    ]
    return StreamingResponse(
        as_csv(found),
        media_type="text/csv; charset=utf-8",
        headers={
            "content-disposition": f'attachment; filename="{slug}-{mode}.csv"',
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
        },
    )


async def settle(request: Request, visit: Visit) -> Response:
    """Books money that was received."""
    return await _book(visit, Cause.SETTLED)


async def pay_out(request: Request, visit: Visit) -> Response:
    """Books money that was paid."""
    return await _book(visit, Cause.PAID_OUT)


async def _book(visit: Visit, cause: Cause) -> Response:
    form = visit.form
    mode = form.value("mode", Mode.LIVE)
    if mode not in set(Mode):
        raise HTTPException(400)
    try:
        account = await find_account(visit.platform, form.value("account"))
    except AccountNotFoundError:
        raise HTTPException(404) from None
    slug = form.value("company")
    shown = {"mode": mode, "account": account.name}
    back = f"{MONEY}?{urlencode({**shown, 'company': slug} if slug else shown)}"
    currency = account.market.currency

    async def do() -> Response:
        try:
            wanted = await _wanted(visit, account, Mode(mode), cause)
            booked, was_there = await pay(visit.platform, wanted)
        except (PaymentRefusedError, CompanyNotFoundError) as refusal:
            return visit.go(back, _said(refusal, currency), Tone.BAD)
        if was_there:
            said = gettext("This reference was booked before. Nothing was changed.")
            return visit.go(back, said, Tone.WARNING)
        return visit.go(back, gettext("%(amount)s booked.", amount=money(booked.amount, currency)))

    return await visit.once(do, otherwise=back)


async def _wanted(visit: Visit, account: Account, mode: Mode, cause: Cause) -> WantedTransfer:
    """Returns what a form asks to be booked. Raises PaymentRefusedError, CompanyNotFoundError."""
    form = visit.form
    book, digits = form.value("book"), form.value("amount").replace(" ", "").replace("\u00a0", "")
    allowed = {Book.MERCHANT, Book.COMPANY}
    if cause is Cause.SETTLED:
        allowed.add(Book.CASH)
    if book not in allowed or not digits.isascii() or not digits.isdecimal():
        raise PaymentRefusedError("the amount is no whole number")
    if len(digits) > _LONGEST_AMOUNT:
        raise PaymentRefusedError("the amount is too large")
    company = None
    if Book(book) is not Book.MERCHANT:
        company = await company_serving(visit.platform, account, form.value("company"))
    return WantedTransfer(
        account, mode, cause, Book(book), int(digits), form.value("reference"), company
    )


def _said(refusal: PaymentRefusedError | CompanyNotFoundError, currency: str) -> str:
    if isinstance(refusal, TooMuchError):
        most = money(refusal.most, currency)
        return gettext("No more than %(most)s is owed. Nothing was booked.", most=most)
    if isinstance(refusal, ReferenceTakenError):
        return gettext("Another payment has this reference. Nothing was booked.")
    if isinstance(refusal, CompanyNotFoundError):
        return gettext("Choose the courier company whose books these are. Nothing was booked.")
    return gettext(
        "An amount in whole units and a reference of one line are needed. Nothing was booked."
    )


async def _company(visit: Visit, account: Account, slug: str) -> Company | None:
    if not slug:
        return None
    try:
        return await company_serving(visit.platform, account, slug)
    except CompanyNotFoundError:
        return None


async def _companies(visit: Visit, account: Account | None) -> list[Company]:
    """Returns the companies whose books an account may have, by name."""
    every = await list_companies(visit.platform, account.market.code if account else None)
    return [one for one in every if account is None or one.account_id in (None, account.id)]
