"""`estafette accounts`: open accounts, list them, bound what they may ask."""

from typing import Annotated, Any

from cyclopts import App, Parameter

from estafette.cli.keys import issued_json, say_issued
from estafette.cli.output import OK, fields, misused, say, say_json, table
from estafette.cli.session import on_platform
from estafette.cli.words import AccountName, AsJson
from estafette.core.accounts.account import MARKETS, Account
from estafette.core.couriers.carriers import CarrierChoice, CarrierPolicy
from estafette.core.deliveries.failing import (
    MOST_ATTEMPTS,
    AfterAttempts,
    FailurePolicy,
    as_words,
    fault_of,
    from_words,
)
from estafette.usecases.accounts.administration import (
    RATE_PER_SECOND,
    create_account,
    disable_account,
    find_account,
    keep_personal_data,
    list_accounts,
    remove_account,
    set_origins,
    set_rate,
)
from estafette.usecases.accounts.settings import account_with_settings, say_failing
from estafette.usecases.couriers.carriers import carriers_of, drop_carriers, set_carriers
from estafette.usecases.couriers.companies import CompanyNotFoundError, list_companies
from estafette.usecases.platform import Platform

app = App(name="accounts", help="Open accounts, list them, bound what they may ask.")

_Burst = Annotated[int | None, Parameter(help="Requests at once; twice the rate unless given.")]


def _json(account: Account) -> dict[str, Any]:
    return {
        "name": account.name,
        "id": account.id,
        "market": account.market.code,
        "dialect": account.dialect,
        "rate_per_second": account.rate_per_second,
        "burst": account.burst,
        "origins": account.origins,
        "state": _state(account),
    }


def _state(account: Account) -> str:
    return "disabled" if account.is_disabled else "active"


@app.command
def create(
    name: str,
    *,
    market: Annotated[str, Parameter(help=f"One of {', '.join(MARKETS)}.")],
    rate: Annotated[int, Parameter(help="Requests a second for each key.")] = RATE_PER_SECOND,
    burst: _Burst = None,
    json: AsJson = False,
) -> int:
    """Open an account with API keys and webhook endpoints for live and sandbox mode.

    The keys are shown this once: only their hashes are stored.

    Parameters
    ----------
    name
        Lower-case letters, digits, - and _.
    """
    account, issued = on_platform(
        lambda platform: create_account(
            platform, name, market.upper(), rate_per_second=rate, burst=burst
        )
    )
    if json:
        say_json({**_json(account), "keys": [issued_json(key) for key in issued]})
        return OK
    fields({"account": account.name, "market": account.market.code, "dialect": account.dialect})
    say()
    say_issued(issued, account.name)
    say()
    say(f"Webhooks: estafette webhooks set --account {account.name} --mode MODE --url URL")
    say(f"  their secrets: estafette webhooks show --account {account.name} --reveal")
    return OK


@app.command(name="list")
def list_(*, json: AsJson = False) -> int:
    """List all accounts."""
    found = on_platform(list_accounts)
    if json:
        say_json({"accounts": [_json(account) for account in found]})
        return OK
    table(
        ("NAME", "MARKET", "DIALECT", "RATE/S", "BURST", "STATE"),
        [(a.name, a.market.code, a.dialect, a.rate_per_second, a.burst, _state(a)) for a in found],
        "No accounts; `estafette accounts create NAME --market KZ` opens one",
    )
    return OK


@app.command(name="set-rate")
def set_rate_(name: str, rate: int, *, burst: _Burst = None, json: AsJson = False) -> int:
    """Bound the requests of each key of an account; every server learns of it at once.

    Parameters
    ----------
    name
        The account's name.
    rate
        Requests a second.
    """
    account = on_platform(lambda platform: set_rate(platform, name, rate, burst))
    if json:
        say_json(_json(account))
    else:
        say(f"{account.name}: {account.rate_per_second} requests/s, burst {account.burst}")
    return OK


def _switch(name: str, *, disabled: bool, json: bool) -> int:
    account = on_platform(lambda platform: disable_account(platform, name, disabled=disabled))
    if json:
        say_json(_json(account))
    elif disabled:
        say(f"{name}: its keys open nothing now; deliveries under way go on, and webhooks of them")
    else:
        say(f"{name}: its keys open again what they did")
    return OK


@app.command
def disable(name: str, *, json: AsJson = False) -> int:
    """Have every key of an account answered as a disabled one; every server learns of it at once.

    Its deliveries under way go on to their end, and its webhooks tell of them.

    Parameters
    ----------
    name
        The account's name.
    """
    return _switch(name, disabled=True, json=json)


@app.command
def enable(name: str, *, json: AsJson = False) -> int:
    """Let the keys of a disabled account open again what they did.

    Parameters
    ----------
    name
        The account's name.
    """
    return _switch(name, disabled=False, json=json)


@app.command
def remove(
    name: str,
    *,
    yes: Annotated[bool, Parameter(negative="", help="Remove it, for good.")] = False,
    json: AsJson = False,
) -> int:
    """Remove an account that has had no live delivery, such as a demo's, with all that it has.

    Its sandbox deliveries, keys, endpoints and own courier companies go. What the books and the
    audit say of it stays. Under `up`, `--no-demo` keeps demo accounts from coming back.

    Parameters
    ----------
    name
        The account's name.
    """
    if not yes:
        raise misused(f"{name} and all that it has would be removed for good: --yes does so")
    deliveries = on_platform(lambda platform: remove_account(platform, name))
    if json:
        say_json({"name": name, "removed_deliveries": deliveries})
    else:
        say(f"Removed {name} with {deliveries} sandbox deliveries")
    return OK


@app.command
def keep(
    name: str,
    *,
    days: Annotated[
        int | None, Parameter(help="After a delivery's end; as the setting says unless given.")
    ] = None,
    json: AsJson = False,
) -> int:
    """Set how long an account's personal data is kept: names, phones, addresses, notes.

    Parameters
    ----------
    name
        The account's name.
    """
    account = on_platform(lambda platform: keep_personal_data(platform, name, days))
    if json:
        say_json({"name": account.name, "personal_data_days": days})
    else:
        kept = "as long as ESTAFETTE_PERSONAL_DATA_DAYS says" if days is None else f"{days} days"
        say(f"{account.name}: personal data is kept {kept}, from a delivery's end")
    return OK


@app.command
def failing(
    *,
    account: AccountName,
    attempts: Annotated[
        int | None, Parameter(help=f"How often it is tried, 1 to {MOST_ATTEMPTS}.")
    ] = None,
    then: Annotated[
        str | None, Parameter(help=f"After the last one: {', '.join(AfterAttempts)}.")
    ] = None,
    none: Annotated[
        bool, Parameter(negative="", help="Each courier company's word holds.")
    ] = False,
    json: AsJson = False,
) -> int:
    """Show what becomes of an account's deliveries that cannot be handed over, or set it.

    A courier company may make fewer attempts; a delivery may be ordered with words of its own.
    """
    if (none and (attempts or then)) or (attempts is None) != (then is None):
        raise misused("give --attempts and --then, or --none, or nothing")
    wanted = None
    if attempts is not None:
        said = {"attempts": attempts, "then": then}
        if fault := fault_of(said):
            raise misused(f"--{' '.join(fault)}")
        wanted = from_words(said)

    async def work(platform: Platform) -> FailurePolicy | None:
        of = await find_account(platform, account)
        if wanted is None and not none:
            return (await account_with_settings(platform, of.id)).failing
        return (await say_failing(platform, of.id, wanted, edition=None)).failing

    policy = on_platform(work)
    if json:
        say_json({"account": account, "failing": policy and as_words(policy)})
    elif policy is None:
        say(f"{account}: nothing is said, each courier company's word holds")
    else:
        times = "1 attempt" if policy.attempts == 1 else f"{policy.attempts} attempts"
        say(f"{account}: {times}, then {policy.then}")
    return OK


@app.command
def origins(
    *,
    account: AccountName,
    trusted: Annotated[
        str | None, Parameter(name="--set", help="With commas between; an empty text trusts none.")
    ] = None,
    json: AsJson = False,
) -> int:
    """Show the origins of web pages that may use the publishable keys, or set them.

    https://*.loja.ao stands for every name before loja.ao, not for loja.ao itself.
    """

    async def work(platform: Platform) -> Account:
        if trusted is None:
            return await find_account(platform, account)
        patterns = [part for part in trusted.split(",") if part.strip()]
        return await set_origins(platform, account, patterns)

    found = on_platform(work)
    if json:
        say_json(_json(found))
    else:
        say("\n".join(found.origins) or "No origins: publishable keys open nothing")
    return OK


@app.command
def carriers(
    *,
    account: AccountName,
    cheapest: Annotated[
        str | None, Parameter(help="Slugs with commas between: the cheapest that fits carries.")
    ] = None,
    in_order: Annotated[
        str | None, Parameter(help="The same: the first that fits carries.")
    ] = None,
    none: Annotated[bool, Parameter(negative="", help="Nobody carries by itself.")] = False,
    json: AsJson = False,
) -> int:
    """Show which in-house companies carry an account's live deliveries, or set them.

    For accounts whose API names no company, such as Kaspi's; for others it is refused. Where none
    fits, a delivery is created all the same, and is stalled with the reason.
    """
    given = [each for each in (cheapest, in_order) if each is not None]
    if len(given) + none > 1:
        raise misused("give one of --cheapest, --in-order and --none")

    async def work(platform: Platform) -> tuple[CarrierPolicy | None, list[str]]:
        of = await find_account(platform, account)
        if none:
            await drop_carriers(platform, of)
            return None, []
        every = [
            one
            for one in await list_companies(platform, of.market.code)
            if one.account_id in (None, of.id)
        ]
        if given:
            own_last = sorted(every, key=lambda one: one.account_id is not None)
            known = {one.slug: one.id for one in own_last}
            slugs = [slug.strip() for slug in given[0].split(",") if slug.strip()]
            for slug in slugs:
                if slug not in known:
                    raise CompanyNotFoundError(slug)
            choice = CarrierChoice.IN_ORDER if cheapest is None else CarrierChoice.CHEAPEST
            policy = await set_carriers(platform, of, choice, [known[slug] for slug in slugs])
        else:
            policy = await carriers_of(platform, of)
        named = {one.id: one.slug for one in every}
        return policy, [named.get(id, str(id)) for id in policy.companies] if policy else []

    policy, slugs = on_platform(work)
    if json:
        say_json({"account": account, "choice": policy and policy.choice, "companies": slugs})
    elif policy is None:
        say("No carriers: live deliveries whose API names no company have none")
    else:
        how = "the cheapest" if policy.choice is CarrierChoice.CHEAPEST else "the first"
        say(f"{account}: {how} that fits of {', '.join(slugs)} carries its live deliveries")
    return OK
