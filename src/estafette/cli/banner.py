"""What `up` prints: for a person at a terminal, or as JSON lines."""

import json
import shlex
import shutil
import sys
import time
from contextlib import suppress
from pathlib import Path

from estafette.cli.output import say, styled
from estafette.settings import Settings
from estafette.supervisor import Ready


class JsonLines:
    """One JSON object a line on stdout."""

    def said(self, text: str) -> None:
        """Something that a person wants to know."""
        _line({"event": "said", "text": text})

    def ready(self, ready: Ready) -> None:
        """Everything answers: the same as in demo.json."""
        _line({"event": "ready", "base_url": ready.base_url, "accounts": ready.accounts})


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


_DOCS = {"kaspi": "/delivery/docs", "entrega": "/v1/docs"}


def _banner(ready: Ready, settings: Settings) -> str:
    name, account = next(iter(ready.accounts.items()))
    rows = [("Base URL", ready.base_url)]
    if ready.public_url != ready.base_url:
        rows.append(("Public URL", ready.public_url))
    for place, shown in ready.accounts.items():
        rows += [("", ""), (place.capitalize(), f"{ready.base_url}{_DOCS[place]}")]
        rows += [(f"  {called.replace('_', ' ')}", key) for called, key in shown.items()]
    width = max(len(label) for label, _ in rows)
    command = _command(settings)
    remarks = [
        f"Webhooks: {command} webhooks set --account {name} --url http://localhost:3000/webhooks"
    ]
    if ready.loopback_allowed:
        remarks.append(
            "          may reach this machine: `up` allows loopback, unlike `serve` and `worker`"
        )
    if settings.listens_beyond_loopback:
        remarks.append(f"Listening on {settings.host}: other machines may connect")
    remarks.append(f"Data: {_short(ready.data_dir)}   Ctrl-C ends everything and keeps the data")
    lines = [
        "",
        f"{styled('●', 'green')} {styled('Estafette is ready', 'bold')}"
        f" {styled(f'after {ready.seconds:.1f} s', 'dim')}",
        "",
        *(_row(label, value, width) for label, value in rows),
        "",
        f"  {styled('Try it', 'dim')}",
        "",
        _curl(ready.base_url, account["api_key"]),
        "",
        *(f"  {styled(remark, 'dim')}" for remark in remarks),
        "",
    ]
    return "\n".join(lines)


def _row(label: str, value: str, width: int) -> str:
    return f"  {styled(label.ljust(width), 'dim')}  {value}" if label else ""


def _curl(base_url: str, api_key: str) -> str:
    """A call that creates a delivery; made twice, it replays the first answer."""
    order = f"ORD-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}"
    return f"""\
curl -X POST {base_url}/delivery/v1/deliveries \\
  -H 'x-api-key: {api_key}' \\
  -H 'Idempotency-Key: {order}' \\
  -H 'Content-Type: application/json' \\
  -d '{{
    "externalOrderId": "{order}",
    "pickup": {{"address": "21 Zhibek Zholy, Almaty",
               "contact": {{"name": "Warehouse A", "phone": "+7 727 111 0000"}}}},
    "dropoff": {{"address": "17 Abylay Khan Ave, Almaty",
                "contact": {{"name": "Dana K.", "phone": "+7 701 222 0000"}}}},
    "parcel": {{"description": "Electronics", "weightGrams": 1200, "valueKzt": 85000}}
  }}'"""


def _command(settings: Settings) -> str:
    """How a person in this folder calls `estafette` so that it finds this run."""
    called = Path(sys.argv[0])
    on_path = called.name != "estafette" or shutil.which("estafette") == str(called)
    command = "estafette" if on_path else str(called)
    usual = Settings.model_fields["data_dir"].default
    if settings.data_dir.resolve() == Path(usual).resolve():
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
