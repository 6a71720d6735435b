"""Authenticates by API key, and checks whether the key may do an operation now, for every API."""

from starlette.types import Scope

from estafette.core.accounts.account import Credential
from estafette.core.accounts.acts import Operation
from estafette.http.limiter import RateLimiter, limits_of
from estafette.http.request import client_address
from estafette.http.trace import trace_of
from estafette.usecases.accounts.authenticate import authenticate, authenticate_any, permit
from estafette.usecases.platform import Platform


class Authenticator:
    """Authenticates the API keys of one dialect, or of all, and checks what they may do."""

    def __init__(
        self, platform: Platform, limiter: RateLimiter, dialect: str | None = None
    ) -> None:
        """Accepts the keys of `platform`, and counts requests with `limiter`.

        `dialect` is the name of the dialect whose keys are accepted; None accepts enabled secret
        keys of any.
        """
        self._platform = platform
        self._limiter = limiter
        self._dialect = dialect

    async def recognise(self, scope: Scope, key: bytes) -> Credential | None:
        """Returns the credential of the key that a request shows, or None for an invalid key.

        Invalid keys are counted by the caller's address. Raises RateLimited after too many.
        """
        limits, text = limits_of(scope), key.decode("latin-1")
        slowly = limits.has_failed(scope)
        if self._dialect is None:
            credential = await authenticate_any(self._platform, text, slowly=slowly)
        else:
            credential = await authenticate(self._platform, text, self._dialect, slowly=slowly)
        if credential is None:
            limits.fail(scope)
            return None
        trace_of(scope).recognise(credential)
        return credential

    def permit(self, scope: Scope, credential: Credential, operation: Operation) -> None:
        """Checks that a key may do an operation now.

        Raises AddressRefused or ActRefused where it may not, RateLimited after too many requests.
        """
        permit(self._platform, credential, operation, client_address(scope))
        self._limiter.take(credential, scope)
