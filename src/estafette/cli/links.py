"""`estafette couriers connect` and `disconnect`: companies that have a platform of their own."""

import json as json_text
import sys
from pathlib import Path
from typing import Annotated, Any, cast

from cyclopts import Parameter

from estafette.cli.output import OK, CommandError, fields, misused, say, say_json
from estafette.cli.private import no_option
from estafette.cli.session import beside, on_platform, run, settings
from estafette.cli.words import AsJson
from estafette.core.accounts.account import MARKETS, Mode
from estafette.core.couriers.company import Company
from estafette.terminal import plain
from estafette.usecases.accounts.administration import find_account
from estafette.usecases.couriers.companies import find_company
from estafette.usecases.couriers.links import Link
from estafette.usecases.couriers.links import connect as save_link
from estafette.usecases.couriers.links import disconnect as remove_link
from estafette.usecases.platform import Platform

_Market = Annotated[str, Parameter(name="--market", help=f"One of {', '.join(MARKETS)}.")]
_Account = Annotated[
    str | None, Parameter(name="--account", help="Of a company that serves this account alone.")
]
_Secrets = Annotated[
    str,
    Parameter(
        name="--secrets",
        allow_leading_hyphen=True,
        validator=no_option,
        help="A file, - is stdin: lines live_key=…, live_webhook_secret=…, sandbox_key=…,"
        " sandbox_webhook_secret=…, or a JSON object of these.",
    ),
]
_NAMES = tuple(f"{mode}_{kind}" for mode in Mode for kind in ("key", "webhook_secret"))


async def _company(platform: Platform, slug: str, market: str, account: str | None) -> Company:
    owner = None if account is None else (await find_account(platform, account)).id
    return await find_company(platform, market.upper(), slug, owner)


def connect(
    slug: str,
    *,
    market: _Market,
    url: Annotated[str, Parameter(help="Where the platform is; its /v1 is under it.")],
    secrets: _Secrets,
    account: _Account = None,
    json: AsJson = False,
) -> int:
    """Reach a company with the connector `remote` at its own platform, which speaks Entrega.

    Keys and secrets are read from a file or stdin, so that no list of processes shows them, and
    kept encrypted. They replace any that were known.

    Parameters
    ----------
    slug
        The company's.
    """
    from estafette.couriers.entrega import webhook_url
    from estafette.couriers.platforms import AddressRefusedError, check_address

    known = _read(secrets)
    found = beside(settings())
    try:
        check_address(url, found.webhook_allowed_networks)
    except AddressRefusedError as error:
        raise misused(f"{url}: {error}") from None

    async def work(platform: Platform) -> tuple[Company, Link, dict[Mode, str | None]]:
        company = await _company(platform, slug, market, account)
        link = Link(company.id, url, _of_kind(known, "key"), _of_kind(known, "webhook_secret"))
        link = await save_link(platform, company, link)
        return company, link, await _problems(company, link)

    company, link, problems = run(found, work)
    facts = _connected(company, link, problems, webhook_url(found.public_url, company.id))
    if json:
        say_json(facts)
    else:
        _print_connected(facts)
    return OK


def _connected(
    company: Company, link: Link, problems: dict[Mode, str | None], webhook_url: str
) -> dict[str, Any]:
    """Returns what is printed of a new connection; `problems` are those of each mode's key."""
    return {
        "courier": company.slug,
        "url": link.base_url,
        "webhook_url": webhook_url,
        "modes": [
            {
                "mode": mode,
                "answers": problems[mode] is None,
                "problem": problems[mode],
                "webhooks": mode in link.webhook_secrets,
            }
            for mode in link.keys
        ],
    }


async def _problems(company: Company, link: Link) -> dict[Mode, str | None]:
    """Asks the platform with each mode's key; returns what is wrong, None where it answers."""
    from estafette.core.couriers.company import CourierFailed
    from estafette.couriers.entrega import EntregaClient
    from estafette.couriers.platforms import Access

    client, problems = EntregaClient(), dict[Mode, str | None]()
    try:
        for mode, key in link.keys.items():
            try:
                await client.greet(Access(company.id, company.slug, link.base_url, key))
                problems[mode] = None
            except CourierFailed as error:
                problems[mode] = str(error) or type(error).__name__
    finally:
        await client.close()
    return problems


def _print_connected(facts: dict[str, Any]) -> None:
    shown: dict[str, object] = {"courier": facts["courier"], "platform": facts["url"]}
    for each in facts["modes"]:
        answer = "answers" if each["answers"] else f"does not answer: {each['problem']}"
        shown[each["mode"]] = answer
    fields(shown)
    say()
    say("Let the platform send its webhooks for this key to")
    say(f"  {plain(facts['webhook_url'])}")
    if silent := [each["mode"] for each in facts["modes"] if not each["webhooks"]]:
        say(
            f"and connect again with its webhook secret ({', '.join(silent)}: none is known);"
            " until then the platform is asked every now and then"
        )


def disconnect(
    slug: str, *, market: _Market, account: _Account = None, json: AsJson = False
) -> int:
    """Forget how a company's platform is reached: it is neither asked nor followed any more.

    Parameters
    ----------
    slug
        The company's.
    """

    async def work(platform: Platform) -> bool:
        return await remove_link(platform, await _company(platform, slug, market, account))

    was_connected = on_platform(work)
    if json:
        say_json({"courier": slug, "was_connected": was_connected})
    elif was_connected:
        say(f"{slug} is not connected any more; what was placed there is not followed")
    else:
        say(f"{slug} was not connected")
    return OK


def _of_kind(known: dict[str, str], kind: str) -> dict[Mode, str]:
    return {mode: known[name] for mode in Mode if (name := f"{mode}_{kind}") in known}


def _read(file: str) -> dict[str, str]:
    """The keys and secrets in a file, by their names. Raises CommandError."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read: {error}", code="file", exit_code=2) from error
    found = _object(text) if text.lstrip().startswith("{") else _lines(text)
    for name, value in found.items():
        if name not in _NAMES:
            raise misused(f"{file}: there is no {name!r}; there are {', '.join(_NAMES)}")
        if not isinstance(value, str) or not value:
            raise misused(f"{file}: {name} has no value")
    return cast("dict[str, str]", found)


def _object(text: str) -> dict[str, Any]:
    try:
        return json_text.loads(text)
    except ValueError:
        raise misused("the secrets begin with { and are no JSON object") from None


def _lines(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, separator, value = line.partition("=")
        if not separator:
            raise misused(f"line {number} of the secrets is not NAME=VALUE")
        found[name.strip().lower()] = value.strip().strip("\"'")
    return found
