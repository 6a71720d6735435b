"""The webhook endpoints of an account with how they do, and a new one."""

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from estafette.core.people.permission import PersonAct
from estafette.http.texts import gettext
from estafette.notifications.outcomes import outcome
from estafette.usecases.accounts.administration import AccountRefusedError, checked_name
from estafette.usecases.webhooks.endpoints import MOST_ENDPOINTS, set_endpoint
from estafette.usecases.webhooks.look import MOST_NEWEST, MOST_WAITING, watch_endpoints
from estafette.usecases.webhooks.options import choose
from estafette.web.developers.spoken import spoken
from estafette.web.parts import Column
from estafette.web.session import SAFE
from estafette.web.visit import Visit, render
from estafette.webhooks.guard import UrlRefusedError, check_url

FOLDER: Final = "web/developers/templates"
LONGEST_URL: Final = 2_048


async def show(request: Request, visit: Visit) -> Response:
    """Shows every endpoint of this mode with how it does."""
    return render(
        visit,
        f"{FOLDER}/endpoints.html",
        columns=(
            Column("name", gettext("Endpoint")),
            Column("rate", gettext("Delivered, last day"), "number"),
            Column("failed", gettext("Last failure")),
            Column("waiting", gettext("Waiting"), "number"),
            Column("state", gettext("State")),
        ),
        watched=await watch_endpoints(visit.platform, visit.scope),
        newest=MOST_NEWEST,
        most_waiting=MOST_WAITING,
        outcome=outcome,
        may_manage=visit.may(PersonAct.ENDPOINTS_MANAGE),
        may_resend=visit.may(PersonAct.WEBHOOKS_RESEND),
    )


async def create(request: Request, visit: Visit) -> Response:
    """Shows the form of a new endpoint, or makes one."""
    types, form = spoken(request, visit).types, visit.form

    def shown(faults: Mapping[str, str], status: int = 200) -> Response:
        return render(
            visit,
            f"{FOLDER}/endpoint_new.html",
            status=status,
            faults=faults,
            name=form.value("name"),
            url=form.value("url"),
            types=types,
            chosen=form.values("types") if form.fields else types,
        )

    if request.method in SAFE:
        return shown({})

    async def make() -> Response:
        name, url = form.value("name"), form.value("url")
        wanted = tuple(each for each in types if each in form.values("types"))
        faults = _faults(name, url, wanted)
        known = await watch_endpoints(visit.platform, visit.scope)
        if "name" not in faults and name in [each.endpoint.name for each in known]:
            faults["name"] = gettext("There is an endpoint of this name already.")
        if faults:
            return shown(faults, 422)
        try:
            await set_endpoint(visit.platform, visit.scope, url, name)
            await choose(visit.platform, visit.scope, name, types=wanted)
        except AccountRefusedError:
            most = gettext("There are at most %(most)s endpoints in a mode.", most=MOST_ENDPOINTS)
            return shown({"": most}, 422)
        said = gettext("The endpoint is set. Send a test to see whether it works.")
        return visit.go(f"{visit.home}/webhooks/{name}", said)

    return await visit.once(make, otherwise=f"{visit.home}/webhooks")


def _faults(name: str, url: str, types: tuple[str, ...]) -> dict[str, str]:
    faults = dict[str, str]()
    try:
        checked_name(name)
    except AccountRefusedError:
        faults["name"] = gettext("A name has 1 to 63 lower-case letters, digits, - and _.")
    if error := url_fault(url):
        faults["url"] = error
    if not types:
        faults["types"] = gettext("Choose at least one event.")
    return faults


def url_fault(url: str) -> str:
    """Returns what is wrong with the URL of an endpoint; "" where nothing is."""
    try:
        check_url(url)
    except UrlRefusedError:
        pass
    else:
        if len(url) <= LONGEST_URL:
            return ""
    return gettext("This is not a URL such as https://shop.example/webhooks.")
