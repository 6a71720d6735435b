"""How often a key, and an address, may call: token buckets in the memory of one process."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar
from uuid import UUID

from starlette.types import Receive, Scope

from estafette.core.account import Credential
from estafette.http.address import counted
from estafette.http.refusals import RateLimited
from estafette.http.reply import HttpReply
from estafette.http.resource import Handler

_BUCKETS = 100_000
"""How many buckets are remembered: some 20 MB at worst."""

_BURST_SECONDS = 20.0
"""What an address may do in so many seconds it may do at once."""

_LIMITS = "estafette.limits"

Name = TypeVar("Name")


class _Buckets(Generic[Name]):
    """Token buckets by name; of too many, those least recently used are forgotten.

    They are most likely full again, which is as good as unknown.
    """

    def __init__(self, clock: Callable[[], float], most: int) -> None:
        self._clock = clock
        self._most = most
        # Full at that time, in the clock's seconds: one number is all there is to a bucket.
        self._full_at: OrderedDict[Name, float] = OrderedDict()

    def wait(self, name: Name, interval: float, capacity: float) -> float:
        """In how many seconds there is a token; zero or less: now.

        A token comes back in `interval` seconds, a bucket fills in `capacity` seconds.
        """
        now = self._clock()
        full_at = self._full_at.get(name, now)
        # A hair's breadth for what adding fractions loses.
        return max(full_at, now) + interval - now - capacity - 1e-9

    def take(self, name: Name, interval: float, capacity: float) -> float:
        """Takes a token if there is one; returns what `wait` said before."""
        now = self._clock()
        full_at = max(self._full_at.get(name, now), now) + interval
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
    """Token buckets by API key.

    The limits of an account are those of all server processes together: each takes its share,
    since asking a shared counter would cost every request a round trip.
    """

    def __init__(
        self,
        processes: int = 1,
        *,
        clock: Callable[[], float] = time.monotonic,
        keys: int = _BUCKETS,
    ) -> None:
        """Divides the limits by `processes`; remembers at most `keys` buckets.

        `clock` gives seconds and never goes back.
        """
        self._processes = processes
        self._buckets = _Buckets[UUID](clock, keys)

    def take(self, credential: Credential) -> None:
        """Takes one token of the credential's bucket. Raises RateLimited when there is none."""
        account = credential.account
        interval = self._processes / account.rate_per_second
        capacity = max(1.0, account.burst / self._processes) * interval
        _refuse_until(self._buckets.take(credential.key_id, interval, capacity))


class AddressLimits:
    """What callers without a good key may do, by their address: an IPv6 caller's is its /64.

    Only what fails, and what needs no key, is counted: whoever shows a good key is let in, whatever
    others behind the same address do.
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
        """Allows so much to each address, and twenty seconds' worth at once.

        `failures_per_second` are refused keys and signatures, `requests_per_second` requests that
        need no key. The limits are those of all `processes` together. At most `addresses` are
        remembered; `clock` gives seconds and never goes back.
        """
        self._failure = processes / failures_per_second
        self._request = processes / requests_per_second
        self._failures = _Buckets[str](clock, addresses)
        self._requests = _Buckets[str](clock, addresses)

    def ask(self, scope: Scope) -> None:
        """Counts a request that needs no key. Raises RateLimited when there were too many."""
        _refuse_until(self._requests.take(_caller(scope), self._request, _capacity(self._request)))

    def fail(self, scope: Scope) -> None:
        """Counts a key or a signature that was refused. Raises RateLimited in its place."""
        _refuse_until(self._failures.take(_caller(scope), self._failure, _capacity(self._failure)))

    def has_failed(self, scope: Scope) -> bool:
        """Whether the caller's next failure would be one too many."""
        return self._failures.wait(_caller(scope), self._failure, _capacity(self._failure)) > 0


def _caller(scope: Scope) -> str:
    client = scope.get("client")
    return counted(client[0]) if client else ""


def _capacity(interval: float) -> float:
    return max(_BURST_SECONDS, interval)


_UNLIMITED = AddressLimits()


def set_limits(scope: Scope, limits: AddressLimits) -> None:
    """Lets a request be counted by `limits`."""
    scope[_LIMITS] = limits


def limits_of(scope: Scope) -> AddressLimits:
    """By what a request is counted; where nothing was set, by nothing."""
    limits = scope.get(_LIMITS)
    return limits if isinstance(limits, AddressLimits) else _UNLIMITED


def open_to_all(handler: Handler) -> Handler:
    """A handler that needs no key, for as many requests of an address as may be."""

    async def counted(scope: Scope, receive: Receive) -> HttpReply:
        limits_of(scope).ask(scope)
        return await handler(scope, receive)

    return counted
