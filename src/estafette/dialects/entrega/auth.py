"""Authenticates a request, and checks whether its key, its page and its rate are allowed."""

from starlette.types import Scope

from estafette.core.accounts.account import Credential, KeyKind
from estafette.core.accounts.acts import Operation
from estafette.core.accounts.origin import trusts
from estafette.core.accounts.page_limits import OLDER_LIMITS
from estafette.core.accounts.page_orders import OrderingPage, source_of
from estafette.dialects.entrega.errors import Unauthorized, UntrustedOrigin, WrongKind
from estafette.dialects.entrega.mapping import DIALECT
from estafette.http.authenticate import Authenticator
from estafette.http.limiter import RateLimiter, limits_of
from estafette.http.request import client_address, header_values
from estafette.usecases.platform import Platform

_SCHEME = b"bearer "


class Access:
    """Admits a request, or raises the reason why not."""

    def __init__(self, platform: Platform, limiter: RateLimiter) -> None:
        """Uses the keys of `platform`; counts requests with `limiter`."""
        self._platform = platform
        self._authenticator = Authenticator(platform, limiter, DIALECT.name)

    async def admit(self, scope: Scope, operation: Operation) -> Credential:
        """Returns the credential of a request to the merchant API, which needs a secret key.

        The key must be allowed the operation. Raises Unauthorized, WrongKind, AddressRefused,
        ActRefused or RateLimited.
        """
        credential = await self._recognised(scope, KeyKind.SECRET)
        self._authenticator.permit(scope, credential, operation)
        return credential

    async def admit_page(
        self, scope: Scope, operation: Operation, origin: str | None
    ) -> tuple[Credential, OrderingPage]:
        """Returns the credential of a request to the widget API, and the page that asks.

        The request needs a publishable key that may do the operation, and an `origin` that the
        account trusts. Raises Unauthorized, WrongKind, UntrustedOrigin, AddressRefused, ActRefused
        or RateLimited.
        """
        credential = await self._recognised(scope, KeyKind.PUBLISHABLE)
        if origin is None or not trusts(credential.account.origins, origin):
            raise UntrustedOrigin
        self._authenticator.permit(scope, credential, operation)
        limits = credential.page or OLDER_LIMITS
        lineage = credential.lineage or credential.key_id
        return credential, OrderingPage(lineage, limits, source_of(lineage, client_address(scope)))

    async def may_preflight(self, origin: str | None) -> bool:
        """Returns whether any account trusts an origin: a preflight request carries no key."""
        if origin is None:
            return False
        return trusts(await self._platform.catalog.origins(DIALECT.name), origin)

    async def _recognised(self, scope: Scope, kind: KeyKind) -> Credential:
        """Returns the credential of the only `Authorization: Bearer <key>`, if it is of that kind.

        Raises Unauthorized, WrongKind, or RateLimited where its address has failed too often.
        """
        shown = header_values(scope, b"authorization")
        if len(shown) != 1:
            raise Unauthorized
        if not shown[0].lower().startswith(_SCHEME):
            raise Unauthorized
        key = shown[0][len(_SCHEME) :].strip(b" ")
        credential = await self._authenticator.recognise(scope, key)
        if credential is None:
            raise Unauthorized
        if credential.disabled:
            limits_of(scope).fail(scope)
            raise Unauthorized  # a disabled key is an invalid one: no answer is published for it
        if credential.kind is not kind:
            raise WrongKind(kind)
        return credential


def origin_of(scope: Scope) -> str | None:
    """Returns the origin of the page that asks; None for none, several, or `null`."""
    origins = header_values(scope, b"origin")
    if len(origins) != 1 or origins[0] == b"null":
        return None
    return origins[0].decode("latin-1")
