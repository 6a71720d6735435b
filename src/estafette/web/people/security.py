"""What a person signs in with: the password, an authenticator app, recovery codes."""

from collections.abc import Awaitable, Callable
from typing import Final

import segno
from starlette.requests import Request
from starlette.responses import Response

from estafette.core.people.person import SHORTEST_PASSWORD, FieldError
from estafette.core.people.refusals import NotFound, PeopleRefusal, TooManyAttempts
from estafette.http.texts import gettext
from estafette.usecases.people import second_factor
from estafette.usecases.people.passkeys import list_passkeys
from estafette.usecases.people.passwords import must_know_password
from estafette.usecases.people.profile import change_password
from estafette.usecases.people.sessions import list_sessions
from estafette.web.people.devices import device_name
from estafette.web.people.faults import said
from estafette.web.people.signing_in import keep_session
from estafette.web.session import SAFE
from estafette.web.visit import Visit, render

_HOME: Final = "/me/security"
_FOLDER: Final = "web/people/templates"


async def show(request: Request, visit: Visit) -> Response:
    """Shows what the person signs in with, and where they are signed in."""
    codes = await second_factor.count_recovery_codes(visit.platform, visit.person)
    sessions = await list_sessions(visit.platform, visit.person)
    return render(
        visit,
        f"{_FOLDER}/security.html",
        person=visit.person,
        codes=codes,
        passkeys=await list_passkeys(visit.platform, visit.person),
        sessions=sessions,
        device_name=device_name,
    )


async def password(request: Request, visit: Visit) -> Response:
    """Shows the form for another password, or sets it."""
    if request.method in SAFE:
        return _form(visit, "password.html")

    async def change() -> Response:
        new = await change_password(
            visit.platform,
            visit.signed_in,
            visit.form.secret("old_password"),
            visit.form.secret("password"),
            visit.client,
        )
        response = visit.go(_HOME, gettext("Your password is changed. Other sessions have ended."))
        keep_session(visit, response, new)
        return response

    return await _trying(visit, change, "password.html", "old_password")


async def app(request: Request, visit: Visit) -> Response:
    """Sets up an authenticator app: asks for the password, then for a code of the app."""
    if request.method in SAFE:
        return _form(visit, "app.html", secret="", qr="")
    if not visit.form.has("code"):
        try:
            if visit.person.has_password:  # a session that was left open is no reason to trust
                old = visit.form.secret("old_password")
                await must_know_password(visit.platform, visit.person, old)
            offer = await second_factor.begin_totp(visit.platform, visit.person)
        except NotFound:
            return visit.go(_HOME)
        except PeopleRefusal as refusal:
            faults = {"old_password": said(refusal)}
            return _form(visit, "app.html", status=422, faults=faults, secret="", qr="")
        return _form(visit, "app.html", secret=offer.secret, qr=_qr(offer.uri), uri=offer.uri)

    async def confirm() -> Response:
        enrolled = await second_factor.confirm_totp(
            visit.platform, visit.signed_in, visit.form.value("code"), visit.client
        )
        response = _codes(visit, enrolled.recovery_codes)
        keep_session(visit, response, enrolled.new)
        return response

    secret, uri = visit.form.value("secret")[:100], visit.form.value("uri")[:400]
    shown = _qr(uri) if uri.startswith("otpauth://totp/") else ""
    return await _trying(visit, confirm, "app.html", "code", secret=secret, qr=shown, uri=uri)


async def remove_app(request: Request, visit: Visit) -> Response:
    """Asks for the password, and has the app count no more."""
    if request.method in SAFE:
        return _form(visit, "remove_app.html")

    async def remove() -> Response:
        password = visit.form.secret("old_password")
        await second_factor.remove_totp(visit.platform, visit.signed_in, password)
        return visit.go(_HOME, gettext("The authenticator app is removed."))

    return await _trying(visit, remove, "remove_app.html", "old_password")


async def codes(request: Request, visit: Visit) -> Response:
    """Asks for the password, and gives new recovery codes."""
    if request.method in SAFE:
        return _form(visit, "renew_codes.html")

    async def renew() -> Response:
        password = visit.form.secret("old_password")
        found = await second_factor.renew_recovery_codes(visit.platform, visit.person, password)
        return _codes(visit, found)

    return await _trying(visit, renew, "renew_codes.html", "old_password")


async def _trying(
    visit: Visit,
    act: Callable[[], Awaitable[Response]],
    template: str,
    field: str,
    **context: object,
) -> Response:
    """Does what a form asks for, once; shows it again with what is wrong, at `field` if it is."""

    async def attempt() -> Response:
        try:
            return await act()
        except FieldError as fault:
            faults = {fault.field: said(fault)}
            return _form(visit, template, status=422, faults=faults, **context)
        except PeopleRefusal as refusal:
            faults = {field: said(refusal)}
            status = 429 if isinstance(refusal, TooManyAttempts) else 422
            return _form(visit, template, status=status, faults=faults, **context)

    return await visit.once(attempt, otherwise=_HOME)


def _form(
    visit: Visit,
    template: str,
    *,
    status: int = 200,
    faults: dict[str, str] | None = None,
    **context: object,
) -> Response:
    return render(
        visit,
        f"{_FOLDER}/{template}",
        status=status,
        faults=faults or {},
        shortest=SHORTEST_PASSWORD,
        **context,
    )


def _codes(visit: Visit, codes: list[str]) -> Response:
    return render(visit, f"{_FOLDER}/recovery_codes.html", codes=codes)


def _qr(uri: str) -> str:
    """Returns a URI as a drawing that a phone reads, dark on light whatever the page is."""
    code = segno.make(uri, error="m", micro=False)
    return code.svg_inline(scale=5, border=4, dark="#000", light="#fff", omitsize=False)
