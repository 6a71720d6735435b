"""Authenticates a request, and says whether its key, its page and its pace allow it."""

from starlette.types import Scope

from estafette.core.accounts.account import Credential, KeyKind
from estafette.core.accounts.acts import Operation
from estafette.core.accounts.origin import trusts
from estafette.core.accounts.page_limits import OLDER_LIMITS
from estafette.core.accounts.page_orders import Page, source_of
from estafette.dialects.entrega.errors import Unauthorized, UntrustedOrigin, WrongKind
from estafette.dialects.entrega.mapping import DIALECT
from estafette.http.limiter import RateLimiter, limits_of
from estafette.http.request import client_address, header_values
from estafette.http.trace import trace_of
from estafette.usecases.accounts.authenticate import authenticate, permit
from estafette.usecases.platform import Platform

_SCHEME = "bearer "


class Doorkeeper:
    """Lets a request in, or raises why not."""

    def __init__(self, platform: Platform, limiter: RateLimiter) -> None:
        """Knows the keys of `platform`; counts requests with `limiter`."""
        self._platform = platform
        self._limiter = limiter

    async def admit(self, scope: Scope, operation: Operation) -> Credential:
        """The credential of a request to the merchant API, which needs a secret key.

        The key may do the operation. Raises Unauthorized, WrongKind, AddressRefused, ActRefused or
        RateLimited.
        """
        credential = await self._recognised(scope, KeyKind.SECRET)
        permit(self._platform, credential, operation, client_address(scope))
        self._limiter.take(credential, scope)
        return credential

    async def admit_page(
        self, scope: Scope, operation: Operation, origin: str | None
    ) -> tuple[Credential, Page]:
        """The credential of a request to the widget API by a page of `origin`, and the page.

        It needs a publishable key that may do the operation, and an origin that the account trusts.
        Raises Unauthorized, WrongKind, UntrustedOrigin, AddressRefused, ActRefused or RateLimited.
        """
        credential = await self._recognised(scope, KeyKind.PUBLISHABLE)
        if origin is None or not trusts(credential.account.origins, origin):
            raise UntrustedOrigin
        address = client_address(scope)
        permit(self._platform, credential, operation, address)
        self._limiter.take(credential, scope)
        limits = credential.page or OLDER_LIMITS
        lineage = credential.lineage or credential.key_id
        return credential, Page(lineage, limits, source_of(lineage, address))

    async def may_preflight(self, origin: str | None) -> bool:
        """Whether any account trusts an origin: a preflight shows no key."""
        if origin is None:
            return False
        return trusts(await self._platform.catalog.origins(DIALECT.name), origin)

    async def _recognised(self, scope: Scope, kind: KeyKind) -> Credential:
        """The credential of the only `Authorization: Bearer <key>`, if it is of that kind.

        Raises Unauthorized, WrongKind, or RateLimited where its address has failed too often.
        """
        shown = header_values(scope, b"authorization")
        if len(shown) != 1:
            raise Unauthorized
        text = shown[0].decode("latin-1")
        if not text.lower().startswith(_SCHEME):
            raise Unauthorized
        key = text[len(_SCHEME) :].strip(" ")
        limits = limits_of(scope)
        slowly = limits.has_failed(scope)
        credential = await authenticate(self._platform, key, DIALECT.name, slowly=slowly)
        if credential is None:
            limits.fail(scope)
            raise Unauthorized
        trace_of(scope).recognise(credential)
        if credential.disabled:
            limits.fail(scope)
            raise Unauthorized  # a disabled key is an invalid one: no answer is published for it
        if credential.kind is not kind:
            raise WrongKind(kind)
        return credential


def origin_of(scope: Scope) -> str | None:
    """The origin of the page that asks; None for none, several, or one that hides."""
    origins = header_values(scope, b"origin")
    if len(origins) != 1 or origins[0] == b"null":
        return None
    return origins[0].decode("latin-1")
