"""Sign in at the operator's own OpenID provider, which a setting names."""

import base64
import hmac
import secrets
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from estafette.core.people.refusals import PeopleRefusal
from estafette.http.shell import Tone
from estafette.http.texts import gettext
from estafette.logs import Logger
from estafette.usecases.accounts.secrets import WrongSecretKeyError
from estafette.usecases.people.provider_identities import sign_in_by_provider
from estafette.web.people import provider
from estafette.web.people.provider import Attempt, Identity, Provider, ProviderFailed
from estafette.web.people.signing_in import entered, wanted
from estafette.web.visit import Visit

_log = Logger()

_COOKIE: Final = "provider"
_SECONDS: Final = 600
_SEAL: Final = b"attempt at the provider"
_BACK: Final = "/sign-in/single/back"


async def go(request: Request, visit: Visit) -> Response:
    """Leads to the provider."""
    there = provider_of(request)
    goal = wanted(visit)
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    attempt = Attempt(state, nonce, verifier, goal if len(goal) <= 200 else "")
    try:
        place = await there.address(attempt, _redirect_uri(visit))
    except ProviderFailed as failure:
        return _failed(visit, failure)
    response = RedirectResponse(place, 303)
    sealed = visit.platform.cipher.encrypt(provider.written(attempt), _SEAL)
    visit.cookies.set(response, _COOKIE, base64.urlsafe_b64encode(sealed).decode(), _SECONDS)
    return response


async def come_back(request: Request, visit: Visit) -> Response:
    """Signs in who comes back from the provider."""
    there = provider_of(request)
    query = request.query_params
    try:
        attempt = _attempt(visit)
        if attempt is None or not hmac.compare_digest(
            attempt.state.encode(), query.get("state", "").encode()
        ):
            raise ProviderFailed("the browser did not begin this attempt, or too long ago")
        if "code" not in query:
            raise ProviderFailed(f"it says {query.get('error', 'nothing')[:100]!r}")
        identity = await there.identity(attempt, query["code"][:2000], _redirect_uri(visit))
    except ProviderFailed as failure:
        return _failed(visit, failure)
    response = await _let_in(visit, there, identity, attempt.goal)
    visit.cookies.drop(response, _COOKIE)
    return response


async def _let_in(visit: Visit, there: Provider, identity: Identity, goal: str) -> Response:
    refused = gettext(
        "%(provider)s knows you, but nobody has invited that e-mail address here.",
        provider=there.name,
    )
    if not identity.is_verified:
        return visit.go("/sign-in", refused, Tone.BAD)
    try:
        new = await sign_in_by_provider(
            visit.platform,
            there.issuer,
            identity.subject,
            identity.email,
            identity.name,
            visit.language,
            visit.client,
        )
    except PeopleRefusal:
        return visit.go("/sign-in", refused, Tone.BAD)
    return await entered(visit, new, goal)


def provider_of(request: Request) -> Provider:
    """Returns the provider of the settings. Raises HTTPException 404 where there is none."""
    found = request.app.state.provider
    if not isinstance(found, Provider):
        raise HTTPException(404)
    return found


def _redirect_uri(visit: Visit) -> str:
    return f"{visit.platform.public_url}{_BACK}"


def _attempt(visit: Visit) -> Attempt | None:
    value = visit.cookies.read(visit.request.scope, _COOKIE)
    if value is None:
        return None
    try:
        sealed = base64.urlsafe_b64decode(value.encode())
        return provider.read(visit.platform.cipher.decrypt(sealed, _SEAL))
    except (ValueError, WrongSecretKeyError):
        return None


def _failed(visit: Visit, failure: ProviderFailed) -> Response:
    _log.warning("single_sign_on_failed", reason=str(failure))
    said = gettext("The sign-in did not come about. Try again, or sign in by password.")
    response = visit.go("/sign-in", said, Tone.BAD)
    visit.cookies.drop(response, _COOKIE)
    return response
