"""Passkeys: add one, remove one, sign in by one. The browser's part is `web/assets/passkeys.js`."""

from typing import Any, Final
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from estafette.core.people.person import FieldError
from estafette.core.people.refusals import NotFound, PeopleRefusal, SessionEnded
from estafette.http.shell import Tone
from estafette.http.texts import gettext
from estafette.usecases.people import passkeys
from estafette.usecases.people.passkeys import Asked
from estafette.usecases.people.sessions import Stage
from estafette.web.asked import id_in
from estafette.web.people.devices import device_name
from estafette.web.people.faults import said
from estafette.web.people.signing_in import signed_in, wanted, with_next
from estafette.web.session import SAFE, SESSION
from estafette.web.visit import Visit, render

_FOLDER: Final = "web/people/templates"
_HOME: Final = "/me/security"


async def add(request: Request, visit: Visit) -> Response:
    """Asks for the password, then for a passkey of this device, then keeps it."""
    if request.method in SAFE:
        return _password(visit, "add_passkey.html")
    if visit.form.has("answer"):
        return await _keep(visit)
    try:
        asked = await passkeys.begin_adding(
            visit.platform, visit.person, visit.form.secret("old_password")
        )
    except PeopleRefusal as refusal:
        return _password(visit, "add_passkey.html", said(refusal))
    return _ask(visit, asked, "create", name=device_name(visit.client.agent))


async def _keep(visit: Visit) -> Response:
    async def do() -> Response:
        try:
            await passkeys.add_passkey(
                visit.platform,
                visit.signed_in,
                _challenge(visit),
                visit.form.value("answer"),
                visit.form.value("name"),
            )
        except (PeopleRefusal, FieldError) as refusal:
            return visit.go(_HOME, said(refusal), Tone.BAD)
        return visit.go(_HOME, gettext("The passkey is added. Other sessions have ended."))

    return await visit.once(do)


async def remove(request: Request, visit: Visit) -> Response:
    """Asks for the password, and removes a passkey."""
    id = id_in(request.path_params["passkey"])
    known = await passkeys.list_passkeys(visit.platform, visit.person)
    chosen = next((one for one in known if one.id == id), None)
    if chosen is None:
        raise HTTPException(404)
    if request.method in SAFE:
        return _password(visit, "remove_passkey.html", passkey=chosen)

    async def do() -> Response:
        try:
            await passkeys.remove_passkey(
                visit.platform, visit.signed_in, id, visit.form.secret("old_password")
            )
        except NotFound:
            raise HTTPException(404) from None
        except PeopleRefusal as refusal:
            return _password(visit, "remove_passkey.html", said(refusal), passkey=chosen)
        return visit.go(_HOME, gettext("The passkey is removed."))

    return await visit.once(do)


async def sign_in(request: Request, visit: Visit) -> Response:
    """Asks for a passkey, of anybody or of who has shown the password, and signs in by it."""
    goal = wanted(visit)
    token = visit.cookies.read(request.scope, SESSION) or ""
    is_waiting = visit.found is not None and visit.session.stage is Stage.SECOND_FACTOR
    try:
        if not visit.form.has("answer"):
            if is_waiting:
                asked = await passkeys.begin_second_factor(visit.platform, token, visit.client)
            else:
                asked = await passkeys.begin_sign_in(visit.platform, visit.client)
            return _ask(visit, asked, "get", next=goal)
        challenge, answer = _challenge(visit), visit.form.value("answer")
        if is_waiting:
            new = await passkeys.pass_passkey(
                visit.platform, token, challenge, answer, visit.client
            )
        else:
            new = await passkeys.sign_in_by_passkey(visit.platform, challenge, answer, visit.client)
    except SessionEnded:
        return RedirectResponse(with_next("/sign-in", goal), 303)
    except PeopleRefusal as refusal:
        back = with_next("/sign-in/code" if is_waiting else "/sign-in", goal)
        return visit.go(back, said(refusal), Tone.BAD)
    return await signed_in(visit, new, goal)


def _ask(visit: Visit, asked: Asked, verb: str, **context: Any) -> Response:
    """Returns the page whose script asks the device."""
    return render(
        visit,
        f"{_FOLDER}/{'make_passkey' if verb == 'create' else 'use_passkey'}.html",
        options=asked.options,
        challenge=asked.challenge_id.hex,
        **context,
    )


def _password(visit: Visit, template: str, error: str = "", **context: Any) -> Response:
    return render(
        visit, f"{_FOLDER}/{template}", status=422 if error else 200, error=error, **context
    )


def _challenge(visit: Visit) -> UUID:
    try:
        return UUID(hex=visit.form.value("challenge"))
    except ValueError:
        raise HTTPException(400) from None
