"""Sign in: e-mail address and password, then the second factor; and sign out."""

from typing import Any, Final
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from estafette.core.people.person import SESSION_LONGEST, SIGN_IN_LENGTH
from estafette.core.people.refusals import (
    CodeRefused,
    PeopleRefusal,
    SessionEnded,
    SignInRefused,
    TooManyAttempts,
)
from estafette.http.shell import Tone
from estafette.http.texts import gettext
from estafette.usecases.people import sessions
from estafette.usecases.people.forgotten import send_link
from estafette.usecases.people.sessions import NewSession, Stage
from estafette.usecases.people.sign_in import pass_code
from estafette.usecases.people.sign_in import sign_in as sign_in_by_password
from estafette.web import last_person
from estafette.web.people.faults import said
from estafette.web.people.provider import Provider
from estafette.web.session import SAFE, SESSION, safe_path
from estafette.web.visit import Visit, render

_START: Final = "/sign-in"
_PAGE: Final = "web/people/templates/sign_in.html"
_FORGOTTEN_PAGE: Final = "web/people/templates/forgotten.html"
_CODE_PAGE: Final = "web/people/templates/code.html"


async def show(request: Request, visit: Visit) -> Response:
    """Shows the form, or signs in by what was typed into it."""
    goal = wanted(visit)
    if request.method in SAFE:
        if visit.is_signed_in:
            return RedirectResponse(goal or first_place(visit), 303)
        return _form(visit, goal)
    email = visit.form.value("email")[:300]
    try:
        new = await sign_in_by_password(
            visit.platform, email, visit.form.secret("password"), visit.client
        )
    except (SignInRefused, TooManyAttempts) as refusal:
        return refused(
            visit,
            _PAGE,
            refusal,
            next=goal,
            email=email,
            provider=_provider(visit),
            has_ended=False,
        )
    return await entered(visit, new, goal)


def _form(visit: Visit, goal: str) -> Response:
    has_ended = visit.request.query_params.get("ended") == "yes"  # an open page has led here
    return render(
        visit,
        _PAGE,
        next=goal,
        email="",
        error="",
        provider=_provider(visit),
        has_ended=has_ended,
    )


def _provider(visit: Visit) -> str:
    """Returns what people call the provider at which they may sign in; "" where there is none."""
    there: Provider | None = visit.request.app.state.provider
    return there.name if there else ""


async def show_code(request: Request, visit: Visit) -> Response:
    """Shows the form for the second factor, or passes by what was typed into it."""
    goal = wanted(visit)
    if visit.session.stage is Stage.OPEN:
        return RedirectResponse(goal or first_place(visit), 303)
    if request.method in SAFE:
        return render(visit, _CODE_PAGE, next=goal, person=visit.person, error="")
    try:
        token = visit.cookies.read(request.scope, SESSION) or ""
        new = await pass_code(visit.platform, token, visit.form.value("code"), visit.client)
    except SessionEnded:
        return RedirectResponse(with_next(_START, goal), 303)
    except (CodeRefused, TooManyAttempts) as refusal:
        return refused(visit, _CODE_PAGE, refusal, next=goal, person=visit.person)
    return await signed_in(visit, new, goal)


async def forgotten(request: Request, visit: Visit) -> Response:
    """Has a letter sent with a link to choose a new password; whether to anybody, nothing tells."""
    if not visit.sends_letters:
        raise HTTPException(404)
    if request.method in SAFE:
        return render(visit, _FORGOTTEN_PAGE, email="", error="")
    email = visit.form.value("email")[:300]
    try:
        await send_link(visit.platform, email, visit.client)
    except TooManyAttempts as refusal:
        return refused(visit, _FORGOTTEN_PAGE, refusal, email=email)
    said_of = gettext("If somebody signs in with that address, a letter is on its way to it.")
    return visit.go(_START, said_of, Tone.INFO)


async def sign_out(request: Request, visit: Visit) -> Response:
    """Ends the session; whatever this browser keeps of the person goes with it."""
    token = visit.cookies.read(request.scope, SESSION)
    if token is not None:
        await sessions.sign_out(visit.platform, token)
    response = visit.go(_START, gettext("You are signed out."))
    visit.cookies.drop(response, SESSION)
    visit.cookies.drop(response, last_person.COOKIE)
    return response


def wanted(visit: Visit) -> str:
    """Returns the page of ours that the person wanted to see; "" for none, or another's."""
    asked = visit.form.value("next") or visit.request.query_params.get("next")
    return safe_path(asked, "")


def with_next(path: str, goal: str) -> str:
    """Returns the path of a step of signing in, which leads on to a page."""
    return f"{path}?{urlencode({'next': goal})}" if goal else path


def first_place(visit: Visit) -> str:
    """Returns where somebody begins who wanted nothing in particular."""
    return visit.doors[0].path if visit.doors else "/me"


async def entered(visit: Visit, new: NewSession, goal: str) -> Response:
    """Returns what leads on after the first step: to the second factor, or to the goal."""
    if new.session.stage is not Stage.SECOND_FACTOR:
        return await signed_in(visit, new, goal)
    response = RedirectResponse(with_next("/sign-in/code", goal), 303)
    await begun(visit, response, new)
    return response


async def signed_in(visit: Visit, new: NewSession, goal: str) -> Response:
    """Returns what leads a person who has just signed in to where they wanted."""
    response = RedirectResponse(goal or _START, 303)
    await begun(visit, response, new)
    last_person.keep(visit.platform, visit.cookies, response, new.person.id)
    return response


async def begun(visit: Visit, response: Response, new: NewSession) -> None:
    """Has the browser keep a new session in the place of the one before, which ends."""
    before = visit.cookies.read(visit.request.scope, SESSION)
    if before is not None and before != new.token:
        await sessions.sign_out(visit.platform, before)
    keep_session(visit, response, new)


def keep_session(visit: Visit, response: Response, new: NewSession) -> None:
    """Has the browser keep a session for as long as it may last."""
    length = SESSION_LONGEST if new.session.stage is Stage.OPEN else SIGN_IN_LENGTH
    visit.cookies.set(response, SESSION, new.token, round(length.total_seconds()))


def refused(visit: Visit, template: str, refusal: PeopleRefusal, **context: Any) -> Response:
    """Returns the form again, with why it was refused."""
    response = render(
        visit,
        template,
        status=429 if isinstance(refusal, TooManyAttempts) else 422,
        error=said(refusal),
        **context,
    )
    if isinstance(refusal, TooManyAttempts):
        response.headers["retry-after"] = str(refusal.retry_after)
    return response
