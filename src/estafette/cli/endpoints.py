"""`estafette webhooks` on endpoints: where they are, how they are signed, what they are sent."""

import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Annotated, TypeVar

from cyclopts import Parameter

from estafette.cli.endpoint_text import endpoint_json, say_endpoint, say_settings
from estafette.cli.output import OK, misused, note, say, say_json, styled, time_text
from estafette.cli.private import must_be_stdin, read_private
from estafette.cli.reach import why_not_reached
from estafette.cli.session import beside, on_platform, settings
from estafette.cli.words import AccountName, AsJson, ModeOption, duration
from estafette.core.accounts.account import Account, Mode, Scope
from estafette.core.deliveries.dialect import event_types
from estafette.usecases.accounts.administration import (
    DEFAULT_ENDPOINT,
    account_of,
    find_account,
)
from estafette.usecases.platform import Platform
from estafette.usecases.webhooks import endpoints
from estafette.usecases.webhooks.endpoints import EndpointSettings
from estafette.usecases.webhooks.options import (
    AS_THE_DIALECT_SAYS,
    Format,
    HeaderRefusedError,
    choose,
    remove_header,
    set_header,
)
from estafette.usecases.webhooks.remove import remove_endpoint
from estafette.webhooks.guard import UrlRefusedError, check_url

T = TypeVar("T")

Name = Annotated[str, Parameter(name="--name", help="The endpoint's name.")]


def in_scope(account: str, mode: Mode, work: Callable[[Platform, Scope], Awaitable[T]]) -> T:
    """Does the work for an account in a mode."""
    return of_account(account, mode, work)[1]


def of_account(
    account: str, mode: Mode, work: Callable[[Platform, Scope], Awaitable[T]]
) -> tuple[Account, T]:
    """The account, and what came of the work for it."""

    async def found(platform: Platform) -> tuple[Account, T]:
        owner = await find_account(platform, account)
        return owner, await work(platform, Scope(owner.id, mode))

    return on_platform(found)


def checked_url(url: str) -> str:
    """The URL, if webhooks may be sent to one that is written so. Raises CommandError."""
    try:
        check_url(url)
    except UrlRefusedError as error:
        raise misused(f"{url}: {error}") from None
    return url


def set_(
    *,
    account: AccountName,
    url: Annotated[str | None, Parameter(help="Where to; an empty one sends no more.")] = None,
    mode: ModeOption = Mode.SANDBOX,
    name: Name = DEFAULT_ENDPOINT,
    format: Annotated[
        Format | None, Parameter(help="How it is signed: dialect, or standard (webhooks).")
    ] = None,
    order: Annotated[
        str | None,
        Parameter(
            help="How long a webhook waits for an earlier one of its delivery: 10m, 0s, dialect."
        ),
    ] = None,
    events: Annotated[
        str | None, Parameter(help="The events that it is told of, with commas between; all.")
    ] = None,
    json: AsJson = False,
) -> int:
    """Set the URL of an endpoint and how it is sent to, from the next attempt on.

    A new name makes a new endpoint.
    """
    if url is None and format is None and order is None and events is None:
        raise misused("give at least one of --url, --format, --order, --events")
    target = checked_url(url) if url else None
    wait = _order_seconds(order)

    async def work(platform: Platform, scope: Scope) -> tuple[bool, EndpointSettings]:
        known = await endpoints.list_endpoints(platform, scope.account_id)
        is_new = all((scope, name) != (endpoint.scope, endpoint.name) for endpoint in known)
        if url is not None:
            await endpoints.set_endpoint(platform, scope, target, name)
        types = None if events is None else await _types(platform, scope, events)
        changed = await choose(
            platform, scope, name, format=format, order_seconds=wait, types=types
        )
        return is_new, changed

    is_new, endpoint = in_scope(account, mode, work)
    if target is not None:
        warn_of_url(target)
    say_settings(endpoint, account, json=json, reveal=is_new)
    if not json:
        say()
        say(f"Try it: estafette webhooks test --account {account} --mode {mode.value}")
    return OK


async def _types(platform: Platform, scope: Scope, text: str) -> list[str]:
    """The types of events that a text names; `all` names every one."""
    if text != "all":
        return [each.strip() for each in text.split(",") if each.strip()]
    account = await account_of(platform, scope.account_id)
    return list(event_types(platform.dialects[account.dialect]))


def _order_seconds(text: str | None) -> int | None:
    if text is None:
        return None
    return AS_THE_DIALECT_SAYS if text == "dialect" else int(duration(text).total_seconds())


def warn_of_url(url: str) -> None:
    """Says so where the worker would not send to a URL, or cannot at this moment."""
    reason = why_not_reached(url, beside(settings()).webhook_allowed_networks)
    if reason is not None:
        note(f"{styled('warning:', 'yellow', sys.stderr)} {reason}")


def show(
    *,
    account: AccountName,
    reveal: Annotated[bool, Parameter(negative="", help="Show the secrets.")] = False,
    json: AsJson = False,
) -> int:
    """Show an account's endpoints; the default ones are there from the start."""

    async def work(platform: Platform, scope: Scope) -> list[tuple[EndpointSettings, int]]:
        look = endpoints.reveal_endpoints if reveal else endpoints.list_endpoints
        found = await look(platform, scope.account_id)
        waiting = await endpoints.waiting(platform, scope.account_id)
        return [(each, waiting.get((each.scope, each.name), 0)) for each in found]

    found = in_scope(account, Mode.SANDBOX, work)
    if json:
        shown = [endpoint_json(each, reveal=reveal, waiting=waiting) for each, waiting in found]
        say_json({"endpoints": shown})
        return OK
    for number, (endpoint, waiting) in enumerate(found):
        if number:
            say()
        say_endpoint(endpoint, account, reveal=reveal, waiting=waiting)
    return OK


def headers(
    *,
    account: AccountName,
    mode: ModeOption = Mode.SANDBOX,
    name: Name = DEFAULT_ENDPOINT,
    set: Annotated[
        str | None, Parameter(help="A header to send besides, by its name; see --value.")
    ] = None,
    value: Annotated[
        str | None,
        Parameter(allow_leading_hyphen=True, help="-: its value is read from stdin."),
    ] = None,
    remove: Annotated[
        Sequence[str], Parameter(help="A header to send no more; may be repeated.")
    ] = (),
    json: AsJson = False,
) -> int:
    """List an endpoint's own headers, for a gateway before its receiver; set or remove some.

    Values are stored encrypted, and shown nowhere.
    """
    if (set is None) != (value is None):
        raise misused("--set NAME and --value - go together")
    secret = ""
    if value is not None:
        must_be_stdin(value, "The value of a header")
        secret = read_private("Value of the header")

    async def work(platform: Platform, scope: Scope) -> EndpointSettings:
        endpoint = await choose(platform, scope, name)
        for each in remove:
            endpoint = await remove_header(platform, scope, name, each)
        if set is not None:
            endpoint = await set_header(platform, scope, name, set, secret)
        return endpoint

    try:
        endpoint = in_scope(account, mode, work)
    except HeaderRefusedError as error:
        raise misused(str(error)) from None
    if json:
        say_json(endpoint_json(endpoint))
    else:
        say("\n".join(f"{each}: …" for each in endpoint.headers) or "No headers of its own")
    return OK


def enable(
    *,
    account: AccountName,
    mode: ModeOption = Mode.SANDBOX,
    name: Name = DEFAULT_ENDPOINT,
    json: AsJson = False,
) -> int:
    """Send webhooks to an endpoint again, one that was disabled as gone (410) for instance.

    What waits for it is sent at once, with a fresh round of attempts.
    """

    async def work(
        platform: Platform, scope: Scope
    ) -> tuple[datetime | None, int, EndpointSettings]:
        since = (await choose(platform, scope, name)).disabled_at
        waiting = (await endpoints.waiting(platform, scope.account_id)).get((scope, name), 0)
        return since, waiting, await endpoints.set_enabled(platform, scope, name, enabled=True)

    since, waiting, endpoint = in_scope(account, mode, work)
    say_settings(endpoint, account, json=json, waiting=waiting)
    if since is not None and not json:
        which = f"--account {account} --mode {mode.value} --name {name}"
        say()
        say("What happened meanwhile, of which it was never told:")
        say(f"  estafette webhooks resend {which} --since {time_text(since)}")
    return OK


def disable(
    *,
    account: AccountName,
    mode: ModeOption = Mode.SANDBOX,
    name: Name = DEFAULT_ENDPOINT,
    json: AsJson = False,
) -> int:
    """Send nothing to an endpoint until it is enabled; what waits for it waits until then."""

    async def work(platform: Platform, scope: Scope) -> tuple[EndpointSettings, int]:
        endpoint = await endpoints.set_enabled(platform, scope, name, enabled=False)
        waiting = await endpoints.waiting(platform, scope.account_id)
        return endpoint, waiting.get((scope, name), 0)

    endpoint, waiting = in_scope(account, mode, work)
    return say_settings(endpoint, account, json=json, waiting=waiting)


def remove(
    *,
    account: AccountName,
    mode: ModeOption = Mode.SANDBOX,
    name: Name = DEFAULT_ENDPOINT,
    json: AsJson = False,
) -> int:
    """Remove an endpoint with its secrets and headers; what waits for it is given up."""
    ended = in_scope(account, mode, lambda platform, scope: remove_endpoint(platform, scope, name))
    if json:
        say_json({"removed": name, "mode": mode, "given_up": ended})
    else:
        waited = f"{ended} webhook{'' if ended == 1 else 's'}"
        say(f"{name} ({mode.value}) is removed; {waited} that waited for it will not be sent")
    return OK


def rotate(
    *,
    account: AccountName,
    mode: ModeOption = Mode.SANDBOX,
    name: Name = DEFAULT_ENDPOINT,
    overlap: Annotated[str, Parameter(help="When the new secret begins to sign: 0s, 24h.")] = "24h",
    json: AsJson = False,
) -> int:
    """Make a new secret. The old one signs until the overlap ends, or finish-rotation is called.

    In the format of Standard Webhooks, both sign meanwhile.
    """
    length: timedelta = duration(overlap)

    def work(platform: Platform, scope: Scope) -> Awaitable[EndpointSettings]:
        return endpoints.rotate(platform, scope, length, name)

    endpoint = in_scope(account, mode, work)
    new = endpoint.next_secret or endpoint.secret
    if json:
        say_json({**endpoint_json(endpoint), "new_secret": new})
        return OK
    say(f"New secret: {styled(new, 'bold')}")
    if endpoint.next_secret_from:
        say(
            f"It signs from {time_text(endpoint.next_secret_from)} on."
            " Let the receiver accept both, then:"
        )
        say(f"  estafette webhooks finish-rotation --account {account} --mode {mode.value}")
    return OK


def finish_rotation(
    *,
    account: AccountName,
    mode: ModeOption = Mode.SANDBOX,
    name: Name = DEFAULT_ENDPOINT,
    json: AsJson = False,
) -> int:
    """Let the new secret sign from now on, and forget the old one."""
    endpoint = in_scope(
        account, mode, lambda platform, scope: endpoints.finish_rotation(platform, scope, name)
    )
    if json:
        say_json(endpoint_json(endpoint))
    else:
        say(f"{endpoint.name} ({endpoint.scope.mode}): the newest secret signs, no other waits")
    return OK
