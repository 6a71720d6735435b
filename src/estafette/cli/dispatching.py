"""`estafette couriers dispatching`: how a company dispatches by itself, and what it has learned."""

from dataclasses import asdict, replace
from typing import Annotated

from cyclopts import Parameter

from estafette.cli.output import OK, CommandError, fields, misused, say, say_json, table
from estafette.cli.session import on_platform
from estafette.cli.words import AsJson, known_market
from estafette.core.accounts.account import MARKETS
from estafette.core.fleet.dispatching import BOUNDS, DispatchingRules
from estafette.core.fleet.refusals import NoDriversHere
from estafette.usecases.accounts.administration import find_account
from estafette.usecases.couriers.companies import find_company
from estafette.usecases.fleet.dispatching_rules import dispatching_rules, set_dispatching_rules
from estafette.usecases.fleet.speeds import KnownSpeed, known_speeds
from estafette.usecases.platform import Platform


def _bounds(name: str) -> str:
    least, most = BOUNDS[name]
    return f"{least} to {most}"


def dispatching(
    slug: str,
    *,
    market: Annotated[str, Parameter(help=f"One of {', '.join(MARKETS)}.")],
    account: Annotated[
        str | None, Parameter(help="Of a company that serves this account alone.")
    ] = None,
    automatic: Annotated[
        bool | None,
        Parameter(negative="--by-hand", help="Offer deliveries without a dispatcher."),
    ] = None,
    offer_seconds: Annotated[
        int | None,
        Parameter(help=f"How long a driver may accept an offer, {_bounds('offer_seconds')}."),
    ] = None,
    rounds: Annotated[
        int | None,
        Parameter(help=f"How many are asked until a delivery stalls, {_bounds('rounds')}."),
    ] = None,
    most_each: Annotated[
        int | None,
        Parameter(help=f"The most that one driver has for that, {_bounds('most_each')}."),
    ] = None,
    vanish_minutes: Annotated[
        int | None,
        Parameter(help=f"The silence after which one has vanished, {_bounds('vanish_minutes')}."),
    ] = None,
    json: AsJson = False,
) -> int:
    """Show, or change, how an in-house company gives deliveries to its drivers.

    Parameters
    ----------
    slug
        The company's.
    """
    named = {
        "automatic": automatic,
        "offer_seconds": offer_seconds,
        "rounds": rounds,
        "most_each": most_each,
        "vanish_minutes": vanish_minutes,
    }
    wanted = {name: value for name, value in named.items() if value is not None}

    async def work(platform: Platform) -> tuple[DispatchingRules, list[KnownSpeed]]:
        owner = None if account is None else (await find_account(platform, account)).id
        company = await find_company(platform, known_market(market), slug, owner)
        rules = await dispatching_rules(platform, company.id)
        try:
            rules = replace(rules, **wanted)  # pyright: ignore[reportArgumentType] - by its names
        except ValueError as error:
            raise misused(str(error)) from None
        try:
            changed = await set_dispatching_rules(platform, company.id, rules)
        except NoDriversHere as refusal:
            raise CommandError(str(refusal), code=refusal.code) from None
        return changed, await known_speeds(platform, company)

    rules, speeds = on_platform(work)
    shown = asdict(rules)
    if json:
        say_json({**shown, "speeds": [_rounded(one)._asdict() for one in speeds]})
        return OK
    facts = {name.replace("_", " "): value for name, value in shown.items()}
    fields({**facts, "automatic": "yes" if shown["automatic"] else "no, by hand"})
    if speeds:
        say()
        header = ("CITY", "VEHICLE", "HOURS", "KM/H", "USUALLY", "LEGS")
        table(header, [tuple(_rounded(one)) for one in speeds], empty="")
    return OK


def _rounded(one: KnownSpeed) -> KnownSpeed:
    return one._replace(kmh=round(one.kmh, 1), usual_kmh=round(one.usual_kmh, 1))
