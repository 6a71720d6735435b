"""Authenticates a request, and checks whether its key and its rate are allowed."""

from starlette.types import Scope

from estafette.core.accounts.account import Credential, KeyKind
from estafette.core.accounts.acts import Operation
from estafette.dialects.kaspi.errors import KeyDisabled, Unauthorized
from estafette.dialects.kaspi.mapping import DIALECT
from estafette.http.authenticate import Authenticator
from estafette.http.limiter import RateLimiter, limits_of
from estafette.http.refusals import BadIdempotencyKey
from estafette.http.request import header_values, idempotency_key
from estafette.usecases.accounts.authenticate import was_answered
from estafette.usecases.deliveries.idempotency import Key
from estafette.usecases.platform import Platform


class Access:
    """Admits a request, or raises the reason why not."""

    def __init__(self, platform: Platform, limiter: RateLimiter) -> None:
        """Uses the keys of `platform`; counts requests with `limiter`."""
        self._platform = platform
        self._authenticator = Authenticator(platform, limiter, DIALECT.name)

    async def admit(
        self, scope: Scope, operation: Operation, endpoint: str | None = None
    ) -> Credential:
        """Returns the credential of the request's `x-api-key`, which may do the operation.

        `endpoint` is the method and path of a request that may have an idempotency key. Raises
        Unauthorized, KeyDisabled, AddressRefused, ActRefused or RateLimited.
        """
        keys = header_values(scope, b"x-api-key")
        if len(keys) != 1:
            raise Unauthorized
        credential = await self._authenticator.recognise(scope, keys[0])
        if credential is None or credential.kind is not KeyKind.SECRET:
            raise Unauthorized
        if credential.disabled:
            limits_of(scope).fail(scope)
            raise await self._disabled(scope, credential, endpoint)
        self._authenticator.permit(scope, credential, operation)
        return credential

    async def _disabled(
        self, scope: Scope, credential: Credential, endpoint: str | None
    ) -> Unauthorized | KeyDisabled:
        """Returns the refusal of a disabled key: 401 if an answer would repeat (decision 0007)."""
        try:
            key = idempotency_key(scope) if endpoint else None
        except BadIdempotencyKey:
            key = None
        if key and endpoint:
            wanted = Key(credential.scope, endpoint, key)
            if await was_answered(self._platform, wanted):
                return Unauthorized()
        return KeyDisabled()
