"""The circuit breaker: a platform that fails again and again is left alone for a while."""

import time
from collections.abc import Callable

from estafette.core.couriers.company import CourierResting

FAILURES = 5
"""After how many failures in a row the breaker opens."""

FIRST_REST_SECONDS = 15.0
"""For how many seconds it is open at first, by default; each probe that fails doubles it."""

LONGEST_REST_SECONDS = 300.0

Clock = Callable[[], float]
OnChange = Callable[[bool], None]


def ignore_change(_is_open: bool) -> None:
    """Does nothing: for a process that measures nothing."""


class Breaker:
    """Decides from the results of earlier requests whether a company's platform may be asked now.

    While it is closed, every request passes. While it is open, none passes until its rest is over;
    then one request is a probe. If the probe succeeds, the breaker closes; if it fails, the breaker
    stays open for twice as long.
    """

    def __init__(
        self,
        clock: Clock = time.monotonic,
        on_change: OnChange = ignore_change,
        first_rest_seconds: float = FIRST_REST_SECONDS,
    ) -> None:
        """Begins closed. `answers` is whether the last request was answered, None before the first.

        `clock` counts seconds. `on_change` is called when it opens (True) and closes (False).
        `first_rest_seconds` is how long it is open the first time.
        """
        self._first_rest = first_rest_seconds
        self._clock = clock
        self._on_change = on_change
        self._failures = 0
        self._rest = self._first_rest
        self._open_until: float | None = None
        self._probing = False
        self._wait_until = 0.0
        self.answers: bool | None = None

    @property
    def is_open(self) -> bool:
        """Whether it holds requests back; true during a probe too."""
        return self._open_until is not None

    @property
    def rests_for(self) -> float:
        """The seconds until a request may pass; 0 when one may pass now."""
        if self._open_until is None:
            return 0
        left = self._open_until - self._clock()
        return max(left, 1.0) if self._probing else max(left, 0.0)

    @property
    def wants_rest_for(self) -> float:
        """Seconds until a request may pass and the pause that the platform asked for is over."""
        return max(self.rests_for, self._wait_until - self._clock())

    def asked_to_wait(self, seconds: float) -> None:
        """Notes that the platform asks for a pause: requests that can wait should, all may pass."""
        self._wait_until = self._clock() + seconds

    def begin(self) -> None:
        """Notes that a request wants to pass. Raises CourierResting when it may not.

        The caller reports the result by `succeeded`, `failed` or `abandoned`.
        """
        if self._open_until is None:
            return
        if self.rests_for > 0:
            raise CourierResting("it failed again and again and is left alone", self.rests_for)
        self._probing = True

    def succeeded(self) -> None:
        """Notes that a request was answered."""
        self.answers = True
        self._failures = 0
        self._rest = self._first_rest
        self._probing = False
        if self._open_until is not None:
            self._open_until = None
            self._on_change(False)

    def failed(self) -> None:
        """Notes that a request was not answered, or not as a platform answers."""
        self.answers = False
        if self._open_until is not None:
            if self._probing:
                self._probing = False
                self._rest = min(self._rest * 2, LONGEST_REST_SECONDS)
                self._open_until = self._clock() + self._rest
            return  # otherwise the request began before the breaker opened
        self._failures += 1
        if self._failures >= FAILURES:
            self._open_until = self._clock() + self._rest
            self._on_change(True)

    def abandoned(self) -> None:
        """Notes that we gave up a request before its result was known."""
        self._probing = False
