"""The list of API keys, and a new one."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from estafette.core.accounts.account import KeyKind
from estafette.core.accounts.acts import Act, Network, NetworkError, read_network
from estafette.core.people.permission import PersonAct
from estafette.http.texts import gettext
from estafette.usecases.accounts.keys import (
    ApiKey,
    IssuedKey,
    KeyFault,
    KeyRefusedError,
    KeyRules,
    create_key,
    list_keys,
)
from estafette.web.asked import PAGE, end_of, id_in, neighbours
from estafette.web.developers.inputs import zone_of
from estafette.web.developers.words import act_names, fault, state
from estafette.web.forms import Form
from estafette.web.parts import Column
from estafette.web.session import SAFE
from estafette.web.visit import Visit, render

FOLDER: Final = "web/developers/templates"


async def show(request: Request, visit: Visit) -> Response:
    """Shows the keys of this mode, newest first."""
    every = [
        key for key in await list_keys(visit.platform, visit.account) if key.mode is visit.mode
    ]
    every.reverse()
    after = request.query_params.get("after", "")
    found = [key for key in every if not after or key.id < id_in(after)]
    shown = found[:PAGE]
    following = shown[-1].id.hex if len(found) > PAGE else ""
    now = datetime.now(UTC)
    return render(
        visit,
        f"{FOLDER}/keys.html",
        columns=(
            Column("name", gettext("Key")),
            Column("acts", gettext("May")),
            Column("used", gettext("Last used"), "time"),
            Column("ends", gettext("Ends"), "time"),
            Column("state", gettext("State")),
        ),
        keys=shown,
        paging=neighbours(request, {}, following),
        state=partial(state, now=now),
        act_names=act_names,
        may_manage=visit.may(PersonAct.KEYS_MANAGE),
    )


async def create(request: Request, visit: Visit) -> Response:
    """Shows the form of a new key, or makes one, which is shown this once."""
    kinds = list(visit.account.market.keys)
    form, like = visit.form, await _like(visit, request.query_params.get("like", ""))
    chosen = form.value("kind", like.kind if like else "")
    kind = KeyKind(chosen) if chosen in kinds else KeyKind.SECRET

    def shown(faults: Mapping[str, str], status: int = 200) -> Response:
        return render(
            visit,
            f"{FOLDER}/key_new.html",
            status=status,
            faults=faults,
            kinds=kinds,
            kind=kind,
            **typed(form, kind, like),
        )

    if request.method in SAFE:
        return shown({})

    async def make() -> Response:
        try:
            rules = rules_in(visit, form, kind)
            issued = await create_key(visit.platform, visit.account, visit.mode, kind, rules)
        except KeyRefusedError as error:
            return shown({field_of(error.fault): fault(error.fault)}, 422)
        except NetworkError:
            return shown({"networks": bad_network(form)}, 422)
        return issued_page(visit, issued)

    return await visit.once(make, otherwise=f"{visit.home}/keys")


async def _like(visit: Visit, text: str) -> ApiKey | None:
    """Returns the key whose rules a new one begins with, such as one that is disabled."""
    known = await list_keys(visit.platform, visit.account) if text else []
    return next((key for key in known if key.id.hex == text and key.mode is visit.mode), None)


def issued_page(visit: Visit, issued: IssuedKey, old: ApiKey | None = None) -> Response:
    """Returns the page that shows a new key; `old` is one that it replaces."""
    return render(visit, f"{FOLDER}/key_issued.html", issued=issued, old=old)


def typed(form: Form, kind: KeyKind, key: ApiKey | None = None) -> dict[str, object]:
    """Returns what the fields of a key's rules show: what was typed, else what is."""
    acts = form.values("acts") if form.fields else (key.acts if key else kind.acts)
    return {
        "name": form.value("name", key.name if key else ""),
        "acts": act_names(kind.acts),
        "chosen": frozenset(map(str, acts)),
        "networks": form.value("networks", "\n".join(map(str, key.networks)) if key else ""),
        "expires": form.value("expires"),
    }


def rules_in(visit: Visit, form: Form, kind: KeyKind, key: ApiKey | None = None) -> KeyRules:
    """Returns the rules that a form asks for. Raises KeyRefusedError or NetworkError."""
    acts = frozenset(Act(text) for text in form.values("acts") if text in set(Act))
    if not acts & kind.acts:
        raise KeyRefusedError("", KeyFault.ACTS)
    expires_at = key.expires_at if key else None
    if text := form.value("expires"):
        expires_at = end_of(text, zone_of(visit))
        if expires_at is None:
            raise KeyRefusedError("", KeyFault.PAST)
    elif form.has("never"):
        expires_at = None
    networks = [read_network(line) for line in _lines(form)]
    return KeyRules(form.value("name"), acts, tuple(networks), expires_at)


def _lines(form: Form) -> list[str]:
    return [line for line in form.value("networks").replace(",", "\n").split("\n") if line.strip()]


def bad_network(form: Form) -> str:
    """Returns which line of a form is no network."""
    for line in _lines(form):
        if _network(line) is None:
            return gettext(
                "%(text)s is neither a network such as 203.0.113.0/24 nor an address.",
                text=line.strip()[:50],
            )
    return ""


def _network(line: str) -> Network | None:
    try:
        return read_network(line)
    except NetworkError:
        return None


_FIELDS: Final[Mapping[KeyFault, str]] = {
    KeyFault.NAME: "name",
    KeyFault.ACTS: "acts",
    KeyFault.NETWORKS: "networks",
    KeyFault.PAST: "expires",
}


def field_of(of: KeyFault) -> str:
    """Returns the field that a fault is about; "" for the whole form."""
    return _FIELDS.get(of, "")
