"""`estafette payments`: confirm bank transfers, show the books."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from cyclopts import App, Parameter

from estafette.cli.output import (
    OK,
    CommandError,
    misused,
    say,
    say_json,
    styled,
    table,
    time_text,
    write,
)
from estafette.cli.session import on_platform
from estafette.cli.words import AccountName, AsJson, ModeOption, check_note, identifier, moment
from estafette.core.accounts.account import Account, Mode, Scope
from estafette.core.deliveries.delivery import Delivery
from estafette.core.money.books import OF_COMPANIES, Book, Cause
from estafette.usecases.accounts.administration import account_of, find_account, list_accounts
from estafette.usecases.couriers.companies import list_companies
from estafette.usecases.deliveries.find import find_anywhere
from estafette.usecases.money.books import Statement, as_csv, as_json, entry_json, statement
from estafette.usecases.money.payments import awaited_payments, confirm_payment, find_by_reference
from estafette.usecases.money.settle import BookedPayment, WantedTransfer, company_serving, pay
from estafette.usecases.platform import Platform

app = App(name="payments", help="Confirm transfers, book what is settled and paid, show the books.")

_AccountOption = Annotated[
    str | None, Parameter(name="--account", help="The account's name; all unless given.")
]


def _json(delivery: Delivery, account: Account) -> dict[str, Any]:
    bank = delivery.payment.bank
    return {
        "delivery": delivery.id,
        "reference": delivery.reference,
        "account": account.name,
        "mode": delivery.scope.mode,
        "status": delivery.status,
        "amount": delivery.fee,
        "currency": account.market.currency,
        "company": delivery.company_name,
        "bank": bank and bank.bank,
        "iban": bank and bank.iban,
        "created_at": delivery.created_at,
        "due_at": delivery.payment.due_at,
    }


@app.command(name="list")
def list_(
    *, account: _AccountOption = None, mode: ModeOption = Mode.SANDBOX, json: AsJson = False
) -> int:
    """List the deliveries whose bank transfer is awaited, oldest first; at most 1000."""

    async def work(platform: Platform) -> list[dict[str, Any]]:
        known = await list_accounts(platform) if account is None else []
        of = {one.id: one for one in known or [await find_account(platform, account or "")]}
        only = None if account is None else next(iter(of))
        found = await awaited_payments(platform, mode, only)
        return [_json(one, of[one.scope.account_id]) for one in found]

    payments = on_platform(work)
    if json:
        say_json({"payments": payments})
        return OK
    columns = ("reference", "account", "amount", "currency", "company", "due_at", "delivery")
    table(
        ("REFERENCE", "ACCOUNT", "AMOUNT", "", "COMPANY", "DUE", "DELIVERY"),
        [[row[column] for column in columns] for row in payments],
        f"No {mode.value} payment is awaited",
    )
    return OK


@app.command
def confirm(
    delivery: str,
    *,
    account: _AccountOption = None,
    mode: ModeOption = Mode.SANDBOX,
    note: Annotated[str | None, Parameter(help="What the history shall say of it.")] = None,
    json: AsJson = False,
) -> int:
    """Say that the bank transfer for a delivery has arrived; the delivery goes on.

    Parameters
    ----------
    delivery
        Its id; or the reference on the transfer, with --account and --mode.
    """
    check_note(note)

    async def work(platform: Platform) -> dict[str, Any]:
        found = await _named(platform, delivery, account, mode)
        of = await account_of(platform, found.scope.account_id)
        dialect = platform.dialects[of.dialect]
        return _json(await confirm_payment(platform, found.scope, dialect, found.id, note), of)

    paid = on_platform(work)
    if json:
        say_json(paid)
    else:
        say(f"{paid['reference'] or paid['delivery']} is paid, and {paid['status'].value} now")
    return OK


async def _named(platform: Platform, text: str, account: str | None, mode: Mode) -> Delivery:
    """The delivery that was meant. Raises CommandError or DeliveryNotFound."""
    if not text.strip().upper().startswith("DLV-"):
        return await find_anywhere(platform, identifier(text, "a delivery"))
    if account is None:
        raise misused(f"every account has a delivery {text}: say whose, --account NAME")
    scope = Scope((await find_account(platform, account)).id, mode)
    found = await find_by_reference(platform, scope, text)
    if found is None:
        raise CommandError(f"{account} has no {mode.value} delivery {text}", code="refused")
    return found


_Csv = Annotated[bool, Parameter(name="--csv", negative="", help="Print CSV.")]


_Amount = Annotated[int, Parameter(help="In whole units of the market's currency.")]
_Reference = Annotated[
    str, Parameter(help="The bank's or the receipt's: the same one books the same payment once.")
]
_Slug = Annotated[
    str | None, Parameter(help="The courier company's slug, for its books and its drivers' cash.")
]


@app.command
def settle(
    *,
    account: AccountName,
    from_: Annotated[
        Literal["merchant", "company", "cash"],
        Parameter(
            name="--from", help="Who has paid; cash: what a company's drivers handed over to it."
        ),
    ],
    amount: _Amount,
    reference: _Reference,
    company: _Slug = None,
    mode: ModeOption = Mode.SANDBOX,
    json: AsJson = False,
) -> int:
    """Book money that you have received from a merchant or a company; at most what it owes."""
    return _pay(account, Cause.SETTLED, Book(from_), amount, reference, company, mode, json=json)


@app.command
def payout(
    *,
    account: AccountName,
    to: Annotated[Literal["merchant", "company"], Parameter(help="Whom you have paid.")],
    amount: _Amount,
    reference: _Reference,
    company: _Slug = None,
    mode: ModeOption = Mode.SANDBOX,
    json: AsJson = False,
) -> int:
    """Book money that you have paid to a merchant or a company; at most what it is owed."""
    return _pay(account, Cause.PAID_OUT, Book(to), amount, reference, company, mode, json=json)


def _pay(
    account: str,
    cause: Cause,
    book: Book,
    amount: int,
    reference: str,
    company: str | None,
    mode: Mode,
    *,
    json: bool,
) -> int:
    if (company is None) is not (book is Book.MERCHANT):
        raise misused("--company is for the books of a company, and they need it")

    async def work(platform: Platform) -> tuple[Account, BookedPayment, bool]:
        of = await find_account(platform, account)
        carrier = None if company is None else await company_serving(platform, of, company)
        wanted = WantedTransfer(of, mode, cause, book, amount, reference, carrier)
        return of, *await pay(platform, wanted)

    of, paid, was_booked = on_platform(work)
    if json:
        say_json(
            {
                "payment_id": paid.id,
                "entry": paid.cause,
                "book": paid.book,
                "company_id": paid.company_id,
                "amount": paid.amount,
                "reference": paid.reference,
                "repeated": was_booked,
            }
        )
        return OK
    what = "received from" if cause is Cause.SETTLED else "paid to"
    payment = f"{amount} {of.market.currency} {what} {company or account}, {reference}"
    say(f"{payment}: booked before, nothing was changed" if was_booked else f"{payment}: booked")
    return OK


@app.command(name="statement")
def statement_(
    *,
    account: _AccountOption = None,
    company: Annotated[
        str | None,
        Parameter(help="The books of this courier company alone, with every account it serves."),
    ] = None,
    from_: Annotated[str, Parameter(name="--from", help="The beginning: a time or a date, UTC.")],
    to: Annotated[str | None, Parameter(help="The end, which is not part of it; now.")] = None,
    mode: ModeOption = Mode.SANDBOX,
    csv: _Csv = False,
    json: AsJson = False,
) -> int:
    """Show the books of an account, or of a company, over a period: balances, entries, balances.

    A positive amount is what a book has received, a negative one what it has given: above zero
    a balance is owed by the merchant or the company, below zero it is owed to them. Of a company,
    the book driver is cash in its drivers' hands, and cash what they have handed over. What you
    have settled and paid out stands in the platform's book.
    """
    if csv and json:
        raise misused("a statement is printed as --csv or as --json")
    if account is None and company is None:
        raise misused("say whose: --account NAME, --company SLUG, or both")
    begin, end = moment(from_), datetime.now(UTC) if to is None else moment(to)
    if begin > end:
        raise misused("--from is after --to")

    async def work(platform: Platform) -> None:
        accounts, only = await _whose(platform, account, company)
        found = [await statement(platform, one, mode, begin, end, only) for one in accounts]
        if csv:
            await _write(as_csv(found))
        elif json and account is not None:
            await _write(as_json(found[0]))
            say()
        elif json:
            await _write_all(found)
        else:
            for one in found:
                await _show(one)

    on_platform(work)
    return OK


async def _whose(
    platform: Platform, account: str | None, company: str | None
) -> tuple[list[Account], UUID | None]:
    """The accounts whose books are to be shown, and the company, if it is those of one alone."""
    if account is not None:
        of = await find_account(platform, account)
        only = None if company is None else (await company_serving(platform, of, company)).id
        return [of], only
    named = [one for one in await list_companies(platform) if one.slug == company]
    if len(named) != 1:
        known = "several companies are" if named else "no company is"
        raise misused(f"{known} called {company}: say which account's, --account NAME")
    carrier = named[0]
    every = await list_accounts(platform)
    if carrier.account_id is not None:
        return [one for one in every if one.id == carrier.account_id], carrier.id
    return [one for one in every if one.market.code == carrier.market], carrier.id


async def _write_all(found: Sequence[Statement]) -> None:
    for number, one in enumerate(found):
        write('{"statements": [' if number == 0 else ", ")
        await _write(as_json(one))
    say("]}")


async def _write(pieces: AsyncIterator[str]) -> None:
    async for piece in pieces:
        write(piece)


async def _show(found: Statement) -> None:
    currency = found.account.market.currency
    say(f"{found.account.name} ({found.mode.value}), {currency}, from {time_text(found.begin)}")
    _show_balances("Opening balances", found.balances(found.opening))
    say()
    any_entry = False
    async for entry in found.entries():
        any_entry = True
        shown = entry_json(entry, found.closing[entry.holder])
        say(
            f"{time_text(entry.booked_at)}  {entry.reference or entry.delivery_id!s:15}"
            f"  {shown['entry']:18}  {_holder(shown):28}  {entry.amount:>14,}"
            f"  {shown['balance']:>14,}"
        )
    if not any_entry:
        say("No entries")
    say()
    _show_balances(f"Closing balances, {time_text(found.end)}", found.balances(found.closing))


def _show_balances(title: str, balances: list[dict[str, Any]]) -> None:
    say(styled(title, "dim"))
    for row in balances:
        say(f"  {_holder(row):28}  {row['balance']:>14,}")
    if not balances:
        say("  none")


def _holder(row: dict[str, Any]) -> str:
    of_company = row["book"] in OF_COMPANIES
    return f"{row['book']} {row['company']}" if of_company else row["book"]
