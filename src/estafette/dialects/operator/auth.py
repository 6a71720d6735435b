"""Authenticates a request by an operator key, and checks whether the key may do an act."""

from uuid import UUID

from starlette.types import Scope

from estafette.core.accounts.account import MARKETS, Account, Credential, KeyKind, Mode
from estafette.core.people.permission import PersonAct
from estafette.dialects.operator.errors import Forbidden, Unauthorized, not_among
from estafette.http.limiter import RateLimiter, limits_of
from estafette.http.request import client_address, header_values
from estafette.http.trace import trace_of
from estafette.usecases.people.operator_keys import (
    OperatorKey,
    may_come_from,
    recognise_operator_key,
)
from estafette.usecases.platform import Platform

PER_SECOND = 50
AT_ONCE = 100

_PREFIX = b"Bearer "
_LONGEST_KEY = 200

_OPERATOR = Account(
    UUID(int=0), "operator", next(iter(MARKETS.values())), "operator", PER_SECOND, AT_ONCE
)
"""The account under which requests of operator keys are counted, as they belong to no account."""


class Access:
    """Admits a request, or raises the reason why not."""

    def __init__(self, platform: Platform, limiter: RateLimiter) -> None:
        """Uses the operator's keys of `platform`; counts requests with `limiter`."""
        self._platform = platform
        self._limiter = limiter

    async def admit(self, scope: Scope, act: PersonAct) -> OperatorKey:
        """Returns the key of the request, which may do the act.

        Raises Unauthorized, Forbidden, RateLimited, Busy or Unavailable.
        """
        limits = limits_of(scope)
        shown = header_values(scope, b"authorization")
        text = shown[0].removeprefix(_PREFIX) if len(shown) == 1 else b""
        if not text or len(text) > _LONGEST_KEY or text == shown[0]:
            limits.fail(scope)
            raise Unauthorized
        address = client_address(scope)
        key = await recognise_operator_key(self._platform, text.decode("latin-1"), address)
        if key is None:
            limits.fail(scope)
            raise Unauthorized
        trace_of(scope).key_id = str(key.id)
        if key.disabled_at is not None:
            raise Forbidden("This key is disabled")
        if not may_come_from(key, address):
            raise Forbidden("This key is not accepted from this address")
        if act not in key.acts:
            raise not_among(act)
        self._limiter.take(
            Credential(_OPERATOR, key.id, Mode.LIVE, KeyKind.SECRET, None, disabled=False), scope
        )
        return key
