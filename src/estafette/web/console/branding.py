"""How an account shows itself to recipients: its name, logo and colour, and what they are told."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from estafette.core.accounts.branding import LONGEST_HOURS, LONGEST_NAME, Branding
from estafette.core.accounts.branding import BrandingRefusedError as Refused
from estafette.core.deliveries.delivery import COURSE, Status
from estafette.core.notifications.notification import NotificationKind
from estafette.core.people.permission import PersonAct
from estafette.http import phones
from estafette.http.pages import as_texts, guards
from estafette.http.texts import LANGUAGES, N_, gettext
from estafette.notifications import texts as told
from estafette.pictures import MOST_BYTES, PictureRefusal, PictureRefusedError
from estafette.usecases.accounts.branding import (
    BrandingChangedError,
    branding_of,
    change_branding,
    version_of,
)
from estafette.usecases.accounts.logo import change_logo, logo_of
from estafette.usecases.deliveries.tracking import TrackedDelivery, TrackedStep
from estafette.web.tracking import render as recipients
from estafette.web.tracking.texts import LANGUAGES as OF_RECIPIENTS
from estafette.web.tracking.view import present
from estafette.web.visit import Page, Visit, page, render

_TEMPLATE: Final = "web/console/templates/branding.html"

LIMIT: Final = MOST_BYTES + 64 * 1024
"""How long the form of a logo may be, the picture included."""

FAULTS: Final = {
    "name": N_("A name has 1 to 60 characters, and no link."),
    "hours": N_("Hours have at most 80 characters, and no link."),
    "colour": N_("Write the colour as #rrggbb, such as #2b46b8."),
    "phone": N_("This is no phone number."),
    "language": N_("Choose one of the languages."),
}
_NAMELESS: Final = N_("Recipients have to be told who writes: give a name first.")

PICTURES: Final = {
    PictureRefusal.TOO_LARGE: N_("The file is larger than 5 MB."),
    PictureRefusal.NO_PICTURE: N_("This is no PNG, JPEG or WebP picture. SVG is not taken."),
    PictureRefusal.HEIC: N_("This is a HEIC or AVIF picture: send it as a JPEG."),
    PictureRefusal.TOO_MANY_PIXELS: N_("The picture has more than 25 megapixels."),
    PictureRefusal.UNREADABLE: N_("The picture cannot be read: it is damaged, or takes too long."),
    PictureRefusal.BUSY: N_("Too many pictures are being read. Send it again in a few seconds."),
}
"""Why a file is refused as a logo."""

KINDS: Final = {
    NotificationKind.CREATED: (N_("A delivery was created"), told.CREATED),
    NotificationKind.OUT_FOR_DELIVERY: (N_("The courier is on the way"), told.ON_THE_WAY),
    NotificationKind.FAILED: (N_("It could not be delivered"), told.FAILED),
    NotificationKind.RESCHEDULED: (N_("Another time was chosen"), told.RESCHEDULED),
    NotificationKind.DELIVERED: (N_("It was delivered"), told.DELIVERED),
}
"""What recipients can be told: its name, and the text."""

SHOWN: Final = {
    Status.PENDING: N_("Ordered"),
    Status.IN_TRANSIT: N_("On its way"),
    Status.OUT_FOR_DELIVERY: N_("Almost there"),
    Status.DELIVERED: N_("Delivered"),
}
"""The states of a delivery that the preview has."""

_PREVIEWED: Final = as_texts(
    guards(style="'self'", font="'self'", img="'self'", framed_by="'self'")
)


def pages(home: str) -> tuple[Page, ...]:
    """Returns the pages below the path of an account in a mode."""
    see, manage, post = PersonAct.BRANDING_SEE, PersonAct.BRANDING_MANAGE, ("POST",)
    base = f"{home}/branding"
    return (
        page(base, see, show),
        page(f"{base}/preview", see, preview),
        page(f"{base}/change", manage, change, post),
        page(f"{base}/logo", manage, take_logo, post, limit=LIMIT),
        page(f"{base}/logo/remove", manage, remove_logo, post),
    )


async def show(request: Request, visit: Visit) -> Response:
    """Shows what was chosen, and the recipient's page as it is with that."""
    return await _shown(request, visit)


async def _shown(
    request: Request,
    visit: Visit,
    *,
    typed: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
    of_logo: str = "",
) -> Response:
    found = await branding_of(visit.platform, visit.account.id)
    language = found.language or visit.account.market.language
    chosen = request.query_params.get("show", Status.OUT_FOR_DELIVERY)
    values: Mapping[str, Any] = typed or {
        "name": found.name or "",
        "colour": found.colour or "",
        "phone": phones.readable(found.phone) if found.phone else "",
        "hours": found.hours or "",
        "language": found.language or "",
        "told": tuple(found.told),
    }
    said = {
        "window": "14:00–18:00",
        "brand": found.name or told.say(told.UNNAMED, language),
        "link": _link(visit),
    }
    return render(
        visit,
        _TEMPLATE,
        status=422 if errors or of_logo else 200,
        here=f"{visit.home}/branding",
        may_change=visit.may(PersonAct.BRANDING_MANAGE),
        values=values,
        errors=errors or {},
        of_logo=of_logo,
        version=version_of(found),
        logo=await logo_of(visit.platform, visit.account.id),
        languages=[("", _of_market(visit)), *LANGUAGES.items()],
        kinds=[
            (kind, gettext(name), told.say(text, language, **said))
            for kind, (name, text) in KINDS.items()
        ],
        shown=chosen if chosen in SHOWN else Status.OUT_FOR_DELIVERY,
        states=[(status, gettext(name)) for status, name in SHOWN.items()],
        longest_name=LONGEST_NAME,
        longest_hours=LONGEST_HOURS,
    )


def _of_market(visit: Visit) -> str:
    own = LANGUAGES[visit.account.market.language]
    return gettext("That of the country: %(language)s", language=own)


def _link(visit: Visit) -> str:
    return f"{visit.platform.public_url}/track/…"


async def change(request: Request, visit: Visit) -> Response:
    """Takes what was chosen; says what is wrong with it beside each field."""
    form, errors = visit.form, dict[str, str]()
    typed = {name: form.value(name) for name in ("name", "colour", "phone", "hours", "language")}
    kinds = frozenset(NotificationKind(one) for one in form.values("told") if one in KINDS)
    number = phones.e164(typed["phone"], visit.account.market.phone_region)
    if typed["phone"] and number is None:
        errors["phone"] = gettext(FAULTS["phone"])
    branding = Branding()
    for name, value in (*typed.items(), ("told", kinds)):
        wanted: Any = {"phone": number, "colour": str(value).lower()}.get(name, value) or None
        try:
            branding = replace(branding, **{name: kinds if name == "told" else wanted})
        except Refused as refused:
            is_nameless = name == "told" and "name" not in errors
            text = _NAMELESS if is_nameless else FAULTS[refused.field]
            errors.setdefault(refused.field, gettext(text))
    if errors:
        kept = {**typed, "told": tuple(kinds)}
        return await _shown(request, visit, typed=kept, errors=errors)

    async def do() -> Response:
        try:
            await change_branding(
                visit.platform, visit.account.id, branding, instead_of=form.value("version")
            )
        except BrandingChangedError:
            text = gettext("Somebody else has changed this meanwhile. Look at it, and send again.")
            kept = {**typed, "told": tuple(kinds)}
            return await _shown(request, visit, typed=kept, errors={"": text})
        return visit.go(f"{visit.home}/branding", gettext("Recipients see it so from now on."))

    return await visit.once(do)


async def take_logo(request: Request, visit: Visit) -> Response:
    """Takes a picture as the logo."""
    file = visit.form.file("logo")
    if file is None or not file.body:
        return await _shown(request, visit, of_logo=gettext("Choose a picture."))

    async def do() -> Response:
        try:
            await change_logo(visit.platform, visit.account.id, file.body)
        except PictureRefusedError as refused:
            return await _shown(request, visit, of_logo=gettext(PICTURES[refused.refusal]))
        return visit.go(f"{visit.home}/branding", gettext("Recipients see the logo from now on."))

    return await visit.once(do)


async def remove_logo(_: Request, visit: Visit) -> Response:
    """Shows no logo any more."""

    async def do() -> Response:
        await change_logo(visit.platform, visit.account.id, None)
        return visit.go(f"{visit.home}/branding", gettext("The logo is removed."))

    return await visit.once(do)


async def preview(request: Request, visit: Visit) -> Response:
    """Shows the recipient's page of a delivery that is none, as the account's recipients see it."""
    asked = request.query_params.get("show", "")
    status = Status(asked) if asked in SHOWN else Status.OUT_FOR_DELIVERY
    branding = await branding_of(visit.platform, visit.account.id)
    logo = await logo_of(visit.platform, visit.account.id)
    now = datetime.now(UTC)
    spoken = OF_RECIPIENTS[branding.language or visit.account.market.language]
    view = present(_example(visit, status, branding, logo, now), spoken, now)
    links = recipients.Links("/track", "example")
    html = recipients.page(view, links, is_preview=True)
    headers = {**_PREVIEWED, "Cache-Control": "no-store", "Content-Language": spoken.code}
    return HTMLResponse(html, headers=headers)


_CITIES: Final = {"KZ": ("Almaty", "Astana"), "AO": ("Luanda", "Talatona")}
_CASH: Final = {"KZ": 12_500, "AO": 25_000}


def _example(
    visit: Visit, status: Status, branding: Branding, logo: str | None, now: datetime
) -> TrackedDelivery:
    """Returns a delivery to look at: halfway, for an hour a step."""
    market = visit.account.market
    course = COURSE[1 : COURSE.index(status) + 1]
    steps = tuple(
        TrackedStep(number, each, now - timedelta(hours=len(course) - number, minutes=20), None)
        for number, each in enumerate(course, start=1)
    )
    pickup, dropoff = _CITIES.get(market.code, (None, None))
    return TrackedDelivery(
        id=UUID(int=0),
        version=len(steps),
        status=status,
        milestone=status,
        pickup_city=pickup,
        dropoff_city=dropoff,
        pickup_by=now + timedelta(hours=1),
        deliver_by=now + timedelta(minutes=25),
        created_at=steps[0].occurred_at,
        time_zone=market.time_zone,
        market=market.code,
        dialect=visit.account.dialect,
        steps=steps,
        sender=branding,
        carrier=None,
        cash=_CASH.get(market.code),
        asks_pin=False,
        logo=logo,
    )
