"""How often a key, an account and an address may call: token buckets in the memory of one process.

Each request takes tokens from the buckets of its key and account, or from that of its address.
http/observe.py charges the address for refusals that took none.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar
from uuid import UUID

from starlette.types import Receive, Scope

from estafette.core.accounts.account import Credential, KeyKind
from estafette.http.address import counted
from estafette.http.refusals import RateLimited
from estafette.http.reply import HttpReply
from estafette.http.resource import Handler

_BUCKETS = 100_000
"""How many buckets are remembered at most, which take some 20 MB."""

_BURST_SECONDS = 20.0
"""A full bucket of an address holds as many requests as its rate allows in so many seconds."""

_KEYS_WORTH = 4
"""All keys of an account together may do as much as this number of keys."""

TOKEN_BYTES = 16 * 1024
"""A body costs one more token for each further piece of so many bytes."""

_VISITORS_SHARE = 5
"""One client address may take a fifth of the tokens of a publishable key."""

_VISITORS_RATE, _VISITORS_BURST = 2, 10
"""The least that one address may use of a publishable key: requests a second, and at once."""

_PROBES_PER_SECOND = 500.0
"""Requests a second to `/healthz` and `/readyz` from one address, which many monitors may share."""

_LIMITS = "estafette.limits"
_PAYER = "estafette.payer"

_FAILURES = frozenset({401, 403})
"""The statuses of refusals because of the key, and not because of what the request asks for."""

Name = TypeVar("Name")


class _Buckets(Generic[Name]):
    """Token buckets by name; where there are too many, the least recently used are forgotten.

    Those are most likely full again, and a bucket that is not known counts as full.
    """

    def __init__(self, clock: Callable[[], float], most: int) -> None:
        self._clock = clock
        self._most = most
        # For each bucket the time at which it is full again, in the clock's seconds.
        self._full_at: OrderedDict[Name, float] = OrderedDict()

    def wait(self, name: Name, interval: float, capacity: float) -> float:
        """Returns in how many seconds there is a token; zero or less where there is one now.

        A token comes back in `interval` seconds, a bucket fills in `capacity` seconds.
        """
        now = self._clock()
        full_at = self._full_at.get(name, now)
        # A tolerance for the rounding of fractions.
        return max(full_at, now) + interval - now - capacity - 1e-9

    def take(self, name: Name, interval: float, capacity: float, tokens: int = 1) -> float:
        """Takes `tokens` if there are enough; returns what `wait` returned for them before.

        A request may take more than a bucket holds. Then it needs a bucket that is full, except for
        the token that the same request has taken before.
        """
        now = self._clock()
        price = interval if tokens == 1 else min(tokens * interval, capacity - interval)
        full_at = max(self._full_at.get(name, now), now) + price
        wait = full_at - now - capacity - 1e-9
        if wait > 0:
            return wait
        self._full_at[name] = full_at
        self._full_at.move_to_end(name)
        if len(self._full_at) > self._most:
            self._full_at.popitem(last=False)
        return wait


def _refuse_until(wait: float) -> None:
    if wait > 0:
        raise RateLimited(max(1, math.ceil(wait)))


class RateLimiter:
    """Token buckets by API key and by account; for a publishable key also by client address.

    The limits of an account are those of all server processes together. Each process takes its
    share, since a shared counter would cost every request a round trip.
    """

    def __init__(
        self,
        processes: int = 1,
        *,
        clock: Callable[[], float] = time.monotonic,
        keys: int = _BUCKETS,
    ) -> None:
        """Divides the limits by `processes`; remembers at most `keys` buckets of each kind.

        `clock` gives seconds and never goes back.
        """
        self._processes = processes
        self._keys = _Buckets[UUID](clock, keys)
        self._accounts = _Buckets[UUID](clock, keys)
        self._visitors = _Buckets[tuple[UUID, str]](clock, keys)

    def take(self, credential: Credential, scope: Scope) -> None:
        """Takes what a request costs without its body, and lets its body be charged later.

        Raises RateLimited when the key or the account has too few tokens or, with a publishable
        key, the client address. The address is checked first, so that a visitor who is refused
        takes nothing from the others.
        """
        self.charge(credential, scope, 1)
        scope[_PAYER] = self, credential

    def charge(self, credential: Credential, scope: Scope, tokens: int) -> None:
        """Takes `tokens` more for a request. Raises RateLimited when there are too few."""
        account = credential.account
        rate, burst = account.rate_per_second, account.burst
        if credential.kind is KeyKind.PUBLISHABLE:
            name = (credential.key_id, caller(scope))
            own = min(rate, max(_VISITORS_RATE, rate / _VISITORS_SHARE))
            most = min(burst, max(_VISITORS_BURST, burst / _VISITORS_SHARE))
            self._take(self._visitors, name, own, most, tokens)
        self._take(self._keys, credential.key_id, rate, burst, tokens)
        worth = _KEYS_WORTH
        self._take(self._accounts, account.id, worth * rate, worth * burst, tokens, least=worth)

    def _take(
        self,
        buckets: _Buckets[Name],
        name: Name,
        rate: float,
        burst: float,
        tokens: int,
        least: float = 1.0,
    ) -> None:
        interval = self._processes / rate
        capacity = max(least, burst / self._processes) * interval
        _refuse_until(buckets.take(name, interval, capacity, tokens))


def charge_body(scope: Scope, size: int) -> None:
    """Charges the key of a request for a body of `size` bytes; requests without a key are free.

    Raises RateLimited when there is too little.
    """
    if size > TOKEN_BYTES and has_key(scope):
        limiter, credential = scope[_PAYER]
        limiter.charge(credential, scope, (size - 1) // TOKEN_BYTES)


def is_paid(scope: Scope) -> bool:
    """Returns whether a request was charged to its key, its person or its address."""
    return _PAYER in scope


def has_key(scope: Scope) -> bool:
    """Returns whether a request was charged to a key."""
    return isinstance(scope.get(_PAYER), tuple)


class AddressLimits:
    """Limits callers without a valid key by their address, which for IPv6 is the /64.

    Only refused requests and requests that need no key are counted: a valid key is accepted
    whatever other callers behind the same address do.
    """

    def __init__(
        self,
        *,
        failures_per_second: float = math.inf,
        requests_per_second: float = math.inf,
        processes: int = 1,
        clock: Callable[[], float] = time.monotonic,
        addresses: int = _BUCKETS,
    ) -> None:
        """Allows each address so many a second, and at once as many as in twenty seconds.

        `failures_per_second` are refused keys and signatures, `requests_per_second` requests that
        need no key. The limits are those of all `processes` together. At most `addresses` are
        remembered; `clock` gives seconds and never goes back.
        """
        self._failure = processes / failures_per_second
        self._request = processes / requests_per_second
        self._probe = min(self._request, processes / _PROBES_PER_SECOND)
        self._failures = _Buckets[str](clock, addresses)
        self._requests = _Buckets[str](clock, addresses)
        self._probes = _Buckets[str](clock, addresses)

    def ask(self, scope: Scope) -> None:
        """Counts a request that needs no key. Raises RateLimited when there were too many."""
        scope[_PAYER] = "address"
        _refuse_until(self._requests.take(caller(scope), self._request, _capacity(self._request)))

    def probe(self, scope: Scope) -> None:
        """Counts a monitor's request, for which the limit is higher. Raises RateLimited."""
        scope[_PAYER] = "address"
        _refuse_until(self._probes.take(caller(scope), self._probe, _capacity(self._probe)))

    def refuse(self, scope: Scope, status: int) -> None:
        """Counts a request that is answered with a `status` of 4xx and was not charged.

        Raises RateLimited, which is then answered instead.
        """
        if status in _FAILURES:
            self.fail(scope)
        else:
            self.ask(scope)

    def fail(self, scope: Scope) -> None:
        """Counts a key or signature that was refused. Raises RateLimited instead of the refusal."""
        scope[_PAYER] = "address"
        _refuse_until(self._failures.take(caller(scope), self._failure, _capacity(self._failure)))

    def has_failed(self, scope: Scope) -> bool:
        """Returns whether the caller's next failure would raise RateLimited."""
        return self._failures.wait(caller(scope), self._failure, _capacity(self._failure)) > 0


class PersonLimits:
    """Limits people who have signed in: each person separately, whatever address they call from."""

    def __init__(
        self,
        per_second: float = math.inf,
        processes: int = 1,
        *,
        clock: Callable[[], float] = time.monotonic,
        people: int = _BUCKETS,
    ) -> None:
        """Allows each person so many requests a second, and at once as many as in twenty seconds.

        It is the limit of all `processes` together. At most `people` are remembered; `clock` gives
        seconds and never goes back.
        """
        self._interval = processes / per_second
        self._people = _Buckets[UUID](clock, people)

    def take(self, scope: Scope, person_id: UUID) -> None:
        """Counts a request of a person. Raises RateLimited when there were too many."""
        scope[_PAYER] = "person"
        wait = self._people.take(person_id, self._interval, _capacity(self._interval))
        _refuse_until(wait)


def caller(scope: Scope) -> str:
    """Returns the name under which a client is counted: its address or /64, "" if unknown."""
    client = scope.get("client")
    return counted(client[0]) if client else ""


def _capacity(interval: float) -> float:
    return max(_BURST_SECONDS, interval)


_UNLIMITED = AddressLimits()


def set_limits(scope: Scope, limits: AddressLimits) -> None:
    """Sets the limits that apply to a request."""
    scope[_LIMITS] = limits


def limits_of(scope: Scope) -> AddressLimits:
    """Returns the limits of a request; where none were set, limits that allow everything."""
    limits = scope.get(_LIMITS)
    return limits if isinstance(limits, AddressLimits) else _UNLIMITED


def open_to_all(handler: Handler) -> Handler:
    """Returns a handler that needs no key, with its requests limited by address."""

    async def counted(scope: Scope, receive: Receive) -> HttpReply:
        limits_of(scope).ask(scope)
        return await handler(scope, receive)

    return counted
