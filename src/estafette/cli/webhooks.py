"""`estafette webhooks`: where an account receives them, what was tried, sending again."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, Any, TypeVar
from uuid import UUID

from cyclopts import App, Parameter

from estafette.cli.output import (
    OK,
    CommandError,
    fields,
    misused,
    say,
    say_json,
    styled,
    table,
    time_text,
)
from estafette.cli.session import on_platform
from estafette.cli.words import AccountName, AsJson, ModeOption, duration, identifier, moment
from estafette.core.account import Account, Mode, Scope
from estafette.core.dialect import event_types
from estafette.usecases import webhooks
from estafette.usecases.accounts import DEFAULT_ENDPOINT, find_account
from estafette.usecases.platform import Platform
from estafette.usecases.webhooks import Attempt, EndpointSettings
from estafette.webhooks.guard import UrlRefusedError, check_url

app = App(name="webhooks", help="Set endpoints and their secrets, list attempts, send again.")
T = TypeVar("T")

_MOST_ATTEMPTS = 10_000
_ATTEMPT = {
    "STARTED": "started_at",
    "TYPE": "type",
    "N": "attempt",
    "STATUS": "http_status",
    "MS": "duration_ms",
    "MESSAGE IS": "state",
    "AGAIN AT": "due_at",
    "EVENT": "event",
    "DELIVERY": "delivery",
}

_Name = Annotated[str, Parameter(name="--name", help="The endpoint's name.")]
_Limit = Annotated[int, Parameter(name="--limit", help="At most that many.")]


def _in_scope(account: str, mode: Mode, work: Callable[[Platform, Scope], Awaitable[T]]) -> T:
    return _of_account(account, mode, work)[1]


def _of_account(
    account: str, mode: Mode, work: Callable[[Platform, Scope], Awaitable[T]]
) -> tuple[Account, T]:
    async def found(platform: Platform) -> tuple[Account, T]:
        owner = await find_account(platform, account)
        return owner, await work(platform, Scope(owner.id, mode))

    return on_platform(found)


def _json(endpoint: EndpointSettings, *, reveal: bool = False) -> dict[str, Any]:
    shown = {
        "mode": endpoint.scope.mode,
        "name": endpoint.name,
        "url": endpoint.url,
        "enabled": endpoint.is_enabled,
        "next_secret_from": endpoint.next_secret_from,
    }
    if reveal:
        shown |= {"secret": endpoint.secret, "next_secret": endpoint.next_secret}
    return shown


def _say_endpoint(endpoint: EndpointSettings, account: str, *, reveal: bool = False) -> None:
    shows = f"estafette webhooks show --account {account} --reveal"
    secret = endpoint.secret if reveal else f"kept; shown by: {shows}"
    waiting = endpoint.next_secret if reveal else "waits"
    fields(
        {
            "endpoint": f"{endpoint.name} ({endpoint.scope.mode})",
            "url": endpoint.url or "not set: nothing is sent",
            "state": None if endpoint.is_enabled else "disabled",
            "secret": secret,
            "next secret": waiting if endpoint.next_secret else None,
            "signs from": endpoint.next_secret_from,
        }
    )


def _checked(url: str) -> str:
    try:
        check_url(url)
    except UrlRefusedError as error:
        raise misused(f"{url}: {error}") from None
    return url


@app.command(name="set")
def set_(
    *,
    account: AccountName,
    url: Annotated[str, Parameter(help="Where to; an empty one sends no more.")],
    mode: ModeOption = Mode.SANDBOX,
    name: _Name = DEFAULT_ENDPOINT,
    json: AsJson = False,
) -> int:
    """Set the URL of an endpoint, from the next attempt on. A new name makes a new endpoint."""
    target = _checked(url) if url else None

    async def work(platform: Platform, scope: Scope) -> tuple[bool, EndpointSettings]:
        known = await webhooks.list_endpoints(platform, scope.account_id)
        is_new = all((scope, name) != (endpoint.scope, endpoint.name) for endpoint in known)
        return is_new, await webhooks.set_endpoint(platform, scope, target, name)

    is_new, endpoint = _in_scope(account, mode, work)
    if json:
        say_json(_json(endpoint, reveal=is_new))
    else:
        _say_endpoint(endpoint, account, reveal=is_new)
        say()
        say(f"Try it: estafette webhooks test --account {account} --mode {mode.value}")
    return OK


@app.command
def show(
    *,
    account: AccountName,
    reveal: Annotated[bool, Parameter(negative="", help="Show the secrets.")] = False,
    json: AsJson = False,
) -> int:
    """Show an account's endpoints."""

    async def work(platform: Platform, scope: Scope) -> list[EndpointSettings]:
        look = webhooks.reveal_endpoints if reveal else webhooks.list_endpoints
        return await look(platform, scope.account_id)

    found = _in_scope(account, Mode.SANDBOX, work)
    if json:
        say_json({"endpoints": [_json(endpoint, reveal=reveal) for endpoint in found]})
        return OK
    for number, endpoint in enumerate(found):
        if number:
            say()
        _say_endpoint(endpoint, account, reveal=reveal)
    return OK


@app.command
def rotate(
    *,
    account: AccountName,
    mode: ModeOption = Mode.SANDBOX,
    name: _Name = DEFAULT_ENDPOINT,
    overlap: Annotated[str, Parameter(help="When the new secret begins to sign: 0s, 24h.")] = "24h",
    json: AsJson = False,
) -> int:
    """Make a new secret. The old one signs until the overlap ends, or finish-rotation is called."""
    length: timedelta = duration(overlap)

    def work(platform: Platform, scope: Scope) -> Awaitable[EndpointSettings]:
        return webhooks.rotate(platform, scope, length, name)

    endpoint = _in_scope(account, mode, work)
    new = endpoint.next_secret or endpoint.secret
    if json:
        say_json({**_json(endpoint), "new_secret": new})
        return OK
    say(f"New secret: {styled(new, 'bold')}")
    if endpoint.next_secret_from:
        say(
            f"It signs from {time_text(endpoint.next_secret_from)} on."
            " Let the receiver accept both, then:"
        )
        say(f"  estafette webhooks finish-rotation --account {account} --mode {mode.value}")
    return OK


@app.command(name="finish-rotation")
def finish_rotation(
    *,
    account: AccountName,
    mode: ModeOption = Mode.SANDBOX,
    name: _Name = DEFAULT_ENDPOINT,
    json: AsJson = False,
) -> int:
    """Let the new secret sign from now on, and forget the old one."""
    endpoint = _in_scope(
        account, mode, lambda platform, scope: webhooks.finish_rotation(platform, scope, name)
    )
    if json:
        say_json(_json(endpoint))
    else:
        say(f"{endpoint.name} ({endpoint.scope.mode}): the newest secret signs, no other waits")
    return OK


@app.command
def attempts(
    *,
    account: AccountName,
    mode: ModeOption = Mode.SANDBOX,
    delivery: Annotated[str | None, Parameter(help="Of this delivery alone.")] = None,
    since: Annotated[str, Parameter(help="A time, or a duration ago.")] = "24h",
    limit: _Limit = 50,
    json: AsJson = False,
) -> int:
    """List what was tried, newest first; --json tells the ids of the messages too."""
    if not 1 <= limit <= _MOST_ATTEMPTS:
        raise misused(f"--limit must be from 1 to {_MOST_ATTEMPTS}")
    began = moment(since)
    of = identifier(delivery, "a delivery") if delivery else None

    def work(platform: Platform, scope: Scope) -> Awaitable[list[Attempt]]:
        if of is not None:
            return webhooks.attempts_of(platform, scope, of, limit)
        return webhooks.attempts_since(platform, scope, began, limit)

    owner, found = _of_account(account, mode, work)
    rows = [_attempt_json(attempt, owner.dialect) for attempt in found]
    if json:
        say_json({"attempts": rows})
        return OK
    table(
        (*_ATTEMPT, "RESULT"),
        [
            [*(row[name] for name in _ATTEMPT.values()), row["error"] or row["outcome"]]
            for row in rows
        ],
        "No attempts",
    )
    return OK


def _attempt_json(attempt: Attempt, dialect: str) -> dict[str, Any]:
    """All of an attempt, and the ids by which the account knows its event and its delivery."""
    from estafette.app import shown_event, shown_id

    of, is_test = attempt.delivery_id, attempt.delivery_id is None
    return {
        **attempt._asdict(),
        "event": shown_event(dialect, attempt.event_id, attempt.ordinal, is_test=is_test),
        "delivery": shown_id(dialect, of) if of else None,
    }


@app.command
def resend(
    *,
    account: AccountName,
    mode: ModeOption = Mode.SANDBOX,
    message: Annotated[str | None, Parameter(help="One message, by its id.")] = None,
    event: Annotated[str | None, Parameter(help="One event, with --delivery.")] = None,
    delivery: Annotated[str | None, Parameter(help="The delivery of --event.")] = None,
    since: Annotated[str | None, Parameter(help="The dead ones since then: a time, 2h.")] = None,
    all: Annotated[bool, Parameter(negative="", help="With --since: delivered ones too.")] = False,
    json: AsJson = False,
) -> int:
    """Send one message, one event, or all dead ones since a time again."""
    if sum(choice is not None for choice in (message, event, since)) != 1:
        raise misused("give one of --message ID, --event ID with --delivery ID, --since TIME")
    if (event is None) != (delivery is None):
        raise misused("--event and --delivery go together")
    message_id = identifier(message, "a message") if message else None
    event_id = identifier(event, "an event") if event else None
    delivery_id = identifier(delivery, "a delivery") if delivery else None
    began = moment(since) if since else None

    async def work(platform: Platform, scope: Scope) -> int:
        if began is not None:
            return await webhooks.resend_since(platform, scope, began, dead_only=not all)
        if message_id is not None:
            count = await webhooks.resend_message(platform, scope, message_id)
            reason = count or await webhooks.why_no_message(platform, scope, message_id)
        elif event_id is not None and delivery_id is not None:
            count = await webhooks.resend_event(platform, scope, delivery_id, event_id)
            reason = count or await webhooks.why_no_event(platform, scope, delivery_id, event_id)
        else:
            raise AssertionError
        if not count:
            raise CommandError(f"nothing is sent again: {reason}")
        return count

    count = _in_scope(account, mode, work)
    if json:
        say_json({"resent": count})
    else:
        say(f"{count} message{'' if count == 1 else 's'} will be sent again now")
    return OK


@app.command(name="test")
def send_test(
    *,
    account: AccountName,
    mode: ModeOption = Mode.SANDBOX,
    type: Annotated[str | None, Parameter(help="The type of event.")] = None,
    url: Annotated[str | None, Parameter(help="Where to; the endpoint's URL unless given.")] = None,
    json: AsJson = False,
) -> int:
    """Send one signed test event through the worker."""
    from estafette.app import DIALECTS, shown_event

    target = _checked(url) if url else None

    async def work(platform: Platform) -> tuple[Account, UUID]:
        owner = await find_account(platform, account)
        types = event_types(DIALECTS[owner.dialect])
        if type is not None and type not in types:
            raise misused(f"--type must be one of {', '.join(types)}")
        scope = Scope(owner.id, mode)
        return owner, await webhooks.send_test(platform, scope, type, target)

    owner, id = on_platform(work)
    event = shown_event(owner.dialect, id, is_test=True)
    if json:
        say_json({"event_id": event, "status": "queued"})
    else:
        say(f"Queued as {event}")
        say(f"What came of it: estafette webhooks attempts --account {account} --since 1m")
    return OK
