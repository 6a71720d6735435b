"""Sign in by phone and code, choose a language, sign out."""

import base64
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from estafette.core.accounts.account import MARKETS
from estafette.core.fleet.session import CODE_LENGTH, LONGEST
from estafette.core.people.refusals import CodeRefused, TooManyAttempts
from estafette.http.phones import e164, example
from estafette.http.texts import LANGUAGES, gettext
from estafette.usecases.accounts.secrets import WrongSecretKeyError
from estafette.usecases.fleet import sign_in
from estafette.web.driver.visit import DRIVER, SIGN_IN, DriverVisit, render

HOME: Final = "/driver"
CODE: Final = f"{SIGN_IN}/code"
_PHONE: Final = "driver-phone"
_SEAL: Final = b"phone of a driver who signs in"


async def show(request: Request, visit: DriverVisit) -> Response:
    """Asks for the phone, and has a code sent to it."""
    if request.method != "POST":
        return _ask_phone(visit, "")
    written = visit.form.value("phone")
    phones = _readings(written)
    if not phones:
        error = gettext("This is no phone number. Write it with the code of the country.")
        return _ask_phone(visit, written, error, status=422)
    try:
        await sign_in.send_code(visit.platform, phones, visit.language, visit.client)
    except TooManyAttempts as refusal:
        return _put_off(_ask_phone(visit, written, _wait(refusal), status=429), refusal)
    response = RedirectResponse(f"{CODE}?lang={visit.language}", 303)
    sealed = visit.platform.cipher.encrypt(written, _SEAL)
    value = base64.urlsafe_b64encode(sealed).decode().rstrip("=")
    visit.cookies.set(response, _PHONE, value, round(CODE_LENGTH.total_seconds()))
    return response


async def show_code(request: Request, visit: DriverVisit) -> Response:
    """Asks for the code, and signs in by it."""
    phone = _asked_phone(visit)
    if phone is None:
        return RedirectResponse(SIGN_IN, 303)
    if request.method != "POST":
        return _ask_code(visit, phone)
    code = "".join(visit.form.value("code").split())
    try:
        new = await sign_in.sign_in(
            visit.platform,
            _readings(phone),
            code,
            visit.language,
            visit.client,
            company_id=_company(visit.form.value("company")),
        )
    except sign_in.SeveralCompanies as asked:
        named = sorted((name, id.hex) for id, name in asked.names.items())
        return render(visit.language, "which.html", code=code, companies=named)
    except CodeRefused:
        error = gettext("This code is wrong or too old. Look at the last message, or ask again.")
        return _ask_code(visit, phone, error, status=422)
    except TooManyAttempts as refusal:
        return _put_off(_ask_code(visit, phone, _wait(refusal), status=429), refusal)
    if visit.found is not None:
        await sign_in.sign_out(visit.platform, visit.session)
    response = RedirectResponse(HOME, 303)
    visit.cookies.set(response, DRIVER, new.token, round(LONGEST.total_seconds()))
    visit.cookies.drop(response, _PHONE)
    return response


def _company(text: str) -> UUID | None:
    """Returns the company that was chosen; one that is none is nobody's."""
    if not text:
        return None
    try:
        return UUID(hex=text)
    except ValueError:
        return UUID(int=0)


async def sign_out(_: Request, visit: DriverVisit) -> Response:
    """Ends the session on this phone."""
    response = RedirectResponse(SIGN_IN, 303)
    if visit.found is not None:
        await sign_in.sign_out(visit.platform, visit.session)
    visit.cookies.drop(response, DRIVER)
    return response


async def choose_language(_: Request, visit: DriverVisit) -> Response:
    """Sets the language of the page on this phone."""
    language = visit.form.value("language")
    if language in LANGUAGES:
        await sign_in.choose_language(visit.platform, visit.session, language)
    return RedirectResponse(HOME, 303)


def _ask_phone(visit: DriverVisit, phone: str, error: str = "", status: int = 200) -> Response:
    examples = [example(market.phone_region) for market in MARKETS.values()]
    return render(
        visit.language, "sign_in.html", status=status, phone=phone, error=error, examples=examples
    )


def _ask_code(visit: DriverVisit, phone: str, error: str = "", status: int = 200) -> Response:
    return render(visit.language, "code.html", status=status, phone=phone, error=error)


def _put_off(response: Response, refusal: TooManyAttempts) -> Response:
    response.headers["retry-after"] = str(refusal.retry_after)
    return response


def _wait(refusal: TooManyAttempts) -> str:
    minutes = max(1, -(-refusal.retry_after // 60))
    return gettext("Too much was tried. Try again in %(minutes)s min.", minutes=minutes)


def _asked_phone(visit: DriverVisit) -> str | None:
    """Returns the phone that a code was sent to from this browser, as it was typed."""
    value = visit.cookies.read(visit.request.scope, _PHONE)
    if value is None:
        return None
    try:
        sealed = base64.urlsafe_b64decode((value + "=" * (-len(value) % 4)).encode())
        return visit.platform.cipher.decrypt(sealed, _SEAL)
    except (ValueError, WrongSecretKeyError):
        return None


def _readings(written: str) -> Sequence[str]:
    """Returns the numbers (E.164) that a text may mean: without a country, one of each market."""
    found = (e164(written, market.phone_region) for market in MARKETS.values())
    return list(dict.fromkeys(number for number in found if number is not None))
