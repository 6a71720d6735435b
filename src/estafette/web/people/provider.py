"""An OpenID provider, to which people go to sign in: the code flow with PKCE, a nonce and a state.

See OpenID Connect Core 1.0, sections 3.1 and 3.1.3.7, and RFC 7636. The signature of its tokens is
checked by joserfc, which the extra `sso` brings.
"""

import base64
import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, cast
from urllib.parse import quote, urlencode

import aiohttp
import orjson

_SECONDS: Final = aiohttp.ClientTimeout(total=10)
_LONGEST: Final = 256 * 1024
_FRESH_SECONDS: Final = 3_600.0
_DRIFT_SECONDS: Final = 120
_ALGORITHMS: Final = [
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "EdDSA",
]
_SCOPE: Final = "openid email profile"


class ProviderFailed(Exception):  # noqa: N818 - it is answered with a page
    """The provider did not say who it is; the text says why, for the log."""


class Identity(NamedTuple):
    """Who somebody is to the provider: its own id for them, their e-mail address and name."""

    subject: str
    email: str
    is_verified: bool
    name: str


class Attempt(NamedTuple):
    """One try to sign in, of which the browser keeps this until it comes back."""

    state: str
    nonce: str
    verifier: str
    goal: str


@dataclass
class Provider:
    """The provider at `issuer`, which knows us as a client; `name` is what people call it."""

    issuer: str
    client_id: str
    client_secret: str
    name: str
    _metadata: tuple[float, Mapping[str, Any]] | None = field(default=None, repr=False)

    async def address(self, attempt: Attempt, redirect_uri: str) -> str:
        """Returns where a browser goes to sign in. Raises ProviderFailed."""
        known = await self._known()
        challenge = hashlib.sha256(attempt.verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": redirect_uri,
            "scope": _SCOPE,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": base64.urlsafe_b64encode(challenge).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        place = _text(known, "authorization_endpoint")
        return f"{place}{'&' if '?' in place else '?'}{urlencode(query)}"

    async def identity(self, attempt: Attempt, code: str, redirect_uri: str) -> Identity:
        """Returns who has come back with a code. Raises ProviderFailed."""
        known = await self._known()
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": attempt.verifier,
        }
        headers: dict[str, str] = {}
        ways = known.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if not self.client_secret:
            fields["client_id"] = self.client_id
        elif "client_secret_basic" in ways:
            pair = f"{quote(self.client_id, safe='')}:{quote(self.client_secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            fields |= {"client_id": self.client_id, "client_secret": self.client_secret}
        told = await _ask("POST", _text(known, "token_endpoint"), fields, headers)
        keys = await _ask("GET", _text(known, "jwks_uri"))
        return _identity(self._claims(_text(told, "id_token"), keys, attempt.nonce))

    def _claims(self, token: str, keys: Mapping[str, Any], nonce: str) -> Mapping[str, Any]:
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        try:
            key_set = KeySet.import_key_set(cast("Any", {"keys": keys.get("keys", [])}))
            claims = jwt.decode(token, key_set, algorithms=_ALGORITHMS).claims
            registry = jwt.JWTClaimsRegistry(
                leeway=_DRIFT_SECONDS,
                iss={"essential": True, "value": self.issuer},
                aud={"essential": True, "value": self.client_id},
                exp={"essential": True},
                iat={"essential": True},
                sub={"essential": True},
            )
            registry.validate(claims)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise ProviderFailed(f"its token is not good: {type(error).__name__}") from None
        if claims.get("nonce") != nonce:
            raise ProviderFailed("its token is of another attempt")
        if claims.get("azp", self.client_id) != self.client_id:
            raise ProviderFailed("its token is for another client")
        return claims

    async def _known(self) -> Mapping[str, Any]:
        """Returns what the provider says of itself, remembered for an hour."""
        now = time.monotonic()
        if self._metadata is None or now - self._metadata[0] > _FRESH_SECONDS:
            found = await _ask("GET", f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != self.issuer:
                raise ProviderFailed("it calls itself something else than the setting does")
            self._metadata = (now, found)
        return self._metadata[1]


def _identity(claims: Mapping[str, Any]) -> Identity:
    subject, email = claims.get("sub"), claims.get("email")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise ProviderFailed("its token names nobody")
    name = claims.get("name")
    return Identity(
        subject,
        email if isinstance(email, str) else "",
        claims.get("email_verified") is True,
        name[:100] if isinstance(name, str) else "",
    )


async def _ask(
    method: str,
    url: str,
    fields: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Mapping[str, Any]:
    """Makes a request to the provider; returns the JSON object that it answers with."""
    sent = {"Accept": "application/json", **(headers or {})}
    try:
        async with (
            aiohttp.ClientSession(timeout=_SECONDS) as session,
            session.request(
                method, url, data=fields, headers=sent, allow_redirects=False
            ) as answer,
        ):
            body = await answer.content.read(_LONGEST)
            if answer.status != 200:
                raise ProviderFailed(f"it answers {answer.status}")
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise ProviderFailed(f"it cannot be asked: {type(error).__name__}") from None
    try:
        found = orjson.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ProviderFailed("it does not answer in JSON")
    return cast("Mapping[str, Any]", found)


def _text(of: Mapping[str, Any], name: str) -> str:
    value = of.get(name)
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise ProviderFailed(f"it does not say its {name}")
    return value


def written(attempt: Attempt) -> str:
    """Returns an attempt as a text."""
    return json.dumps(list(attempt))


def read(text: str) -> Attempt:
    """Returns the attempt in such a text. Raises ValueError."""
    parts = json.loads(text)
    if not isinstance(parts, list):
        raise ValueError("no attempt")
    try:
        return Attempt(*(str(part) for part in cast("list[object]", parts)))
    except TypeError:
        raise ValueError("no attempt") from None
