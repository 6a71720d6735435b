"""Which accounts may ask one company's platform for prices, so that none uses all of its capacity.

All accounts ask with the company's one key. When the platform wants to be asked less, the account
that has asked most has to wait. When it fails, only the account whose requests fail has to wait,
until a second account's fail too. No I/O.
"""

import time
from collections import Counter
from typing import Final
from uuid import UUID

from estafette.core.couriers.company import CourierResting
from estafette.couriers.platforms.breaker import (
    FIRST_REST_SECONDS,
    Breaker,
    Clock,
    OnChange,
    ignore_change,
)

WINDOW_SECONDS: Final = 5.0
"""The account that has asked most is found by this window, in seconds, and the one before it."""

MOST_ACCOUNTS: Final = 10_000
"""How many accounts are remembered. Beyond, all are forgotten, and too few may have to wait."""


class Shares:
    """The accounts that ask the platform of one company, in this process."""

    def __init__(
        self,
        first_rest_seconds: float = FIRST_REST_SECONDS,
        on_change: OnChange = ignore_change,
        clock: Clock = time.monotonic,
    ) -> None:
        """Begins without requests. Failing accounts rest `first_rest_seconds` the first time.

        `on_change` is called when one has to rest (True), and when it is answered again (False).
        """
        self._first_rest = first_rest_seconds
        self._on_change = on_change
        self._clock = clock
        self._window = 0
        self._asked: Counter[UUID | None] = Counter()
        self._asked_before: Counter[UUID | None] = Counter()
        self._back_at: dict[UUID | None, float] = {}
        self._failing: dict[UUID | None, Breaker] = {}
        self._failed_in_a_row: set[UUID | None] = set()

    def begin(self, account_id: UUID | None) -> None:
        """Notes that an account wants to ask. Raises CourierResting when it has to wait."""
        left = self._back_at.get(account_id, 0.0) - self._clock()
        if left > 0:
            raise CourierResting("it wants to be asked less, and this account asks most", left)
        self._back_at.pop(account_id, None)
        if (breaker := self._failing.get(account_id)) is not None:
            breaker.begin()
        self._turn()
        self._asked[account_id] += 1

    def succeeded(self, account_id: UUID | None) -> None:
        """Notes that a request of the account was answered."""
        if (breaker := self._failing.pop(account_id, None)) is not None:
            breaker.succeeded()
        self._failed_in_a_row.clear()

    def failed(self, account_id: UUID | None) -> bool:
        """Notes that a request was not answered; returns whether the platform itself seems to fail.

        It does when another account's request failed too, and none was answered in between.
        """
        breaker = self._failing.get(account_id)
        if breaker is None:
            _make_room(self._failing)
            breaker = Breaker(self._clock, self._on_change, self._first_rest)
            self._failing[account_id] = breaker
        breaker.failed()
        _make_room(self._failed_in_a_row)
        self._failed_in_a_row.add(account_id)
        return len(self._failed_in_a_row) > 1

    def abandoned(self, account_id: UUID | None) -> None:
        """Notes that a request of the account was given up before its result was known."""
        if (breaker := self._failing.get(account_id)) is not None:
            breaker.abandoned()

    def asked_to_wait(self, seconds: float) -> None:
        """Makes the account that asks most wait so long: the platform wants fewer requests."""
        self._turn()
        now = self._clock()
        asked = self._asked + self._asked_before
        asking = (one for one in asked if self._back_at.get(one, 0.0) <= now)
        most = max(asking, key=asked.__getitem__, default=None)
        if most is not None:
            _make_room(self._back_at)
            self._back_at[most] = now + seconds

    def _turn(self) -> None:
        """Begins a new window when it is time, or when too many accounts are counted."""
        window = int(self._clock() / WINDOW_SECONDS)
        if window == self._window and len(self._asked) < MOST_ACCOUNTS:
            return
        follows = window <= self._window + 1
        self._asked_before = self._asked if follows else Counter()
        self._asked = Counter()
        self._window = window


class Asking:
    """One account's request for a price, before the company's breaker and the account's share."""

    def __init__(self, breaker: Breaker, shares: Shares, account_id: UUID | None) -> None:
        """Takes the results of the request, as a breaker does."""
        self._breaker = breaker
        self._shares = shares
        self._account_id = account_id

    def begin(self) -> None:
        """Notes that it wants to pass. Raises CourierResting when it may not."""
        self._breaker.begin()
        try:
            self._shares.begin(self._account_id)
        except CourierResting:
            self._breaker.abandoned()
            raise

    def succeeded(self) -> None:
        """Notes that it was answered."""
        self._breaker.succeeded()
        self._shares.succeeded(self._account_id)

    def failed(self) -> None:
        """Notes that it was not answered, or not as a platform answers."""
        if self._shares.failed(self._account_id):
            self._breaker.failed()
        else:
            self._breaker.abandoned()

    def abandoned(self) -> None:
        """Notes that we gave it up before its result was known."""
        self._breaker.abandoned()
        self._shares.abandoned(self._account_id)

    def asked_to_wait(self, seconds: float) -> None:
        """Notes that the platform wants fewer requests."""
        self._breaker.asked_to_wait(seconds)
        self._shares.asked_to_wait(seconds)


def _make_room(
    remembered: dict[UUID | None, Breaker] | dict[UUID | None, float] | set[UUID | None],
) -> None:
    if len(remembered) >= MOST_ACCOUNTS:
        remembered.clear()
