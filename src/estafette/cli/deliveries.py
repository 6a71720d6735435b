"""`estafette deliveries`: list, show, confirm, advance, unlock the PIN."""

import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from cyclopts import App, Parameter

from estafette.cli.delivery_text import Keys, Known, delivery_json, key_text, say_known
from estafette.cli.output import OK, misused, say, say_json, table, time_text
from estafette.cli.output import note as remark
from estafette.cli.private import must_be_stdin, read_private
from estafette.cli.session import on_platform
from estafette.cli.words import AsJson, check_note, identifier, moment
from estafette.core.accounts.account import Account, KeyKind, Mode
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.dialect import Dialect
from estafette.usecases.accounts.administration import account_of, find_account, list_accounts
from estafette.usecases.accounts.keys import list_keys
from estafette.usecases.couriers.carry_again import carry_again
from estafette.usecases.couriers.errands import elsewhere
from estafette.usecases.deliveries.advance import reveal_pin, unlock_pin
from estafette.usecases.deliveries.confirm import confirm_by_hand
from estafette.usecases.deliveries.find import (
    Looked,
    OverviewFilter,
    find_anywhere,
    find_with_history,
    look_for,
)
from estafette.usecases.deliveries.move_by_hand import move_by_hand
from estafette.usecases.platform import Platform
from estafette.usecases.sandbox.simulate import step_by_hand

app = App(name="deliveries", help="List, show, confirm and advance deliveries; unlock their PINs.")

_LARGEST_PAGE = 1000


@Parameter(name="*")
@dataclass(frozen=True)
class _Filters:
    """Which deliveries a list shows; what is not given leaves a criterion out."""

    account: Annotated[str | None, Parameter(help="Of this account; of all unless given.")] = None
    mode: Annotated[Mode | None, Parameter(help="sandbox or live; both unless given.")] = None
    status: Annotated[
        list[Status] | None, Parameter(help="In this status; give several for any of them.")
    ] = None
    order: Annotated[
        str | None, Parameter(help="The merchant's order id, or the reference (DLV-…).")
    ] = None
    company: Annotated[str | None, Parameter(help="Of the courier company of this slug.")] = None
    key: Annotated[
        str | None,
        Parameter(help="Of the key with this id or last characters; with --account."),
    ] = None
    kind: Annotated[
        KeyKind | None, Parameter(help="publishable: those that pages ordered; secret: the others.")
    ] = None
    since: Annotated[
        str | None, Parameter(help="Created from then on: a time, or a duration ago.")
    ] = None
    until: Annotated[str | None, Parameter(help="Created until then.")] = None
    search: Annotated[
        str | None, Parameter(help="A piece of a name, a phone, an address or the notes of a stop.")
    ] = None
    stalled: Annotated[bool, Parameter(negative="", help="As --status stalled.")] = False
    late: Annotated[bool, Parameter(negative="", help="Under way, and past the promised time.")] = (
        False
    )
    held: Annotated[bool, Parameter(negative="", help="Those that wait to be confirmed.")] = False


_ANY = _Filters()


async def _wanted(platform: Platform, filters: _Filters, account: Account | None) -> OverviewFilter:
    statuses = [*(filters.status or ()), *((Status.STALLED,) if filters.stalled else ())]
    keys = None
    if filters.key is not None and account is not None:
        keys = _chosen(await _keys(platform, account), filters.key)
    return OverviewFilter(
        account_id=None if account is None else account.id,
        mode=filters.mode,
        statuses=statuses or None,
        order=filters.order,
        company=filters.company,
        keys=keys,
        kind=filters.kind,
        since=None if filters.since is None else moment(filters.since),
        until=None if filters.until is None else moment(filters.until),
        search=filters.search,
        late=filters.late,
        held=filters.held,
    )


@app.command(name="list")
def list_(
    *,
    filters: _Filters = _ANY,
    limit: Annotated[int, Parameter(help="At most that many.")] = 20,
    after: Annotated[str | None, Parameter(help="The `next` of the page before.")] = None,
    json: AsJson = False,
) -> int:
    """List deliveries of all accounts, or of one, newest first.

    They are looked for among the newest 100,000 of each account and mode; where there are more, or
    may be, the list says how it goes on.
    """
    if not 1 <= limit <= _LARGEST_PAGE:
        raise misused(f"--limit must be from 1 to {_LARGEST_PAGE}")
    if filters.key is not None and filters.account is None:
        raise misused("--key needs --account: keys of two accounts may end alike")

    async def work(platform: Platform) -> tuple[Looked, dict[UUID, Account], Keys]:
        of = None if filters.account is None else await find_account(platform, filters.account)
        wanted = await _wanted(platform, filters, of)
        found = await look_for(platform, wanted, after, limit)
        accounts = {one.id: one for one in await list_accounts(platform)}
        keys: Keys = {}
        for id in {delivery.scope.account_id for delivery in found.deliveries}:
            keys = {**keys, **await _keys(platform, accounts[id])}
        return found, accounts, keys

    found, accounts, keys = on_platform(work)
    rows = [delivery_json(one, accounts[one.scope.account_id], keys) for one in found.deliveries]
    if json:
        say_json({"deliveries": rows, "next": found.next})
        return OK
    columns = ("id", "whose", "status", "order", "from", "to", "created_at", "deliver_by")
    of_keys = bool(filters.key or filters.kind)
    shown = [
        row
        | {
            "whose": f"{row['account']}/{row['mode']}",
            "order": row["external_ref"] or row["reference"],
            "status": f"{row['status']} (held)" if row["held"] else row["status"],
            "key": key_text(row["key"]),
        }
        for row in rows
    ]
    header = ("DELIVERY", "ACCOUNT", "STATUS", "ORDER", "FROM", "TO", "CREATED", "DELIVER BY")
    table(
        (*header, "KEY") if of_keys else header,
        [[row[column] for column in (*columns, *(("key",) if of_keys else ()))] for row in shown],
        "No such deliveries" if found.next is None else "No such deliveries as far as was looked",
    )
    if found.to is not None:
        say(f"Looked as far back as {time_text(found.to)}; further: --after {found.next}")
    elif found.next is not None:
        say(f"There is more: --after {found.next}")
    return OK


async def _keys(platform: Platform, account: Account) -> Keys:
    return {key.id: key for key in await list_keys(platform, account)}


def _chosen(keys: Keys, name: str) -> list[UUID]:
    """The keys of that id or hint. Raises CommandError for none."""
    name = name.removeprefix("…").lower()
    found = [key.id for key in keys.values() if name in (key.hint, str(key.id))]
    if not found:
        raise misused("the account has no such key; `estafette keys list` shows them")
    return found


async def _known(platform: Platform, id: UUID, *, reveal: bool = False) -> Known:
    delivery = await find_anywhere(platform, id)
    account = await account_of(platform, delivery.scope.account_id)
    delivery, events = await find_with_history(platform, delivery.scope, id)
    pin = await reveal_pin(platform, delivery.scope, id) if reveal else None
    there, keys = await elsewhere(platform, delivery), await _keys(platform, account)
    return Known(account, delivery, events, there, keys, pin)


Act = Callable[[Platform, Delivery, Dialect], Awaitable[object]]


def _done(delivery: str, act: Act, *, as_json: bool) -> int:
    """Does something with a delivery, and prints what it is then."""
    id = identifier(delivery, "a delivery")

    async def work(platform: Platform) -> Known:
        found = await find_anywhere(platform, id)
        account = await account_of(platform, found.scope.account_id)
        await act(platform, found, platform.dialects[account.dialect])
        return await _known(platform, id)

    return say_known(on_platform(work), as_json=as_json)


@app.command
def show(
    delivery: str,
    *,
    reveal: Annotated[
        bool, Parameter(negative="", help="The recipient's PIN too; the audit keeps who saw it.")
    ] = False,
    json: AsJson = False,
) -> int:
    """Show a delivery, its stops and its history.

    Parameters
    ----------
    delivery
        Its id: as the API shows it, or the UUID.
    """
    id = identifier(delivery, "a delivery")
    known = on_platform(lambda platform: _known(platform, id, reveal=reveal))
    return say_known(known, as_json=json)


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

    async def act(platform: Platform, found: Delivery, dialect: Dialect) -> None:
        await confirm_by_hand(platform, found.scope, dialect, found.id, note)

    return _done(delivery, act, as_json=json)


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
    yes: Annotated[
        bool, Parameter(negative="", help="Pass the statuses between without being asked.")
    ] = False,
    json: AsJson = False,
) -> int:
    """Move a delivery: one step of its sandbox scenario, or as far as a status.

    Where others are passed on the way, each is told to its merchant: it is asked first.

    Parameters
    ----------
    delivery
        Its id: as the API shows it, or the UUID.
    """
    check_note(note)
    if pin is not None:
        if to is not Status.DELIVERED:
            raise misused("--pin is for --to delivered alone")
        must_be_stdin(pin, "a PIN")
        pin = read_private("PIN")

    async def act(platform: Platform, found: Delivery, dialect: Dialect) -> None:
        if to is not None:
            if not yes:
                _ask_to_pass(found, to, may_ask=pin is None and not json)
            await move_by_hand(platform, found.scope, dialect, found.id, to, note, pin)
        elif found.scope.mode is Mode.SANDBOX:
            await step_by_hand(platform, found.scope, dialect, found.id, note)
        else:
            raise misused("a live delivery has no scenario: say how far, --to STATUS")

    return _done(delivery, act, as_json=json)


def _ask_to_pass(delivery: Delivery, to: Status, *, may_ask: bool) -> None:
    """Asks whether statuses may be passed that nobody has reported. Raises CommandError for no."""
    passed = (delivery.way_by_hand(to) or (to,))[:-1]
    if not passed:
        return
    passing = f"it is {delivery.status}, and would pass {', '.join(passed)} on its way to {to}"
    if not (may_ask and sys.stdin.isatty()):
        raise misused(f"{passing}, each told to its merchant: --yes does so")
    remark(f"{passing[0].upper()}{passing[1:]}; its merchant is told of each")
    if input("Go on? [y/N] ").strip().lower() not in ("y", "yes"):
        raise misused("nothing was changed")


@app.command
def carry(delivery: str, *, json: AsJson = False) -> int:
    """Look once more who carries a live delivery that no carrier of its account took.

    Parameters
    ----------
    delivery
        Its id: as the API shows it, or the UUID.
    """

    async def act(platform: Platform, found: Delivery, dialect: Dialect) -> None:
        await carry_again(platform, found.scope, dialect, found.id)

    return _done(delivery, act, as_json=json)


@app.command(name="unlock-pin")
def unlock_pin_(delivery: str, *, json: AsJson = False) -> int:
    """Let the recipient's PIN be tried anew, after too many wrong ones.

    Parameters
    ----------
    delivery
        Its id: as the API shows it, or the UUID.
    """

    async def act(platform: Platform, found: Delivery, _: Dialect) -> None:
        await unlock_pin(platform, found.scope, found.id)

    return _done(delivery, act, as_json=json)
