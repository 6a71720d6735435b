"""Whose request is it, and may it be made now? What every API asks of the key that it is shown."""

from starlette.types import Scope

from estafette.core.accounts.account import Credential
from estafette.core.accounts.acts import Operation
from estafette.http.limiter import RateLimiter, limits_of
from estafette.http.request import client_address
from estafette.http.trace import trace_of
from estafette.usecases.accounts.authenticate import authenticate, authenticate_any, permit
from estafette.usecases.platform import Platform


class Authenticator:
    """Recognises the keys of one dialect, or of all, and lets them do what they may."""

    def __init__(
        self, platform: Platform, limiter: RateLimiter, dialect: str | None = None
    ) -> None:
        """Knows the keys of `platform`; counts requests with `limiter`.

        `dialect` is whose keys are accepted. None: enabled secret keys of any.
        """
        self._platform = platform
        self._limiter = limiter
        self._dialect = dialect

    async def recognise(self, scope: Scope, key: bytes) -> Credential | None:
        """The credential of the key that a request shows, or None where the key opens nothing.

        That is counted by the caller's address. Raises RateLimited where it has failed too often.
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
        """Lets a recognised key do an operation now.

        Raises AddressRefused or ActRefused for one that may not, RateLimited for one too many.
        """
        permit(self._platform, credential, operation, client_address(scope))
        self._limiter.take(credential, scope)
