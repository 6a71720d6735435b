"""One webhook endpoint: where it is, what it is told of, its secret, and what is done to it."""

from collections.abc import Awaitable
from datetime import timedelta
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from estafette.core.errors import EndpointMissing
from estafette.core.people.permission import PersonAct
from estafette.core.webhooks.headers import (
    MOST_HEADERS,
    MOST_NAME_CHARACTERS,
    MOST_VALUE_CHARACTERS,
)
from estafette.http.shell import Tone
from estafette.http.texts import gettext, ngettext
from estafette.notifications.outcomes import outcome
from estafette.usecases.webhooks.endpoints import (
    finish_rotation,
    reveal_endpoint,
    send_test,
    set_enabled,
    set_endpoint,
)
from estafette.usecases.webhooks.endpoints import rotate as rotate_secret
from estafette.usecases.webhooks.look import AttemptFilter, Watched, list_attempts, watch_endpoints
from estafette.usecases.webhooks.options import (
    AS_THE_DIALECT_SAYS,
    MOST_ORDER_SECONDS,
    Format,
    HeaderRefusedError,
    choose,
    remove_header,
    set_header,
)
from estafette.usecases.webhooks.remove import remove_endpoint
from estafette.web.developers.endpoints import FOLDER, url_fault
from estafette.web.developers.spoken import spoken
from estafette.web.developers.words import advice, outcome_tone
from estafette.web.forms import Form
from estafette.web.session import SAFE
from estafette.web.visit import Visit, render

OVERLAPS: Final = (0, 1, 24, 7 * 24)
"""After how many hours a new secret may begin to sign."""

_FORMATS: Final[tuple[Format, ...]] = ("dialect", "standard")
_LATEST: Final = 5


async def show(request: Request, visit: Visit) -> Response:
    """Shows one endpoint with its latest attempts."""
    return await _shown(visit, {})


async def _shown(visit: Visit, faults: dict[str, str]) -> Response:
    watched = await _watched(visit)
    api = spoken(visit.request, visit)
    may_see = visit.may(PersonAct.WEBHOOKS_SEE)
    latest = None
    if may_see:
        of = AttemptFilter(endpoint=watched.endpoint.name)
        latest = await list_attempts(visit.platform, visit.scope, of, limit=_LATEST)
    return render(
        visit,
        f"{FOLDER}/endpoint.html",
        status=422 if faults else 200,
        faults=faults,
        watched=watched,
        endpoint=watched.endpoint,
        api=api,
        latest=latest.attempts if latest else [],
        overlaps=OVERLAPS,
        most_headers=MOST_HEADERS,
        most_name=MOST_NAME_CHARACTERS,
        most_value=MOST_VALUE_CHARACTERS,
        outcome=outcome,
        outcome_tone=outcome_tone,
        advice=advice,
        header=visit.form.value("header"),
        may_manage=visit.may(PersonAct.ENDPOINTS_MANAGE),
        may_reveal=visit.may(PersonAct.ENDPOINTS_REVEAL),
        here=_here(visit),
    )


async def change(request: Request, visit: Visit) -> Response:
    """Shows the form of an endpoint's address, events, signature and order; or changes them."""
    endpoint, form = (await _watched(visit)).endpoint, visit.form
    api = spoken(request, visit)
    order = "" if endpoint.order_seconds is None else str(endpoint.order_seconds)

    def shown(faults: dict[str, str], status: int = 200) -> Response:
        return render(
            visit,
            f"{FOLDER}/endpoint_change.html",
            status=status,
            faults=faults,
            endpoint=endpoint,
            api=api,
            url=form.value("url", endpoint.url or ""),
            chosen=form.values("types") if form.fields else (endpoint.types or api.types),
            format=form.value("format", endpoint.format),
            order=form.value("order", order) if form.fields else order,
            most_order=MOST_ORDER_SECONDS,
            here=_here(visit),
        )

    if request.method in SAFE:
        return shown({})

    async def do() -> Response:
        types = [each for each in api.types if each in form.values("types")]
        faults = _faults(form, types)
        if faults:
            return shown(faults, 422)
        url, name = form.value("url") or None, endpoint.name
        if url != endpoint.url:
            await set_endpoint(visit.platform, visit.scope, url, name)
        await choose(
            visit.platform,
            visit.scope,
            name,
            format="standard" if form.value("format") == "standard" else "dialect",
            order_seconds=int(form.value("order") or AS_THE_DIALECT_SAYS),
            types=types,
        )
        said = gettext("The endpoint is changed. It counts from the next attempt on.")
        return visit.go(_here(visit), said)

    return await visit.once(do)


def _faults(form: Form, types: list[str]) -> dict[str, str]:
    faults = dict[str, str]()
    url, order = form.value("url"), form.value("order")
    if url and (error := url_fault(url)):
        faults["url"] = error
    if not types:
        faults["types"] = gettext("Choose at least one event.")
    is_number = order.isascii() and order.isdigit() and len(order) < 8
    if order and not (is_number and int(order) <= MOST_ORDER_SECONDS):
        faults["order"] = gettext("Write seconds from 0 to %(most)s.", most=MOST_ORDER_SECONDS)
    if form.value("format") not in _FORMATS:
        faults["format"] = gettext("Choose one of the two.")
    return faults


async def set_one_header(request: Request, visit: Visit) -> Response:
    """Sends webhooks with a header of the merchant's own."""
    form = visit.form

    async def do() -> Response:
        header, value = form.value("header"), form.value("header_secret")
        try:
            await set_header(visit.platform, visit.scope, _name(visit), header, value)
        except HeaderRefusedError:
            return await _shown(visit, {"header": _bad_header()})
        return visit.go(_here(visit), gettext("The header is set. Its value is shown nowhere."))

    return await _found(visit.once(do))


def _bad_header() -> str:
    return gettext(
        "This header cannot be set. Its name has letters, digits and hyphens and is none that"
        " Estafette writes itself, its value is printable, and there are at most %(most)s.",
        most=MOST_HEADERS,
    )


async def remove_one_header(request: Request, visit: Visit) -> Response:
    """Sends webhooks without a header."""

    async def do() -> Response:
        header = visit.form.value("header")
        await remove_header(visit.platform, visit.scope, _name(visit), header)
        return visit.go(_here(visit), gettext("The header is not sent any more."))

    return await _found(visit.once(do))


async def test(request: Request, visit: Visit) -> Response:
    """Sends a test, and leads to what came of it."""
    types, type = spoken(request, visit).types, visit.form.value("type")
    if type not in types:
        raise HTTPException(400)

    async def do() -> Response:
        name = _name(visit)
        try:
            id = await send_test(visit.platform, visit.scope, type, endpoint=name)
        except EndpointMissing:
            said = gettext("Give the endpoint a URL and enable it first.")
            return visit.go(_here(visit), said, Tone.BAD)
        return visit.go(f"{visit.home}/attempts/{id.hex}/1", gettext("The test is on its way."))

    return await visit.once(do)


async def enable(request: Request, visit: Visit) -> Response:
    """Sends webhooks to an endpoint again."""

    async def do() -> Response:
        await set_enabled(visit.platform, visit.scope, _name(visit), enabled=True)
        said = gettext("The endpoint is enabled. What waited for it is sent now.")
        return visit.go(_here(visit), said)

    return await _found(visit.once(do))


async def disable(request: Request, visit: Visit) -> Response:
    """Sends an endpoint nothing until it is enabled."""

    async def do() -> Response:
        await set_enabled(visit.platform, visit.scope, _name(visit), enabled=False)
        said = gettext("The endpoint is disabled. What waits for it is kept.")
        return visit.go(_here(visit), said)

    return await _found(visit.once(do))


async def remove(request: Request, visit: Visit) -> Response:
    """Removes an endpoint for good."""

    async def do() -> Response:
        count = await remove_endpoint(visit.platform, visit.scope, _name(visit))
        said = ngettext(
            "The endpoint is removed. %(count)s webhook that waited for it is given up.",
            "The endpoint is removed. %(count)s webhooks that waited for it are given up.",
            count,
        )
        return visit.go(f"{visit.home}/webhooks", said)

    return await _found(visit.once(do))


async def reveal(request: Request, visit: Visit) -> Response:
    """Shows the secret, which is written down."""

    async def do() -> Response:
        endpoint = await reveal_endpoint(visit.platform, visit.scope, _name(visit))
        return render(visit, f"{FOLDER}/endpoint_secret.html", endpoint=endpoint, is_new=False)

    return await _found(visit.once(do, otherwise=_here(visit)))


async def rotate(request: Request, visit: Visit) -> Response:
    """Makes a new secret, and shows it."""
    hours = visit.form.value("hours")
    if hours not in map(str, OVERLAPS):
        raise HTTPException(400)

    async def do() -> Response:
        overlap = timedelta(hours=int(hours))
        endpoint = await rotate_secret(visit.platform, visit.scope, overlap, _name(visit))
        return render(visit, f"{FOLDER}/endpoint_secret.html", endpoint=endpoint, is_new=True)

    return await _found(visit.once(do, otherwise=_here(visit)))


async def finish(request: Request, visit: Visit) -> Response:
    """Lets the new secret sign from now on."""

    async def do() -> Response:
        await finish_rotation(visit.platform, visit.scope, _name(visit))
        return visit.go(_here(visit), gettext("The new secret signs from now on."))

    return await _found(visit.once(do))


async def _found(response: Awaitable[Response]) -> Response:
    """Returns the response; 404 where there is no such endpoint (any more)."""
    try:
        return await response
    except EndpointMissing:
        raise HTTPException(404) from None


def _name(visit: Visit) -> str:
    return visit.request.path_params["endpoint"]


def _here(visit: Visit) -> str:
    return f"{visit.home}/webhooks/{_name(visit)}"


async def _watched(visit: Visit) -> Watched:
    """Returns the endpoint that the path names. Raises HTTPException (404)."""
    for each in await watch_endpoints(visit.platform, visit.scope):
        if each.endpoint.name == _name(visit):
            return each
    raise HTTPException(404)
