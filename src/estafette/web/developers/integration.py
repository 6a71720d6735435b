"""How an integration begins: addresses, the widget's tag, trusted origins, the API's changes."""

import json
import tomllib
from datetime import date
from typing import Any, Final, NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from estafette.core.accounts.account import KeyKind
from estafette.core.accounts.origin import OriginPatternError, read_pattern
from estafette.core.people.permission import PersonAct
from estafette.http.texts import gettext
from estafette.usecases.accounts.administration import (
    MOST_ORIGINS,
    AccountRefusedError,
    set_origins,
)
from estafette.usecases.accounts.keys import list_keys
from estafette.web.developers.spoken import spoken
from estafette.web.session import SAFE
from estafette.web.visit import Visit, render

FOLDER: Final = "web/developers/templates"

_TAG: Final = """<div id="delivery"></div>
<script async src="{url}/widget.js"
        data-key="{key}"
        data-target="#delivery"
        data-origin='{origin}'
        data-parcel='{parcel}'></script>
"""
_ORIGIN: Final = {"address_line": "Rua Rainha Ginga 31", "city": "Luanda", "province": "Luanda"}
_PARCEL: Final = {"weight_grams": 900, "description": "Livros"}


def _has_pages(visit: Visit) -> bool:
    """Returns whether accounts of this market have keys for web pages."""
    return KeyKind.PUBLISHABLE in visit.account.market.keys


async def show(request: Request, visit: Visit) -> Response:
    """Shows what an integration needs to know."""
    tag = ""
    if _has_pages(visit):
        keys = await list_keys(visit.platform, visit.account)
        has_key = any(key.kind is KeyKind.PUBLISHABLE and key.mode is visit.mode for key in keys)
        prefix = visit.account.market.keys[KeyKind.PUBLISHABLE]
        word = "live" if visit.mode == "live" else "test"
        tag = _TAG.format(
            url=visit.platform.public_url,
            key=f"{prefix}_{word}_…",
            origin=json.dumps(_ORIGIN),
            parcel=json.dumps(_PARCEL),
        )
    else:
        has_key = False
    return render(
        visit,
        f"{FOLDER}/integration.html",
        api=spoken(request, visit),
        tag=tag,
        has_key=has_key,
        origins=visit.account.origins,
        may_manage=visit.may(PersonAct.ORIGINS_MANAGE),
        addresses=list(map(str, visit.platform.webhook_addresses)),
        json_url=f"{visit.platform.public_url}/webhook-addresses.json",
    )


async def origins(request: Request, visit: Visit) -> Response:
    """Shows the form of the web pages that are trusted, or trusts others."""
    if not _has_pages(visit):
        raise HTTPException(404)
    form = visit.form
    written = form.value("origins", "\n".join(visit.account.origins))

    def shown(error: str = "") -> Response:
        return render(
            visit,
            f"{FOLDER}/origins.html",
            status=422 if error else 200,
            error=error,
            origins=written,
            most=MOST_ORIGINS,
        )

    if request.method in SAFE:
        return shown()

    async def do() -> Response:
        patterns = [line for line in written.split("\n") if line.strip()]
        for pattern in patterns:
            try:
                read_pattern(pattern)
            except OriginPatternError:
                text = pattern.strip()[:80]
                return shown(
                    gettext("%(text)s is not an origin such as https://loja.ao.", text=text)
                )
        try:
            await set_origins(visit.platform, visit.account.name, patterns)
        except AccountRefusedError:
            return shown(gettext("There are at most %(most)s origins.", most=MOST_ORIGINS))
        said = gettext("These pages are trusted from now on, and no others.")
        return visit.go(f"{visit.home}/integration", said)

    return await visit.once(do)


class Change(NamedTuple):
    """What changed of an API on a day: sentences, in which `code` stands between backticks."""

    day: date
    changes: list[list[str]]


def changes_in(text: str) -> list[Change]:
    """Returns the changes in a `changelog.toml`, newest first."""
    entries: list[dict[str, Any]] = tomllib.loads(text)["entry"]
    found = [
        Change(entry["date"], [sentence.split("`") for sentence in entry["changes"]])
        for entry in entries
    ]
    return sorted(found, key=lambda change: change.day, reverse=True)


async def changelog(request: Request, visit: Visit) -> Response:
    """Shows what changed of the account's API."""
    api = spoken(request, visit)
    return render(visit, f"{FOLDER}/changelog.html", api=api, changes=changes_in(api.changelog))
