"""Open accounts, list them, bound what they may ask."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from estafette.core.accounts.account import MARKETS, Account, KeyKind, Mode, Scope
from estafette.core.accounts.origin import OriginPatternError, read_pattern
from estafette.core.audit import AuditedAct, difference
from estafette.core.ids import new_id
from estafette.core.retention import LONGEST_DAYS, SHORTEST_PERSONAL_DATA_DAYS
from estafette.store.accounts import removal
from estafette.store.accounts import table as accounts
from estafette.store.pool import Connection
from estafette.store.webhooks import endpoints
from estafette.usecases import audit
from estafette.usecases.accounts.keys import IssuedKey, issue
from estafette.usecases.accounts.secrets import new_token
from estafette.usecases.platform import Platform

RATE_PER_SECOND = 100
BURST = 200
DEFAULT_ENDPOINT = "default"
SECRET_PREFIX = "whsec_"  # noqa: S105 - what webhook secrets begin with

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


class AccountNotFoundError(LookupError):
    """No account has this name."""

    def __init__(self, name: str) -> None:
        """`name` is the one that was asked for."""
        self.name = name
        super().__init__(f"there is no account {name!r}")


class AccountRefusedError(ValueError):
    """An account cannot be as it was asked for; the message says why."""


class AccountUnfitError(AccountRefusedError):
    """A value is one that no account has; `field` names it."""

    def __init__(self, field: str, reason: str) -> None:
        """`reason` is a whole sentence without its full stop."""
        self.field = field
        super().__init__(reason)


class AccountHasWorkedError(AccountRefusedError):
    """An account that has had live deliveries is not removed."""

    def __init__(self, name: str) -> None:
        """`name` is the account's."""
        self.name = name
        super().__init__(f"the account {name!r} has had live deliveries, which stay")


async def create_account(
    platform: Platform,
    name: str,
    market: str,
    *,
    modes: tuple[Mode, ...] = (Mode.LIVE, Mode.SANDBOX),
    rate_per_second: int = RATE_PER_SECOND,
    burst: int | None = None,
) -> tuple[Account, list[IssuedKey]]:
    """Opens an account in a market with API keys for `modes`, which are never shown again.

    It has a `default` endpoint in each mode from the start: a secret, and no address yet. `burst`
    is twice the rate unless given. Raises AccountRefusedError.
    """
    checked_name(name)
    if market not in MARKETS:
        known = ", ".join(sorted(MARKETS))
        raise AccountUnfitError("market", f"there is no market {market!r}; there are {known}")
    place = MARKETS[market]
    account = Account(
        id=new_id(),
        name=name,
        market=place,
        dialect=place.dialect,
        rate_per_second=checked_positive("rate", rate_per_second),
        burst=checked_positive("burst", rate_per_second * 2 if burst is None else burst),
    )
    async with platform.pool.acquire() as connection, connection.transaction():
        if not await accounts.insert(connection, account):
            raise AccountRefusedError(f"there is an account {name!r} already")
        issued = [
            await issue(connection, account, mode, kind) for mode in modes for kind in place.keys
        ]
        for mode in Mode:
            id = new_id()
            secret = platform.cipher.encrypt(new_token(SECRET_PREFIX), id.bytes)
            scope = Scope(account.id, mode)
            await endpoints.insert(connection, scope, id, DEFAULT_ENDPOINT, None, secret)
        facts = {
            "name": name,
            "market": market,
            "rate_per_second": account.rate_per_second,
            "burst": account.burst,
            "keys": [key.known.id for key in issued],
        }
        await audit.note(
            connection, platform.by, AuditedAct.ACCOUNT_CREATED, account.id, facts, of=account.id
        )
    return account, issued


def checked_name(name: str) -> str:
    """Returns a valid name of an account or endpoint. Raises AccountRefusedError for others."""
    if not _NAME.fullmatch(name):
        reason = f"the name {name!r} must be 1 to 63 lower-case letters, digits, - and _"
        raise AccountUnfitError("name", reason)
    return name


async def find_account(platform: Platform, name: str) -> Account:
    """Returns the account of that name. Raises AccountNotFoundError."""
    async with platform.pool.acquire() as connection:
        found = await accounts.find(connection, name)
    if found is None:
        raise AccountNotFoundError(name)
    return found


async def account_of(platform: Platform, account_id: UUID) -> Account:
    """Returns the account of an id that something of it carries."""
    async with platform.pool.acquire() as connection:
        every = await accounts.every(connection)
    return next(account for account in every if account.id == account_id)


async def list_accounts(platform: Platform) -> list[Account]:
    """Returns all accounts, by name."""
    async with platform.pool.acquire() as connection:
        return await accounts.every(connection)


async def count_accounts(platform: Platform) -> int:
    """Returns how many accounts there are."""
    async with platform.pool.acquire() as connection:
        return await accounts.count(connection)


async def set_rate(
    platform: Platform, name: str, per_second: int, burst: int | None = None
) -> Account:
    """Bounds the requests of each key of an account; `burst` is twice the rate unless given.

    Raises AccountNotFoundError, or AccountRefusedError for a number below 1.
    """
    account = await find_account(platform, name)
    checked_positive("rate", per_second)
    burst = checked_positive("burst", per_second * 2 if burst is None else burst)
    before = {"rate_per_second": account.rate_per_second, "burst": account.burst}
    after = {"rate_per_second": per_second, "burst": burst}
    async with platform.pool.acquire() as connection, connection.transaction():
        await accounts.set_rate(connection, account.id, per_second, burst)
        await _note_change(connection, platform, account, before, after)
    return await find_account(platform, name)


async def disable_account(platform: Platform, name: str, *, disabled: bool) -> Account:
    """Disables an account, so that all its keys are refused, or enables it again.

    Its deliveries under way go on, and its webhooks tell of them. Raises AccountNotFoundError.
    """
    account = await find_account(platform, name)
    async with platform.pool.acquire() as connection, connection.transaction():
        if await accounts.disable(connection, account.id, disabled=disabled):
            act = AuditedAct.ACCOUNT_DISABLED if disabled else AuditedAct.ACCOUNT_ENABLED
            await audit.note(connection, platform.by, act, account.id, of=account.id)
    return await find_account(platform, name)


_AT_ONCE = 5_000


async def remove_account(platform: Platform, name: str) -> int:
    """Removes an account of rehearsals alone, with all that it has; counts its deliveries.

    It is disabled first. The books and the audit, which are only ever added to, keep what they say
    of it. May be ended and begun again. Raises AccountNotFoundError, or AccountHasWorkedError
    after live deliveries.
    """
    account = await find_account(platform, name)
    async with platform.pool.acquire() as connection:
        if await removal.has_worked(connection, account.id):
            raise AccountHasWorkedError(name)
        await accounts.disable(connection, account.id, disabled=True)
        deliveries = 0
        while True:
            for table in removal.EMPTIED:
                while count := await removal.remove_some(connection, table, account.id, _AT_ONCE):
                    deliveries += count if table == "deliveries" else 0
            async with connection.transaction():
                if await removal.remove_account(connection, account.id):
                    facts = {"name": name, "deliveries": deliveries}
                    act = AuditedAct.ACCOUNT_REMOVED
                    await audit.note(connection, platform.by, act, account.id, facts)
                    return deliveries


async def keep_personal_data(platform: Platform, name: str, days: int | None) -> Account:
    """Erases an account's personal data so many days after its deliveries ended.

    None: as many as the setting says. Raises AccountNotFoundError or AccountRefusedError.
    """
    account = await find_account(platform, name)
    checked_personal_data_days(days)
    async with platform.pool.acquire() as connection, connection.transaction():
        before = await accounts.keep_personal_data(connection, account.id, days)
        await _note_change(
            connection,
            platform,
            account,
            {"personal_data_days": before},
            {"personal_data_days": days},
        )
    return account


MOST_ORIGINS = 100


async def set_origins(platform: Platform, name: str, patterns: Sequence[str]) -> Account:
    """Trusts the web pages of these patterns (see `core.origin.read_pattern`), and no others.

    Raises AccountNotFoundError, or AccountRefusedError for what is no pattern, for too many, and
    for an account whose dialect has no publishable keys to use them with.
    """
    account = await find_account(platform, name)
    if KeyKind.PUBLISHABLE not in account.market.keys:
        raise AccountRefusedError(
            f"accounts that speak {account.dialect} have no keys for web pages"
        )
    try:
        origins = list(dict.fromkeys(read_pattern(pattern) for pattern in patterns))
    except OriginPatternError as error:
        raise AccountRefusedError(str(error)) from None
    if len(origins) > MOST_ORIGINS:
        raise AccountRefusedError(f"an account trusts at most {MOST_ORIGINS} origins")
    before, after = {"origins": account.origins}, {"origins": tuple(origins)}
    async with platform.pool.acquire() as connection, connection.transaction():
        await accounts.set_origins(connection, account.id, origins)
        await _note_change(connection, platform, account, before, after)
    return await find_account(platform, name)


async def _note_change(
    connection: Connection,
    platform: Platform,
    account: Account,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> None:
    changes = difference(before, after)
    await audit.note(
        connection, platform.by, AuditedAct.ACCOUNT_CHANGED, account.id, changes, of=account.id
    )


LARGEST_LIMIT = 1_000_000
"""The largest rate or burst that an account may have."""


def checked_personal_data_days(days: int | None) -> None:
    """Raises AccountRefusedError where personal data cannot be kept for so many days."""
    shortest, longest = SHORTEST_PERSONAL_DATA_DAYS, LONGEST_DAYS
    if days is not None and not shortest <= days <= longest:
        reason = f"the days must be from {shortest} to {longest}, not {days}"
        raise AccountUnfitError("personal_data_days", reason)


def checked_positive(what: str, number: int) -> int:
    """Returns a limit that may be set. Raises AccountRefusedError."""
    if not 1 <= number <= LARGEST_LIMIT:
        reason = f"the {what} must be from 1 to {LARGEST_LIMIT}, not {number}"
        raise AccountUnfitError("rate_per_second" if what == "rate" else what, reason)
    return number
