"""`estafette privacy`: what is stored about a phone number, shown or erased."""

from collections import Counter
from typing import Annotated, Any

from cyclopts import App, Parameter

from estafette.cli.output import OK, misused, note, say, say_json, table
from estafette.cli.session import on_platform
from estafette.cli.words import AsJson
from estafette.core.accounts.account import Account
from estafette.core.deliveries.delivery import Delivery
from estafette.http.phones import e164
from estafette.usecases.accounts.administration import find_account, list_accounts
from estafette.usecases.deliveries.privacy import (
    as_json,
    deliveries_naming,
    erase_phone,
    export_phone,
)
from estafette.usecases.platform import Platform

app = App(name="privacy", help="Show or erase what is stored about a phone number.")

_SHOWN = 20

_Phone = Annotated[
    str, Parameter(help="With its country code, or as its account's market dials it.")
]
_OfAccount = Annotated[
    str | None, Parameter(name="--account", help="The account's name; all unless given.")
]


async def _meant(platform: Platform, phone: str, account: str | None) -> tuple[str, Account | None]:
    """The number in E.164, and the account. Raises CommandError or AccountNotFoundError."""
    of = None if account is None else await find_account(platform, account)
    number = e164(phone, of.market.phone_region if of else "ZZ")
    if number is None:
        raise misused(
            f"{phone!r} is no phone number"
            + ("" if of else " with a country code, such as +244 923 444 555")
        )
    return number, of


@app.command
def export(*, phone: _Phone, account: _OfAccount = None, json: AsJson = False) -> int:
    """Print all that is stored about a phone number, as JSON: the deliveries that name it."""
    _ = json  # it is JSON in any case

    async def work(platform: Platform) -> dict[str, Any]:
        number, of = await _meant(platform, phone, account)
        names = {one.id: one.name for one in await list_accounts(platform)}
        found = [
            {"account": names[one.delivery.scope.account_id], **as_json(one)}
            for one in await export_phone(platform, number, of)
        ]
        return {"phone": number, "deliveries": found}

    say_json(on_platform(work))
    return OK


@app.command
def erase(
    *,
    phone: _Phone,
    account: _OfAccount = None,
    yes: Annotated[bool, Parameter(negative="", help="Erase; else it is only shown.")] = False,
    json: AsJson = False,
) -> int:
    """Erase the personal data of every delivery that names a phone number, for good.

    Names, phones, addresses, notes, what is in the parcel, metadata and PINs go; cities, figures,
    statuses, times and the books stay. A delivery under way is erased as soon as it has ended.
    Without --yes nothing is erased, and what would be is shown.
    """

    async def work(platform: Platform) -> dict[str, Any]:
        number, of = await _meant(platform, phone, account)
        names = {one.id: one.name for one in await list_accounts(platform)}
        if yes:
            done = await erase_phone(platform, number, of)
            waiting = [_json(one, names) for one in done.put_off]
            return {"phone": number, "erased": done.erased, "when_ended": waiting}
        found = [
            _json(one, names)
            async for page in deliveries_naming(platform, number, of)
            for one in page
        ]
        return {"phone": number, "would_erase": found}

    report = on_platform(work)
    if json:
        say_json(report)
    elif yes:
        _say_erased(report)
    else:
        _say_found(report)
    return OK


def _json(delivery: Delivery, names: dict[Any, str]) -> dict[str, Any]:
    return {
        "account": names[delivery.scope.account_id],
        "mode": delivery.scope.mode,
        "delivery": delivery.id,
        "reference": delivery.reference or delivery.external_ref,
        "status": delivery.status,
        "created_at": delivery.created_at,
        "has_ended": delivery.progress.is_final,
    }


def _say_found(report: dict[str, Any]) -> None:
    found: list[dict[str, Any]] = report["would_erase"]
    columns = ("account", "mode", "delivery", "reference", "status", "created_at")
    table(
        ("ACCOUNT", "MODE", "DELIVERY", "ORDER", "STATUS", "CREATED"),
        [[row[column] for column in columns] for row in found[:_SHOWN]],
        f"No delivery names {report['phone']}",
    )
    if not found:
        return
    if len(found) > _SHOWN:
        by_account = Counter(row["account"] for row in found)
        say(f"… {len(found)} in all: " + ", ".join(f"{n} of {a}" for a, n in by_account.items()))
    under_way = sum(not row["has_ended"] for row in found)
    say()
    say(f"Nothing is erased yet. --yes erases {len(found) - under_way} now, for good")
    if under_way:
        say(f"and {under_way} under way as soon as they have ended")


def _say_erased(report: dict[str, Any]) -> None:
    say(f"Erased {report['erased']} deliveries that named {report['phone']}")
    waiting: list[dict[str, Any]] = report["when_ended"]
    if waiting:
        say(f"{len(waiting)} are under way, and will be erased as soon as they have ended:")
        for row in waiting[:_SHOWN]:
            say(f"  {row['delivery']}  {row['account']}  {row['status']}")
    note("Backups and the receivers of webhooks may have copies: see docs/operations.md")
