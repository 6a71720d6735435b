"""`estafette webhooks`: where an account receives them, what was tried, sending again."""

from collections.abc import Awaitable
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from cyclopts import App, Parameter

from estafette.cli import endpoints
from estafette.cli.endpoints import checked_url, in_scope, of_account, warn_of_url
from estafette.cli.output import OK, CommandError, misused, say, say_json, table
from estafette.cli.session import beside, on_platform, settings
from estafette.cli.words import AccountName, AsJson, ModeOption, identifier, moment
from estafette.core.accounts.account import Account, Mode, Scope
from estafette.core.deliveries.dialect import event_types
from estafette.usecases.accounts.administration import find_account
from estafette.usecases.platform import Platform
from estafette.usecases.webhooks import endpoints as webhooks
from estafette.usecases.webhooks.endpoints import Attempt
from estafette.usecases.webhooks.resend import (
    Resent,
    resend_event,
    resend_message,
    resend_since,
    why_no_event,
    why_no_message,
)

app = App(name="webhooks", help="Set endpoints and their secrets, list attempts, send again.")
app.command(endpoints.set_, name="set")
for _command in (
    endpoints.show,
    endpoints.headers,
    endpoints.enable,
    endpoints.disable,
    endpoints.remove,
    endpoints.rotate,
    endpoints.finish_rotation,
):
    app.command(_command)

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

_Limit = Annotated[int, Parameter(name="--limit", help="At most that many.")]


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

    owner, found = of_account(account, mode, work)
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
    since: Annotated[
        str | None,
        Parameter(help="The dead ones since then, and what was never told: a time, 2h."),
    ] = None,
    name: Annotated[str | None, Parameter(help="With --since: for this endpoint alone.")] = None,
    all: Annotated[bool, Parameter(negative="", help="With --since: delivered ones too.")] = False,
    json: AsJson = False,
) -> int:
    """Send one message, one event, or all dead ones since a time again.

    With --since, events that were never told are too: those that happened while an endpoint had no
    URL, was disabled, or did not exist.
    """
    if sum(choice is not None for choice in (message, event, since)) != 1:
        raise misused("give one of --message ID, --event ID with --delivery ID, --since TIME")
    if (event is None) != (delivery is None):
        raise misused("--event and --delivery go together")
    if since is None and (all or name is not None):
        raise misused("--all and --name go with --since")
    message_id = identifier(message, "a message") if message else None
    event_id = identifier(event, "an event") if event else None
    delivery_id = identifier(delivery, "a delivery") if delivery else None
    began = moment(since) if since else None

    kept = timedelta(days=beside(settings()).messages_kept_days)

    async def work(platform: Platform, scope: Scope) -> Resent:
        if began is not None:
            return await resend_since(platform, scope, began, name, dead_only=not all, kept=kept)
        if message_id is not None:
            count = await resend_message(platform, scope, message_id)
            reason = count or await why_no_message(platform, scope, message_id)
        elif event_id is not None and delivery_id is not None:
            count = await resend_event(platform, scope, delivery_id, event_id)
            reason = count or await why_no_event(platform, scope, delivery_id, event_id)
        else:
            raise AssertionError
        if not count:
            raise CommandError(f"nothing is sent again: {reason}")
        return Resent(count, 0, is_all=True)

    count, missed, is_all = in_scope(account, mode, work)
    if json:
        missed_facts = {"never_told": missed, "is_all": is_all} if began is not None else {}
        say_json({"resent": count, **missed_facts})
        return OK
    say(f"{_messages(count)} will be sent again now")
    if missed:
        say(f"{_messages(missed)} of events that were never told will be sent now")
    if not is_all:
        say("There are more that were never told: the same command goes on")
    return OK


def _messages(count: int) -> str:
    return f"{count} message{'' if count == 1 else 's'}"


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

    target = checked_url(url) if url else None

    async def work(platform: Platform) -> tuple[Account, UUID]:
        owner = await find_account(platform, account)
        types = event_types(DIALECTS[owner.dialect])
        if type is not None and type not in types:
            raise misused(f"--type must be one of {', '.join(types)}")
        scope = Scope(owner.id, mode)
        return owner, await webhooks.send_test(platform, scope, type, target)

    owner, id = on_platform(work)
    if target is not None:
        warn_of_url(target)
    event = shown_event(owner.dialect, id, is_test=True)
    if json:
        say_json({"event_id": event, "status": "queued"})
    else:
        say(f"Queued as {event}")
        say(f"What came of it: estafette webhooks attempts --account {account} --since 1m")
    return OK
