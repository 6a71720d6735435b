"""One API key: what it may do, and what is done to it."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from estafette.core.accounts.account import Account
from estafette.core.accounts.acts import NetworkError
from estafette.core.accounts.page_limits import (
    MOST_PER_HOUR,
    PageLimits,
    PageLimitsError,
    PickupPlace,
    place_text,
    read_place,
)
from estafette.core.money.payment import PaymentMethod
from estafette.core.money.sums import LARGEST_SUM
from estafette.core.people.permission import PersonAct
from estafette.http.shell import Tone
from estafette.http.texts import gettext
from estafette.usecases.accounts.keys import (
    ApiKey,
    KeyRefusedError,
    change_key,
    disable_key,
    enable_key,
    list_keys,
    revoke_key,
    rotate_key,
    set_limits,
)
from estafette.usecases.platform import Platform
from estafette.web.asked import id_in
from estafette.web.developers.keys import (
    FOLDER,
    bad_network,
    field_of,
    issued_page,
    rules_in,
    typed,
)
from estafette.web.developers.words import act_names, fault, method_names, state
from estafette.web.forms import Form
from estafette.web.session import SAFE
from estafette.web.visit import Visit, render

OVERLAPS: Final = (0, 1, 24, 7 * 24)
"""For how many hours an old key may go on beside its follower."""


async def show(request: Request, visit: Visit) -> Response:
    """Shows one key."""
    key, now = await _key(visit), datetime.now(UTC)
    has_ended = key.expires_at is not None and key.expires_at <= now
    return render(
        visit,
        f"{FOLDER}/key.html",
        key=key,
        state=state(key, now),
        has_ended=has_ended,
        can_rotate=not has_ended and key.disabled_at is None and key.replaced_by is None,
        acts=act_names(key.acts),
        places=[place_text(place) for place in key.limits.pickups] if key.limits else [],
        ways=", ".join(
            text for method, text in method_names() if key.limits and method in key.limits.methods
        ),
        may_manage=visit.may(PersonAct.KEYS_MANAGE),
        here=_here(visit, key),
    )


async def change(request: Request, visit: Visit) -> Response:
    """Shows the form of a key's rules, or changes them."""
    key, form = await _key(visit), visit.form

    def shown(faults: dict[str, str], status: int = 200) -> Response:
        return render(
            visit,
            f"{FOLDER}/key_change.html",
            status=status,
            key=key,
            faults=faults,
            here=_here(visit, key),
            **typed(form, key.kind, key),
        )

    if request.method in SAFE:
        return shown({})

    async def do() -> Response:
        try:
            rules = rules_in(visit, form, key.kind, key)
            await change_key(visit.platform, visit.account, str(key.id), lambda _: rules)
        except KeyRefusedError as error:
            return shown({field_of(error.fault): fault(error.fault)}, 422)
        except NetworkError:
            return shown({"networks": bad_network(form)}, 422)
        return visit.go(_here(visit, key), gettext("The key is changed. It counts at once."))

    return await visit.once(do)


async def limit(request: Request, visit: Visit) -> Response:
    """Shows what pages with a publishable key may order, or changes that."""
    key, form = await _key(visit), visit.form
    if key.limits is None:
        raise HTTPException(404)
    was = key.limits

    def shown(error: str = "", field: str = "") -> Response:
        places = "\n".join(place_text(place) for place in was.pickups)
        return render(
            visit,
            f"{FOLDER}/key_limits.html",
            status=422 if error else 200,
            key=key,
            faults={field: error} if error else {},
            places=form.value("places", places),
            methods=method_names(),
            chosen=form.values("methods") if form.fields else was.methods,
            highest_cash=form.value("highest_cash", str(was.highest_cash)),
            per_hour=form.value("per_hour", str(was.per_hour)),
            per_address=form.value("per_address", str(was.per_hour_from_address)),
            held=form.has("held") if form.fields else was.held,
            most_cash=LARGEST_SUM,
            most_per_hour=MOST_PER_HOUR,
            currency=visit.account.market.currency,
            here=_here(visit, key),
        )

    if request.method in SAFE:
        return shown()

    async def do() -> Response:
        places = list[PickupPlace]()
        for line in form.value("places").split("\n"):
            try:
                places += [read_place(line)] if line.strip() else []
            except PageLimitsError:
                message = gettext(
                    "%(line)s is not a place as the example shows it.", line=line[:80]
                )
                return shown(message, "places")
        wanted = _limits(form, tuple(places))
        if wanted is None:
            return shown(gettext("Choose a way to pay, and write whole numbers."), "")
        try:
            await set_limits(visit.platform, visit.account, str(key.id), lambda _: wanted)
        except KeyRefusedError as error:
            return shown(fault(error.fault))
        return visit.go(_here(visit, key), gettext("The limits are changed. They count at once."))

    return await visit.once(do)


def _limits(form: Form, places: tuple[PickupPlace, ...]) -> PageLimits | None:
    methods = tuple(method for method in PaymentMethod if method in form.values("methods"))
    numbers = [form.value(name) for name in ("highest_cash", "per_hour", "per_address")]
    if not methods or not all(text.isascii() and text.isdigit() for text in numbers):
        return None
    if max(map(len, numbers)) > 16:
        return None
    return PageLimits(places, methods, *map(int, numbers), held=form.has("held"))


async def rotate(request: Request, visit: Visit) -> Response:
    """Makes a key's follower, which is shown this once."""
    key = await _key(visit)
    hours = visit.form.value("hours")
    if hours not in map(str, OVERLAPS):
        raise HTTPException(400)

    async def do() -> Response:
        overlap = timedelta(hours=int(hours))
        try:
            issued = await rotate_key(visit.platform, visit.account, str(key.id), overlap)
        except KeyRefusedError as error:
            return visit.go(_here(visit, key), fault(error.fault), Tone.BAD)
        return issued_page(visit, issued, await _key(visit))

    return await visit.once(do, otherwise=f"{visit.home}/keys")


async def disable(request: Request, visit: Visit) -> Response:
    """Refuses a key until it is enabled."""
    return await _do(visit, disable_key, gettext("The key is refused from now on."))


async def enable(request: Request, visit: Visit) -> Response:
    """Accepts a disabled key again."""
    return await _do(visit, enable_key, gettext("The key is accepted again."))


async def revoke(request: Request, visit: Visit) -> Response:
    """Ends a key for good."""
    return await _do(visit, revoke_key, gettext("The key has ended for good."))


async def _do(
    visit: Visit,
    act: Callable[[Platform, Account, str], Awaitable[ApiKey]],
    done: str,
) -> Response:
    key = await _key(visit)

    async def do() -> Response:
        try:
            await act(visit.platform, visit.account, str(key.id))
        except KeyRefusedError as error:
            return visit.go(_here(visit, key), fault(error.fault), Tone.BAD)
        return visit.go(_here(visit, key), done)

    return await visit.once(do)


def _here(visit: Visit, key: ApiKey) -> str:
    return f"{visit.home}/keys/{key.id.hex}"


async def _key(visit: Visit) -> ApiKey:
    """Returns the key that the path names. Raises HTTPException (404)."""
    id = id_in(visit.request.path_params["key"])
    for key in await list_keys(visit.platform, visit.account):
        if key.id == id and key.mode is visit.mode:
            return key
    raise HTTPException(404)
