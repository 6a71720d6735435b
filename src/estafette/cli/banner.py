"""What `up` prints: for a person at a terminal, or as JSON lines."""

import json
import shlex
import shutil
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from string import Template

from estafette.cli.output import say, styled
from estafette.core.accounts.account import MARKETS
from estafette.dialects import Introduction, introduction
from estafette.settings import DEFAULT_DATA_DIR, Settings
from estafette.up.supervisor import Ready


class JsonLines:
    """One JSON object a line on stdout."""

    def said(self, text: str) -> None:
        """Something that a person wants to know."""
        _line({"event": "said", "text": text})

    def ready(self, ready: Ready) -> None:
        """Everything answers: the same as in demo.json, and where the metrics are."""
        _line(
            {
                "event": "ready",
                "base_url": ready.base_url,
                "metrics_url": ready.metrics_url,
                "accounts": ready.accounts,
                "people": dict(ready.people),
            }
        )


class Terminal:
    """A few lines for a person."""

    def __init__(self, settings: Settings) -> None:
        """`settings` are those that `up` was started with."""
        self._settings = settings

    def said(self, text: str) -> None:
        """Something that a person wants to know."""
        _print(f"{styled('estafette', 'cyan')}  {text}")

    def ready(self, ready: Ready) -> None:
        """Everything answers: where, with which keys, and a first call to try."""
        _print(_banner(ready, self._settings))


def _banner(ready: Ready, settings: Settings) -> str:
    known = {name: introduction(name) for name in ready.accounts}
    rows = [("Base URL", ready.base_url)]
    if ready.public_url != ready.base_url:
        rows.append(("Public URL", ready.public_url))
    if ready.metrics_url is not None:
        rows.append(("Metrics", ready.metrics_url))
    for place, shown in ready.accounts.items():
        rows += [("", ""), (place.capitalize(), known[place].docs_url(ready.base_url))]
        rows += [(f"  {called.replace('_', ' ')}", key) for called, key in shown.items()]
        if place in ready.people:
            rows.append(("  console", ready.people[place]))
        if board := ready.people.get(f"{place}_board"):
            rows.append(("  board", board))
    if "office" in ready.people:
        rows += [("", ""), ("Office", ready.people["office"])]
    width = max(len(label) for label, _ in rows)
    command = _command(settings)
    remarks: list[str] = []
    if not ready.accounts:
        first, *others = MARKETS
        or_others = f" (or {', '.join(others)})" if others else ""
        remarks.append(f"An account: {command} accounts create NAME --market {first}{or_others}")
    if any("/invitation/" in url for url in ready.people.values()):
        remarks.append(
            "Links to consoles, boards and the office work once: who opens one is the owner"
        )
    account = next(iter(ready.accounts), "NAME")
    url = _webhook_url(ready, settings)
    remarks.append(f"Webhooks: {command} webhooks set --account {account} --url {url}")
    if ready.loopback_allowed:
        remarks.append(
            "          may reach this machine: `up` allows loopback, unlike `serve` and `worker`"
        )
    remarks.append(f"Data: {_short(ready.data_dir)}   Ctrl-C ends everything and keeps the data")
    lines = [
        "",
        f"{styled('●', 'green')} {styled('Estafette is ready', 'bold')}"
        f" {styled(f'after {ready.seconds:.1f} s', 'dim')}",
        "",
        *(_row(label, value, width) for label, value in rows),
        "",
        *(
            f"  {styled(f'Try {name.capitalize()}', 'dim')}\n\n"
            f"{_first_call(known[name], ready.base_url, account)}\n"
            for name, account in ready.accounts.items()
        ),
        *(f"  {styled(remark, 'yellow')}" for remark in _warnings(ready, settings)),
        *(f"  {styled(remark, 'dim')}" for remark in remarks),
        "",
    ]
    return "\n".join(lines)


def _webhook_url(ready: Ready, settings: Settings) -> str:
    """Where webhooks may be sent: to this machine only where that is let."""
    loopback = ip_address("127.0.0.1")
    named = any(loopback in network for network in settings.webhook_allowed_networks)
    reaches = ready.loopback_allowed or named
    return "http://localhost:3000/webhooks" if reaches else "https://shop.example/webhooks"


def _warnings(ready: Ready, settings: Settings) -> list[str]:
    """What is otherwise than on a developer's machine, where others may be served."""
    if not settings.is_public:
        return []
    how = f"on {settings.host}" if settings.listens_beyond_loopback else f"as {ready.public_url}"
    warnings = [f"Others may connect {how}."]
    if ready.accounts:
        warnings = [
            f"{warnings[0]} The keys above open the sandbox accounts of a demo to whoever",
            "has seen them, deliveries and webhooks included: start with `up --no-demo`, and take",
            "them away with `accounts remove`.",
        ]
    if not settings.webhook_allowed_networks:
        warnings += [
            "Webhooks may not reach this machine or its network, for others are served;"
            " to let them, set",
            "ESTAFETTE_WEBHOOK_ALLOWED_NETWORKS=127.0.0.0/8 or the like.",
        ]
    return [*warnings, ""]


def _row(label: str, value: str, width: int) -> str:
    return f"  {styled(label.ljust(width), 'dim')}  {value}" if label else ""


def _first_call(of: Introduction, base_url: str, account: Mapping[str, str]) -> str:
    """A call to paste; one that creates something replays its first answer when made twice."""
    order = f"ORD-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}"
    return Template(of.first_call).substitute(account, url=of.mount.url(base_url), order=order)


def _command(settings: Settings) -> str:
    """How a person in this folder calls `estafette` so that it finds this run."""
    called = Path(sys.argv[0])
    on_path = called.name != "estafette" or shutil.which("estafette") == str(called)
    command = "estafette" if on_path else str(called)
    usual = DEFAULT_DATA_DIR
    if settings.data_dir.resolve() == usual.resolve():
        return command
    return f"ESTAFETTE_DATA_DIR={shlex.quote(str(settings.data_dir))} {command}"


def _short(path: Path) -> str:
    with suppress(ValueError):
        return f"./{path.relative_to(Path.cwd())}"
    return str(path)


def _line(data: object) -> None:
    _print(json.dumps(data))


def _print(text: str) -> None:
    """Prints unless nobody can read it any more: a closed terminal ends nothing by itself."""
    try:
        say(text)
    except OSError:
        with suppress(OSError):
            sys.stdout.close()
