"""`estafette cash`: who of a company's drivers has how much, handovers, statements."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from cyclopts import App, Parameter

from estafette.cli.output import OK, fields, misused, say, say_json, table, time_text, write
from estafette.cli.session import on_platform
from estafette.cli.words import AsJson, ModeOption, identifier, moment
from estafette.core.accounts.account import MARKETS, Mode
from estafette.core.couriers.company import Company
from estafette.core.money.cash import Handover, HandoverState
from estafette.usecases.couriers.companies import list_companies
from estafette.usecases.deliveries.find import find_anywhere
from estafette.usecases.money.cash import page_of_companies, page_of_drivers
from estafette.usecases.money.driver_statement import (
    DriverStatement,
    driver_csv,
    driver_entry_json,
    driver_statement,
)
from estafette.usecases.money.handovers import (
    HandoverFilter,
    confirm_handover,
    declare_handover,
    find_handover,
    named_handover,
    page_of_handovers,
    reverse_collection,
    reverse_handover,
    withdraw_handover,
)
from estafette.usecases.platform import Platform

app = App(name="cash", help="Cash of drivers: what each has, handovers counted by two, statements.")

_MOST = 200

_Slug = Annotated[str, Parameter(name="--company", help="The courier company's slug.")]
_Market = Annotated[
    str | None,
    Parameter(name="--market", help="The company's, where several have companies of that slug."),
]
_After = Annotated[
    str | None, Parameter(name="--after", help="Go on where a list ended: the `next` of its JSON.")
]
_Driver = Annotated[str, Parameter(name="--driver", help="The driver's id, as `cash list` shows.")]
_Reason = Annotated[str, Parameter(name="--reason", help="Why, for the audit; one line.")]
_Handover = Annotated[str, Parameter(help="Its number (H-00042) or its id.")]


@app.command(name="list")
def list_(
    *,
    company: Annotated[
        str | None, Parameter(name="--company", help="Its drivers; unless given, all companies.")
    ] = None,
    market: _Market = None,
    mode: ModeOption = Mode.SANDBOX,
    after: _After = None,
    json: AsJson = False,
) -> int:
    """List the drivers of a company who have cash in hand, or companies with such drivers."""
    if company is None:
        return _companies(mode, after, json=json)
    slug = company

    async def work(platform: Platform) -> dict[str, Any]:
        of = await _company(platform, slug, market)
        page = await page_of_drivers(platform, of.id, mode, after, _MOST)
        rows = [
            {
                "driver": one.driver_id,
                "name": one.name,
                "in_hand": one.in_hand,
                "limit": one.limit,
                "currency": MARKETS[of.market].currency,
                "declared": one.declared,
                "handover": one.handover_id,
                "since": one.since,
            }
            for one in page.drivers
        ]
        return {"drivers": rows, "next": page.next}

    found = on_platform(work)
    columns = ("name", "in_hand", "limit", "currency", "declared", "since", "driver")
    heads = ("NAME", "IN HAND", "LIMIT", "", "DECLARED", "SINCE", "DRIVER")
    return _listed(found, "drivers", heads, columns, "No driver has cash", json=json)


def _companies(mode: Mode, after: str | None, *, json: bool) -> int:
    async def work(platform: Platform) -> dict[str, Any]:
        page = await page_of_companies(platform, mode, after, _MOST)
        rows = [
            {
                "company": one.company_id,
                "name": one.name,
                "drivers": one.drivers,
                "in_hand": one.in_hand,
                "currency": one.market and MARKETS[one.market].currency,
                "to_count": one.to_count,
            }
            for one in page.companies
        ]
        return {"companies": rows, "next": page.next}

    found = on_platform(work)
    columns = ("name", "drivers", "in_hand", "currency", "to_count", "company")
    heads = ("COMPANY", "DRIVERS", "IN HAND", "", "TO COUNT", "ID")
    return _listed(found, "companies", heads, columns, "No driver has cash", json=json)


@app.command
def handovers(
    *,
    company: _Slug,
    market: _Market = None,
    driver: Annotated[str | None, Parameter(name="--driver", help="Of this driver alone.")] = None,
    state: Annotated[HandoverState | None, Parameter(help="Those that came so far.")] = None,
    mode: ModeOption = Mode.SANDBOX,
    after: _After = None,
    json: AsJson = False,
) -> int:
    """List a company's handovers of cash, newest first."""
    of_driver = None if driver is None else identifier(driver, "a driver")

    async def work(platform: Platform) -> dict[str, Any]:
        of = await _company(platform, company, market)
        wanted = HandoverFilter(of.id, mode, of_driver, state)
        page = await page_of_handovers(platform, wanted, after, _MOST)
        rows = [{**_json(one.handover, of), "driver": one.driver} for one in page.handovers]
        return {"handovers": rows, "next": page.next}

    found = on_platform(work)
    columns = ("handover", "driver", "state", "declared", "counted", "difference", "declared_at")
    heads = ("HANDOVER", "DRIVER", "STATE", "DECLARED", "COUNTED", "DIFFERENCE", "DECLARED AT")
    return _listed(found, "handovers", heads, columns, "There is no handover", json=json)


@app.command
def declare(
    *,
    company: _Slug,
    market: _Market = None,
    driver: _Driver,
    amount: Annotated[int, Parameter(help="In whole units of the market's currency.")],
    json: AsJson = False,
) -> int:
    """Declare for a driver that cash is handed over. Somebody else has to count it."""
    id = identifier(driver, "a driver")
    return _done(
        company,
        market,
        lambda platform, of: declare_handover(platform, of.id, id, amount),
        json=json,
    )


@app.command
def count(
    handover: _Handover,
    *,
    company: _Slug,
    market: _Market = None,
    counted: Annotated[int, Parameter(help="What was counted, in whole units.")],
    reason: Annotated[str | None, Parameter(help="Why it is not what was declared.")] = None,
    json: AsJson = False,
) -> int:
    """Book a handover as you have counted it. Who declared or carried it cannot count it."""

    async def work(platform: Platform, of: Company) -> Handover:
        id = await _named(platform, of, handover)
        return await confirm_handover(platform, of.id, id, counted, reason)

    return _done(company, market, work, json=json)


@app.command
def withdraw(
    handover: _Handover, *, company: _Slug, market: _Market = None, json: AsJson = False
) -> int:
    """Withdraw a handover that nobody has counted: the driver has the cash still."""

    async def work(platform: Platform, of: Company) -> Handover:
        return await withdraw_handover(platform, of.id, await _named(platform, of, handover))

    return _done(company, market, work, json=json)


@app.command
def reverse(
    handover: _Handover,
    *,
    company: _Slug,
    market: _Market = None,
    reason: _Reason,
    json: AsJson = False,
) -> int:
    """Take back a handover that was counted wrongly: the driver has the cash again.

    The opposite lines are booked; not where the company has settled that cash already.
    """

    async def work(platform: Platform, of: Company) -> Handover:
        id = await _named(platform, of, handover)
        return await reverse_handover(platform, of.id, id, reason)

    return _done(company, market, work, json=json)


@app.command(name="reverse-collection")
def reverse_collection_(delivery: str, *, reason: _Reason, json: AsJson = False) -> int:
    """Take back that a driver has collected a delivery's cash: it was paid otherwise, or not.

    Parameters
    ----------
    delivery
        The delivery's id.
    """
    id = identifier(delivery, "a delivery")

    async def work(platform: Platform) -> None:
        found = await find_anywhere(platform, id)
        await reverse_collection(platform, found.scope, found.id, reason)

    on_platform(work)
    if json:
        say_json({"delivery": id, "reversed": True})
    else:
        say(f"The cash of {id} was not collected: the driver does not have it, nor owe it")
    return OK


@app.command(name="statement")
def statement_(
    *,
    company: _Slug,
    market: _Market = None,
    driver: _Driver,
    from_: Annotated[str, Parameter(name="--from", help="The beginning: a time or a date, UTC.")],
    to: Annotated[str | None, Parameter(help="The end, which is not part of it; now.")] = None,
    csv: Annotated[bool, Parameter(name="--csv", negative="", help="Print CSV.")] = False,
    json: AsJson = False,
) -> int:
    """Show a driver's book over a period: what was collected, handed over, and left in hand."""
    if csv and json:
        raise misused("a statement is printed as --csv or as --json")
    begin, end = moment(from_), datetime.now(UTC) if to is None else moment(to)
    if begin > end:
        raise misused("--from is after --to")
    id = identifier(driver, "a driver")

    async def work(platform: Platform) -> None:
        of = await _company(platform, company, market)
        found = await driver_statement(platform, of.id, id, begin, end)
        if csv:
            async for line in driver_csv(found):
                write(line)
        elif json:
            rows = [driver_entry_json(one, found.closing) async for one in found.entries()]
            say_json(
                {
                    "driver": found.driver.name,
                    "currency": MARKETS[of.market].currency,
                    "from": begin,
                    "to": end,
                    "opening": found.opening,
                    "entries": rows,
                    "closing": found.closing,
                }
            )
        else:
            await _show(found, MARKETS[of.market].currency)

    on_platform(work)
    return OK


async def _show(found: DriverStatement, currency: str) -> None:
    say(f"{found.driver.name}, {currency}, from {time_text(found.begin)}")
    say(f"{'In hand at the beginning':60}{found.opening:>14,}")
    async for entry in found.entries():
        shown = driver_entry_json(entry, found.closing)
        name = shown["reference"] or shown["delivery_id"]
        what = f"{time_text(entry.booked_at)}  {name:15}  {shown['entry']:20}"
        say(f"{what:46}{entry.amount:>14,}{found.closing:>14,}")
    say(f"{f'In hand at the end, {time_text(found.end)}':60}{found.closing:>14,}")


_Work = Callable[[Platform, Company], Awaitable[Handover]]


def _done(slug: str, market: str | None, act: _Work, *, json: bool) -> int:
    """Does something with a handover of a company, and prints what became of it."""

    async def work(platform: Platform) -> dict[str, Any]:
        of = await _company(platform, slug, market)
        return _json(await act(platform, of), of)

    done = on_platform(work)
    if json:
        say_json(done)
        return OK
    shown = ("handover", "state", "declared", "counted", "difference", "reason", "reversal")
    fields({name: done[name] for name in shown})
    return OK


def _json(of: Handover, company: Company) -> dict[str, Any]:
    return {
        "handover": of.name,
        "id": of.id,
        "driver_id": of.driver_id,
        "state": of.state.value,
        "declared": of.declared,
        "declared_at": of.declared_at,
        "counted": of.counted,
        "difference": of.difference,
        "currency": MARKETS[company.market].currency,
        "reason": of.reason,
        "reversal": of.reversal,
    }


def _listed(
    found: dict[str, Any],
    name: str,
    heads: tuple[str, ...],
    columns: tuple[str, ...],
    empty: str,
    *,
    json: bool,
) -> int:
    if json:
        say_json(found)
        return OK
    table(heads, [[row[column] for column in columns] for row in found[name]], empty)
    if found["next"]:
        say(f"There are more: --after {found['next']}")
    return OK


async def _company(platform: Platform, slug: str, market: str | None) -> Company:
    """Returns the company that was meant. Raises CommandError."""
    code = None if market is None else market.upper()
    named = [one for one in await list_companies(platform, code) if one.slug == slug]
    if len(named) != 1:
        known = "several companies are" if named else "no company is"
        raise misused(f"{known} called {slug}: `estafette couriers list` shows them; --market CODE")
    return named[0]


async def _named(platform: Platform, of: Company, text: str) -> UUID:
    """Returns the id of the handover that was meant. Raises HandoverNotFound, CommandError."""
    prefix, _, digits = text.strip().upper().partition("-")
    if prefix == "H" and digits.isascii() and digits.isdecimal() and len(digits) < 10:
        return (await named_handover(platform, of.id, int(digits))).id
    return (await find_handover(platform, of.id, identifier(text, "a handover"))).id
