"""`estafette payments`: confirm bank transfers, show the books."""

import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any

from cyclopts import App, Parameter

from estafette.cli.output import OK, CommandError, misused, say, say_json, styled, table, time_text
from estafette.cli.session import on_platform
from estafette.cli.words import AccountName, AsJson, ModeOption, check_note, identifier, moment
from estafette.core.account import Account, Mode, Scope
from estafette.core.delivery import Delivery
from estafette.usecases.accounts import account_of, find_account, list_accounts
from estafette.usecases.find import find_anywhere
from estafette.usecases.ledger import Statement, as_csv, as_json, entry_json, statement
from estafette.usecases.payments import awaited_payments, confirm_payment, find_by_reference
from estafette.usecases.platform import Platform

app = App(name="payments", help="Confirm bank transfers, show the books.")

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


@app.command(name="statement")
def statement_(
    *,
    account: AccountName,
    from_: Annotated[str, Parameter(name="--from", help="The beginning: a time or a date, UTC.")],
    to: Annotated[str | None, Parameter(help="The end, which is not part of it; now.")] = None,
    mode: ModeOption = Mode.SANDBOX,
    csv: _Csv = False,
    json: AsJson = False,
) -> int:
    """Show the books of an account over a period: balances, entries, balances.

    A positive amount is what a book has received, a negative one what it has given: above zero
    a balance is owed by the merchant or the company, below zero it is owed to them. Cash is in the
    hand of a company's drivers.
    """
    if csv and json:
        raise misused("a statement is printed as --csv or as --json")
    begin, end = moment(from_), datetime.now(UTC) if to is None else moment(to)
    if begin > end:
        raise misused("--from is after --to")

    async def work(platform: Platform) -> None:
        found = await statement(platform, await find_account(platform, account), mode, begin, end)
        if csv or json:
            await _write(as_csv(found) if csv else as_json(found))
        else:
            await _show(found)

    on_platform(work)
    return OK


async def _write(pieces: AsyncIterator[str]) -> None:
    async for piece in pieces:
        sys.stdout.write(piece)
    sys.stdout.flush()


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
    of_company = row["book"] in ("company", "cash")
    return f"{row['book']} {row['company']}" if of_company else row["book"]
