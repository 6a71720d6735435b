"""`estafette deliveries`: list, show, advance, unlock the PIN."""

from typing import Annotated, Any, NamedTuple
from uuid import UUID

from cyclopts import App, Parameter

from estafette.cli.output import (
    OK,
    fields,
    misused,
    plain,
    say,
    say_json,
    styled,
    table,
    time_text,
)
from estafette.cli.session import on_platform
from estafette.cli.words import AccountName, AsJson, ModeOption, identifier
from estafette.core.account import Account, Mode, Scope
from estafette.core.delivery import Delivery, Status
from estafette.core.event import Event
from estafette.usecases.accounts import account_of, find_account
from estafette.usecases.advance import unlock_pin
from estafette.usecases.errands import Elsewhere, elsewhere
from estafette.usecases.find import Filter, find_anywhere, find_with_history, list_deliveries
from estafette.usecases.platform import Platform
from estafette.usecases.simulate import move_by_hand, step_by_hand

app = App(name="deliveries", help="List, show and advance deliveries; unlock their PINs.")

_LARGEST_PAGE = 1000


def _json(delivery: Delivery, account: Account) -> dict[str, Any]:
    from estafette.app import shown_id

    return {
        "id": shown_id(account.dialect, delivery.id),
        "uuid": delivery.id,
        "account": account.name,
        "mode": delivery.scope.mode,
        "reference": delivery.reference,
        "external_ref": delivery.external_ref,
        "status": delivery.status,
        "milestone": delivery.milestone,
        "from": delivery.pickup.city,
        "to": delivery.dropoff.city,
        "courier": delivery.company_name,
        "fee": delivery.fee,
        "currency": account.market.currency,
        "payment": delivery.payment.method,
        "cash_collect": delivery.payment.cash_collect,
        "pin": _pin(delivery),
        "scenario": delivery.scenario,
        "created_at": delivery.created_at,
        "updated_at": delivery.updated_at,
        "pickup_by": delivery.pickup_by,
        "deliver_by": delivery.deliver_by,
    }


def _pin(delivery: Delivery) -> str | None:
    """How the recipient's PIN stands; the PIN itself is the merchant's."""
    if not delivery.require_pin:
        return None
    return "locked" if delivery.pin_is_locked else "required"


def _event_json(event: Event) -> dict[str, Any]:
    return {
        "seq": event.seq,
        "event_id": event.id,
        "status": event.status,
        "actor": event.actor,
        "note": event.note,
        "announced": event.announced,
        "occurred_at": event.occurred_at,
    }


@app.command(name="list")
def list_(
    *,
    account: AccountName,
    mode: ModeOption = Mode.SANDBOX,
    order: Annotated[str | None, Parameter(help="The merchant's order id.")] = None,
    limit: Annotated[int, Parameter(help="At most that many.")] = 20,
    json: AsJson = False,
) -> int:
    """List an account's deliveries, newest first."""
    if not 1 <= limit <= _LARGEST_PAGE:
        raise misused(f"--limit must be from 1 to {_LARGEST_PAGE}")

    async def work(platform: Platform) -> tuple[Account, list[Delivery]]:
        found = await find_account(platform, account)
        wanted = Filter(external_ref=order)
        page = await list_deliveries(platform, Scope(found.id, mode), wanted, None, limit)
        return found, page.deliveries

    of, deliveries = on_platform(work)
    rows = [_json(delivery, of) for delivery in deliveries]
    if json:
        say_json({"deliveries": rows})
        return OK
    columns = ("id", "status", "order", "from", "to", "created_at", "deliver_by")
    named = [row | {"order": row["external_ref"] or row["reference"]} for row in rows]
    table(
        ("DELIVERY", "STATUS", "ORDER", "FROM", "TO", "CREATED", "DELIVER BY"),
        [[row[column] for column in columns] for row in named],
        f"No {mode.value} deliveries of {account}",
    )
    return OK


class _Known(NamedTuple):
    account: Account
    delivery: Delivery
    events: list[Event]
    elsewhere: Elsewhere | None


async def _known(platform: Platform, id: UUID) -> _Known:
    delivery = await find_anywhere(platform, id)
    account = await account_of(platform, delivery.scope.account_id)
    delivery, events = await find_with_history(platform, delivery.scope, id)
    return _Known(account, delivery, events, await elsewhere(platform, delivery))


def _say(known: _Known, *, as_json: bool) -> int:
    account, delivery, events, there = known
    shown = _json(delivery, account)
    if there is not None:
        shown |= {
            "dispatch": there.state,
            "upstream_id": there.upstream_id,
            "dispatch_error": there.error,
        }
    if as_json:
        say_json({**shown, "history": [_event_json(event) for event in events]})
        return OK
    currency = shown.pop("currency")
    fields({**shown, "fee": f"{shown['fee']} {currency}"})
    say()
    for event in events:
        told = f"  {styled(', '.join(event.announced), 'cyan')}" if event.announced else ""
        note = f"  {plain(event.note)}" if event.note else ""
        actor = styled(f"{event.actor.value:8}", "dim")
        say(f"{time_text(event.occurred_at)}  {event.status.value:16}  {actor}{told}{note}")
    return OK


@app.command
def show(delivery: str, *, json: AsJson = False) -> int:
    """Show a delivery and its history.

    Parameters
    ----------
    delivery
        Its id: as the API shows it, or the UUID.
    """
    id = identifier(delivery, "a delivery")
    return _say(on_platform(lambda platform: _known(platform, id)), as_json=json)


@app.command
def advance(
    delivery: str,
    *,
    to: Annotated[Status | None, Parameter(help="As far as this status.")] = None,
    note: Annotated[str | None, Parameter(help="What the history shall say of it.")] = None,
    pin: Annotated[
        str | None,
        Parameter(help="The recipient's PIN, as a courier gives it: with --to delivered."),
    ] = None,
    json: AsJson = False,
) -> int:
    """Move a delivery: one step of its sandbox scenario, or as far as a status.

    Parameters
    ----------
    delivery
        Its id: as the API shows it, or the UUID.
    """
    id = identifier(delivery, "a delivery")
    if pin is not None and to is not Status.DELIVERED:
        raise misused("--pin is for --to delivered alone")

    async def work(platform: Platform) -> _Known:
        found = await find_anywhere(platform, id)
        dialect = platform.dialects[(await account_of(platform, found.scope.account_id)).dialect]
        if to is not None:
            await move_by_hand(platform, found.scope, dialect, id, to, note, pin)
        elif found.scope.mode is Mode.SANDBOX:
            await step_by_hand(platform, found.scope, dialect, id, note)
        else:
            raise misused("a live delivery has no scenario: say how far, --to STATUS")
        return await _known(platform, id)

    return _say(on_platform(work), as_json=json)


@app.command(name="unlock-pin")
def unlock_pin_(delivery: str, *, json: AsJson = False) -> int:
    """Let the recipient's PIN be tried anew, after too many wrong ones.

    Parameters
    ----------
    delivery
        Its id: as the API shows it, or the UUID.
    """
    id = identifier(delivery, "a delivery")

    async def work(platform: Platform) -> _Known:
        found = await find_anywhere(platform, id)
        await unlock_pin(platform, found.scope, id)
        return await _known(platform, id)

    return _say(on_platform(work), as_json=json)
