"""`estafette doctor`: is everything as it should be, and if not, what to do."""

import asyncio
import os
import shutil
import sysconfig
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from enum import StrEnum
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener
from zoneinfo import ZoneInfo

from estafette.cli.errors import explain_database
from estafette.cli.output import FAILED, OK, CommandError, say, say_json, styled
from estafette.cli.reach import NotReachedError, check_reach
from estafette.cli.session import beside, system_user
from estafette.cli.words import AsJson
from estafette.core.accounts.account import MARKETS
from estafette.core.audit import By
from estafette.settings import Settings, config_file
from estafette.settings.problems import load, unknown_variables
from estafette.usecases.accounts.administration import list_accounts
from estafette.usecases.accounts.secrets import WrongSecretKeyError
from estafette.usecases.deliveries.inspect import inspect_database
from estafette.usecases.platform import Platform
from estafette.usecases.ready import OLDEST_POSTGRES, NotReadyError, reads_secrets
from estafette.usecases.tiles import NotTilesError, examine_tiles
from estafette.usecases.webhooks.endpoints import EndpointSettings, list_endpoints, waiting

_SLOW_SECONDS = 0.1
_SKEW_SECONDS = 2.0
_SCARCE_BYTES = 1 << 30
_TOO_FEW_BYTES = 200 << 20
_REACH_SECONDS = 5.0


class Verdict(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


class Finding(NamedTuple):
    """What was looked at, how it is, and what to do about it."""

    about: str
    verdict: Verdict
    text: str
    advice: str | None = None


def doctor(*, json: AsJson = False) -> int:
    """Check settings, database, clock, webhook endpoints, reachability and disk space.

    Each finding that is not good says what to do. Exit code 1 when there is a problem.
    """
    found = load()
    findings = asyncio.run(_examine(found))
    if json:
        say_json({"findings": [finding._asdict() for finding in findings]})
    else:
        for finding in findings:
            _say(finding)
    return FAILED if any(finding.verdict is Verdict.PROBLEM for finding in findings) else OK


def _say(finding: Finding) -> None:
    sign, style = {
        Verdict.OK: ("✓", "green"),
        Verdict.WARNING: ("!", "yellow"),
        Verdict.PROBLEM: ("✗", "red"),
    }[finding.verdict]
    say(f"{styled(sign, style)} {finding.about:12} {finding.text}")
    if finding.advice:
        say(f"               {styled('→', style)} {finding.advice}")


async def _examine(found: Settings) -> list[Finding]:
    findings = [*_settings(), _disk(found.data_dir), _time_zones(), *_tiles(found)]
    try:
        known = beside(found)
    except CommandError as error:
        return [*findings, Finding("database", Verdict.PROBLEM, *_parted(str(error)))]
    findings += [finding async for finding in _database(known)]
    findings.append(await _public_url(known))
    return findings


def _parted(message: str) -> tuple[str, str]:
    text, _, advice = message.partition(": ")
    return text, advice


def _settings() -> list[Finding]:
    misspelt = [
        Finding("settings", Verdict.WARNING, str(problem), "correct or remove the variable")
        for problem in unknown_variables(os.environ)
    ]
    file = config_file(os.environ)
    where = f"the environment and {file}" if file else "the environment; there is no file"
    return [Finding("settings", Verdict.OK, f"read from {where}"), *misspelt]


def _disk(data_dir: Path) -> Finding:
    place = data_dir.resolve()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    text = f"{free / (1 << 30):.1f} GB free at {data_dir}"
    advice = "make room, or move the data folder (ESTAFETTE_DATA_DIR)"
    if free < _TOO_FEW_BYTES:
        return Finding("disk", Verdict.PROBLEM, text, advice)
    if free < _SCARCE_BYTES:
        return Finding("disk", Verdict.WARNING, text, advice)
    return Finding("disk", Verdict.OK, text)


def _tiles(found: Settings) -> list[Finding]:
    """Whether maps have the tiles that they should."""
    if found.map_tiles is None:
        return []
    try:
        facts = examine_tiles(found.data_dir / found.map_tiles)
    except NotTilesError as error:
        advice = "put an extract of a PMTiles map there, or remove ESTAFETTE_MAP_TILES"
        return [Finding("map tiles", Verdict.PROBLEM, str(error), advice)]
    least, most = facts.zooms
    text = f"{facts.kind}, zoom {least} to {most}, {facts.size / (1 << 20):.1f} MB"
    return [Finding("map tiles", Verdict.OK, text)]


def _time_zones() -> Finding:
    """Whether other programs of this machine see the markets' clocks as Estafette does."""
    now = datetime.now(UTC)
    differing: list[str] = []
    for market in MARKETS.values():
        ours, system = ZoneInfo(market.time_zone), _zone_of_system(market.time_zone)
        if system is not None and system.utcoffset(now) != ours.utcoffset(now):
            here = f"{market.time_zone} is at {now.astimezone(ours):%z}, the system says"
            differing.append(f"{here} {now.astimezone(system):%z}")
    if not differing:
        return Finding("time zones", Verdict.OK, "as the system has them")
    advice = "update the system's tzdata for other programs; Estafette goes by its own"
    return Finding("time zones", Verdict.WARNING, "; ".join(differing), advice)


def _zone_of_system(name: str) -> ZoneInfo | None:
    """The zone by the first file that the system has of it; None where it has none."""
    path = os.environ.get("PYTHONTZPATH", sysconfig.get_config_var("TZPATH") or "")
    for folder in filter(None, path.split(os.pathsep)):
        try:
            with (Path(folder) / name).open("rb") as file:
                return ZoneInfo.from_file(file, name)
        except (OSError, ValueError):
            continue
    return None


async def _database(known: Settings) -> AsyncIterator[Finding]:
    from estafette.app import open_platform

    try:
        async with open_platform(known, By.command(system_user())) as platform:
            async for finding in _facts(platform):
                yield finding
            if not await reads_secrets(platform):
                yield Finding("secret key", Verdict.PROBLEM, *_parted(str(WrongSecretKeyError())))
                return
            async for finding in _endpoints(platform, known):
                yield finding
    except NotReadyError as error:
        yield Finding("database", Verdict.PROBLEM, *_parted(str(error)))
    except Exception as error:
        reason = explain_database(error)
        if reason is None:
            raise
        text, _, advice = reason.partition("; ")
        yield Finding("database", Verdict.PROBLEM, text, advice or None)


async def _facts(platform: Platform) -> AsyncIterator[Finding]:
    facts = await inspect_database(platform)
    major, minor = facts.version
    text = f"PostgreSQL {major}.{minor} answers in {facts.answer_seconds * 1000:.1f} ms"
    if major < OLDEST_POSTGRES:
        advice = f"move to PostgreSQL {OLDEST_POSTGRES} or newer"
        yield Finding("database", Verdict.PROBLEM, text, advice)
    elif facts.answer_seconds > _SLOW_SECONDS:
        yield Finding("database", Verdict.WARNING, text, "place the servers nearer to it")
    else:
        yield Finding("database", Verdict.OK, text)
    if facts.pending_migrations:
        names = ", ".join(facts.pending_migrations)
        yield Finding("schema", Verdict.PROBLEM, f"not applied: {names}", "run `estafette migrate`")
    elif facts.newer_migrations:
        names = ", ".join(facts.newer_migrations)
        text = f"of a newer Estafette, which applied {names}"
        yield Finding("schema", Verdict.WARNING, text, "finish the upgrade of this machine")
    else:
        yield Finding("schema", Verdict.OK, "of this version")
    ahead = facts.clock_ahead_seconds
    if abs(ahead) > _SKEW_SECONDS:
        text = f"the database's is {ahead:+.1f} s from this machine's"
        yield Finding("clock", Verdict.PROBLEM, text, "let NTP set both")
    else:
        yield Finding("clock", Verdict.OK, f"{abs(ahead) * 1000:.0f} ms from the database's")


async def _endpoints(platform: Platform, known: Settings) -> AsyncIterator[Finding]:
    try:
        every = [
            (account, endpoint)
            for account in await list_accounts(platform)
            for endpoint in await list_endpoints(platform, account.id)
        ]
    except WrongSecretKeyError as error:  # another key wrote some of them
        yield Finding("secret key", Verdict.PROBLEM, *_parted(str(error)))
        return
    for account, endpoint in every:
        if endpoint.url:
            waits = 0
            if not endpoint.is_enabled:
                of_account = await waiting(platform, account.id)
                waits = of_account.get((endpoint.scope, endpoint.name), 0)
            yield await _endpoint(account.name, endpoint, endpoint.url, waits, known)


async def _endpoint(
    account: str, endpoint: EndpointSettings, url: str, waiting: int, known: Settings
) -> Finding:
    mode = endpoint.scope.mode
    who = f"{account}/{mode}/{endpoint.name} at {urlsplit(url).netloc}"
    of = f"--account {account} --mode {mode} --name {endpoint.name}"
    if not endpoint.is_enabled:
        why = " as gone: its receiver answered 410" if endpoint.disabled_why else ""
        waits = f"; webhooks that wait for it: {waiting}" if waiting else ""
        advice = f"estafette webhooks enable {of}, or remove it"
        return Finding("webhooks", Verdict.WARNING, f"{who}: disabled{why}{waits}", advice)
    try:
        await asyncio.to_thread(check_reach, url, known.webhook_allowed_networks)
    except NotReachedError as error:
        advice = f"{error.advice}: estafette webhooks set {of} --url URL"
        return Finding("webhooks", Verdict.PROBLEM, f"{who}: {error.reason}", advice)
    return Finding("webhooks", Verdict.OK, f"{who}: may be reached")


async def _public_url(known: Settings) -> Finding:
    url = f"{known.public_url}/healthz"
    advice = "start the server, or correct ESTAFETTE_PUBLIC_URL, to which tracking pages lead"
    try:
        status = await asyncio.to_thread(_status, url)
        if status == 200:
            return Finding("public URL", Verdict.OK, f"{known.public_url} answers")
        text = f"{url} answers with status {status}"
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        text = f"{known.public_url} does not answer ({str(reason) or type(error).__name__})"
    return Finding("public URL", Verdict.PROBLEM, text, advice)


def _status(url: str) -> int:
    """The status with which a URL answers, through no proxy. Raises OSError or HTTPException."""
    try:
        with build_opener(ProxyHandler({})).open(url, timeout=_REACH_SECONDS) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code
