"""How often a key may call: a token bucket for each, in the memory of one process."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from uuid import UUID

from estafette.core.account import Credential
from estafette.http.refusals import RateLimited

_KEYS = 100_000


class RateLimiter:
    """Token buckets by API key.

    The limits of an account are those of all server processes together: each takes its share,
    since asking a shared counter would cost every request a round trip.
    """

    def __init__(
        self, processes: int = 1, *, clock: Callable[[], float] = time.monotonic, keys: int = _KEYS
    ) -> None:
        """Divides the limits by `processes`; remembers at most `keys` buckets.

        `clock` gives seconds and never goes back.
        """
        self._processes = processes
        self._clock = clock
        self._keys = keys
        # Full at that time, in the clock's seconds: one number is all there is to a bucket.
        self._full_at: OrderedDict[UUID, float] = OrderedDict()

    def take(self, credential: Credential) -> None:
        """Takes one token of the credential's bucket. Raises RateLimited when there is none."""
        account = credential.account
        interval = self._processes / account.rate_per_second
        capacity = max(1.0, account.burst / self._processes) * interval
        now = self._clock()
        full_at = max(self._full_at.get(credential.key_id, now), now) + interval
        # A hair's breadth for what adding fractions loses.
        wait = full_at - now - capacity - 1e-9
        if wait > 0:
            raise RateLimited(max(1, math.ceil(wait)))
        self._full_at[credential.key_id] = full_at
        self._full_at.move_to_end(credential.key_id)
        if len(self._full_at) > self._keys:
            # The one least recently used: most likely full again, which is as good as unknown.
            self._full_at.popitem(last=False)
