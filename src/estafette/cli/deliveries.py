"""`estafette deliveries`: list, show, confirm, advance, unlock the PIN."""

from collections.abc import Mapping
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
from estafette.cli.private import must_be_stdin, read_private
from estafette.cli.session import on_platform
from estafette.cli.words import AccountName, AsJson, ModeOption, check_note, identifier
from estafette.core.account import Account, KeyKind, Mode, Scope
from estafette.core.delivery import Delivery, Status
from estafette.core.event import Event
from estafette.usecases.accounts import account_of, find_account
from estafette.usecases.advance import unlock_pin
from estafette.usecases.confirm import confirm_by_hand
from estafette.usecases.errands import Elsewhere, elsewhere
from estafette.usecases.find import (
    Filter,
    deliveries_of_keys,
    find_anywhere,
    find_with_history,
    held_deliveries,
    list_deliveries,
)
from estafette.usecases.keys import ApiKey, list_keys
from estafette.usecases.platform import Platform
from estafette.usecases.simulate import move_by_hand, step_by_hand

app = App(name="deliveries", help="List, show, confirm and advance deliveries; unlock their PINs.")

_LARGEST_PAGE = 1000

Keys = Mapping[UUID, ApiKey]
"""The keys of an account, by id."""


def _json(delivery: Delivery, account: Account, keys: Keys) -> dict[str, Any]:
    """A delivery as JSON; `keys` are those of the account, by id."""
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
        "held": delivery.is_held,
        "key": _key_json(delivery, keys),
        "pin": _pin(delivery),
        "scenario": delivery.scenario,
        "created_at": delivery.created_at,
        "updated_at": delivery.updated_at,
        "pickup_by": delivery.pickup_by,
        "deliver_by": delivery.deliver_by,
    }


def _key_json(delivery: Delivery, keys: Keys) -> dict[str, Any] | None:
    """The key that it was created with; None where that is not known."""
    if delivery.key_id is None:
        return None
    key = keys.get(delivery.key_id)
    kind = KeyKind.PUBLISHABLE if delivery.by_page else KeyKind.SECRET
    known = {"hint": key.hint, "name": key.name} if key else {}
    return {"id": delivery.key_id, "kind": kind, **known}


def _key_text(key: dict[str, Any] | None) -> str | None:
    if key is None:
        return None
    named = f" {key['name']}" if key.get("name") else ""
    return f"{key['kind']} …{key.get('hint', '?')}{named}"


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
    key: Annotated[
        str | None, Parameter(help="Of the key with this id or last characters alone.")
    ] = None,
    kind: Annotated[
        KeyKind | None, Parameter(help="publishable: those that pages ordered; secret: the others.")
    ] = None,
    held: Annotated[bool, Parameter(negative="", help="Those that wait to be confirmed.")] = False,
    limit: Annotated[int, Parameter(help="At most that many.")] = 20,
    json: AsJson = False,
) -> int:
    """List an account's deliveries, newest first.

    Those of a key, or a kind of keys, are looked for among the newest 100,000.
    """
    if sum(map(bool, (order, key or kind, held))) > 1:
        raise misused("--order, --held, and --key or --kind go one without the other")
    if not 1 <= limit <= _LARGEST_PAGE:
        raise misused(f"--limit must be from 1 to {_LARGEST_PAGE}")

    async def work(platform: Platform) -> tuple[Account, list[Delivery], Keys]:
        found = await find_account(platform, account)
        scope, keys = Scope(found.id, mode), await _keys(platform, found)
        if held:
            return found, await held_deliveries(platform, scope, limit), keys
        if key or kind:
            chosen = _chosen(keys, key, kind)
            return found, await deliveries_of_keys(platform, scope, chosen, limit), keys
        wanted = Filter(external_ref=order)
        page = await list_deliveries(platform, scope, wanted, None, limit)
        return found, page.deliveries, keys

    of, deliveries, keys = on_platform(work)
    rows = [_json(delivery, of, keys) for delivery in deliveries]
    if json:
        say_json({"deliveries": rows})
        return OK
    columns = ("id", "status", "order", "from", "to", "created_at", "deliver_by", "key")
    shown = [
        row
        | {
            "order": row["external_ref"] or row["reference"],
            "status": f"{row['status']} (held)" if row["held"] else row["status"],
            "key": _key_text(row["key"]),
        }
        for row in rows
    ]
    table(
        ("DELIVERY", "STATUS", "ORDER", "FROM", "TO", "CREATED", "DELIVER BY", "KEY"),
        [[row[column] for column in columns] for row in shown],
        f"No {mode.value} deliveries of {account}",
    )
    return OK


async def _keys(platform: Platform, account: Account) -> Keys:
    return {key.id: key for key in await list_keys(platform, account)}


def _chosen(keys: Keys, name: str | None, kind: KeyKind | None) -> list[UUID]:
    """The keys of that id or hint and kind, where they are given. Raises CommandError for none."""
    name = None if name is None else name.removeprefix("…").lower()
    found = [
        key.id
        for key in keys.values()
        if name in (None, key.hint, str(key.id)) and kind in (None, key.kind)
    ]
    if not found:
        raise misused("the account has no such key; `estafette keys list` shows them")
    return found


class _Known(NamedTuple):
    account: Account
    delivery: Delivery
    events: list[Event]
    elsewhere: Elsewhere | None
    keys: Keys


async def _known(platform: Platform, id: UUID) -> _Known:
    delivery = await find_anywhere(platform, id)
    account = await account_of(platform, delivery.scope.account_id)
    delivery, events = await find_with_history(platform, delivery.scope, id)
    there, keys = await elsewhere(platform, delivery), await _keys(platform, account)
    return _Known(account, delivery, events, there, keys)


def _say(known: _Known, *, as_json: bool) -> int:
    account, delivery, events, there, keys = known
    shown = _json(delivery, account, keys)
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
    held = "yes, until it is confirmed" if shown["held"] else None
    texts = {"fee": f"{shown['fee']} {currency}", "held": held, "key": _key_text(shown["key"])}
    fields({**shown, **texts})
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
def confirm(
    delivery: str,
    *,
    note: Annotated[str | None, Parameter(help="What the history shall say of it.")] = None,
    json: AsJson = False,
) -> int:
    """Let a delivery go on that is held until its merchant confirms it.

    To reject one: advance it --to cancelled, or have its merchant cancel it.

    Parameters
    ----------
    delivery
        Its id: as the API shows it, or the UUID.
    """
    id = identifier(delivery, "a delivery")

    async def work(platform: Platform) -> _Known:
        found = await find_anywhere(platform, id)
        dialect = platform.dialects[(await account_of(platform, found.scope.account_id)).dialect]
        await confirm_by_hand(platform, found.scope, dialect, id, note)
        return await _known(platform, id)

    return _say(on_platform(work), as_json=json)


@app.command
def advance(
    delivery: str,
    *,
    to: Annotated[Status | None, Parameter(help="As far as this status.")] = None,
    note: Annotated[str | None, Parameter(help="What the history shall say of it.")] = None,
    pin: Annotated[
        str | None,
        Parameter(
            allow_leading_hyphen=True,
            help="-: the recipient's PIN is on standard input, as a courier gives it; with"
            " --to delivered.",
        ),
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
    check_note(note)
    if pin is not None:
        if to is not Status.DELIVERED:
            raise misused("--pin is for --to delivered alone")
        must_be_stdin(pin, "a PIN")
        pin = read_private("PIN")

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
