"""Tell an account's developers that an endpoint keeps failing, is given up, or works again."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

from estafette.core.accounts.account import Account
from estafette.core.notifications.letter import Letter, LetterKind
from estafette.core.people.organisation import Organisation, OrganisationKind
from estafette.core.people.permission import PersonAct, may
from estafette.core.webhooks.spell import FAILURES, FOR, Notice, Standing, judge
from estafette.loops import Loop, Pace
from estafette.store.accounts import table as accounts
from estafette.store.people import memberships
from estafette.store.webhooks import spells
from estafette.store.webhooks.spells import Suspect
from estafette.store.work import UnitOfWork
from estafette.usecases.notifications.tell import write
from estafette.usecases.platform import Platform

Tell = Callable[[UnitOfWork, Suspect, Notice], Awaitable[None]]
"""Has the developers of an endpoint's account told, in the transaction in which that is noted."""

_AT_A_TIME: Final = 200
_PACE: Final = Pace(longest=30.0)


async def tell_of_spells(platform: Platform, tell: Tell) -> int:
    """Has everybody told who is to be told now; returns how many endpoints were told of.

    Any number of processes may. Nobody is told twice, nor of what is not written down.
    """
    async with platform.pool.acquire() as connection:
        found = await spells.suspects(connection, FAILURES, FOR, _AT_A_TIME)
    told = 0
    for suspect in found:
        told += await _tell_of(platform, suspect, tell)
    return told


async def _tell_of(platform: Platform, suspect: Suspect, tell: Tell) -> bool:
    verdict = judge(suspect.spell, _standing(suspect))
    if verdict.spell == suspect.spell:
        return False
    async with (
        platform.pool.acquire() as connection,
        platform.transaction(connection) as work,
    ):
        if not await spells.lock(connection, suspect):
            return False  # another process has judged it meanwhile
        await spells.keep(connection, suspect, verdict.spell)
        if verdict.notice is not None:
            await tell(work, suspect, verdict.notice)
    return verdict.notice is not None


def _standing(suspect: Suspect) -> Standing:
    return Standing(
        now=suspect.now,
        failures=suspect.failures,
        failing_since=suspect.failing_since,
        answered=suspect.answered,
        given_up=suspect.given_up,
        is_sent=suspect.is_enabled and suspect.url is not None,
        is_gone=suspect.is_gone,
    )


_KINDS: Final = {
    Notice.FAILING: LetterKind.ENDPOINT_FAILING,
    Notice.GIVEN_UP: LetterKind.ENDPOINT_GIVEN_UP,
    Notice.WORKS_AGAIN: LetterKind.ENDPOINT_WORKS_AGAIN,
}
_MOST_PEOPLE: Final = 200
GONE: Final = "gone"
"""The cause that a letter tells of an endpoint which answered 410; else it is an outcome."""


def letters_to_developers(platform: Platform) -> Tell:
    """Returns what writes to the people of an account who may change its endpoints."""

    async def tell(work: UnitOfWork, suspect: Suspect, notice: Notice) -> None:
        scope = suspect.scope
        of = Organisation(OrganisationKind.ACCOUNT, scope.account_id)
        account = (await accounts.find_all(work.connection, [scope.account_id])).get(of.id)
        if account is None:
            return
        facts = _facts(platform, suspect, account)
        kind = _KINDS[notice]
        told = {name: fact for name, fact in facts.items() if name in kind.facts}
        for member in await memberships.page(work.connection, of, UUID(int=0), _MOST_PEOPLE):
            person, role = member.person, member.membership.role
            if person.disabled_at is None and may(role, of.kind, PersonAct.ENDPOINTS_MANAGE):
                await write(work, platform, Letter(kind, person.email, person.language, told))

    return tell


def _cause(suspect: Suspect) -> str:
    """Returns why the last attempt failed: its outcome, and the HTTP status where there was one."""
    if suspect.is_gone:
        return GONE
    status = "" if suspect.http_status is None else f" {suspect.http_status}"
    return f"{suspect.outcome or 'error'}{status}"


def _facts(platform: Platform, suspect: Suspect, account: Account) -> dict[str, str]:
    """Returns what a letter tells of an endpoint; times by the clock of the account's market."""
    spell = suspect.spell
    since = spell.failing_since if spell else suspect.failing_since or suspect.now
    local = since.astimezone(ZoneInfo(account.market.time_zone))
    home = f"{platform.public_url}/console/{account.id.hex}/{suspect.scope.mode}"
    return {
        "account": account.name,
        "endpoint": suspect.name,
        "host": urlsplit(suspect.url or "").hostname or "",
        "since": f"{local:%Y-%m-%d %H:%M} ({account.market.time_zone})",
        "link": f"{home}/attempts?endpoint={suspect.name}",
        "cause": _cause(suspect),
    }


def loop(platform: Platform, tell: Tell | None = None) -> Loop:
    """Does so every half a minute, by letters unless `tell` is given."""
    tell = tell or letters_to_developers(platform)

    async def one_round(_: asyncio.Event) -> float:
        await tell_of_spells(platform, tell)
        return _PACE.longest

    return Loop("endpoints that fail", one_round, _PACE)
