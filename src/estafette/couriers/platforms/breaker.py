"""The circuit breaker: a platform that fails again and again is left alone for a while."""

import time
from collections.abc import Callable

from estafette.core.couriers.company import CourierResting

FAILURES = 5
"""How many failures in a row open it."""

FIRST_REST_SECONDS = 15.0
"""How long it is open then, unless told; each probe that fails doubles it."""

LONGEST_REST_SECONDS = 300.0

Clock = Callable[[], float]
OnChange = Callable[[bool], None]


def ignore_change(_is_open: bool) -> None:
    """Observes nothing: this process measures nothing."""


class Breaker:
    """Whether one company's platform may be asked, by what came of asking before.

    Closed, everything passes. Open, nothing does until its rest is over; then one request probes:
    its success closes the breaker, its failure opens it for twice as long.
    """

    def __init__(
        self,
        clock: Clock = time.monotonic,
        on_change: OnChange = ignore_change,
        first_rest_seconds: float = FIRST_REST_SECONDS,
    ) -> None:
        """Closed; `answers` is whether the last request was answered, None before the first.

        `clock` counts seconds; `on_change` hears when it opens (True) and closes (False).

        `first_rest_seconds` is how long it is open when it opens.
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
        """The seconds until a request may pass, or until the platform wants to be asked again."""
        return max(self.rests_for, self._wait_until - self._clock())

    def asked_to_wait(self, seconds: float) -> None:
        """The platform wants to be left alone: a wish for who has time, not a bar."""
        self._wait_until = self._clock() + seconds

    def begin(self) -> None:
        """A request wants to pass; tell afterwards what came of it. Raises CourierResting."""
        if self._open_until is None:
            return
        if self.rests_for > 0:
            raise CourierResting("it failed again and again and is left alone", self.rests_for)
        self._probing = True

    def succeeded(self) -> None:
        """A request was answered."""
        self.answers = True
        self._failures = 0
        self._rest = self._first_rest
        self._probing = False
        if self._open_until is not None:
            self._open_until = None
            self._on_change(False)

    def failed(self) -> None:
        """A request was not answered, or not as a platform answers."""
        self.answers = False
        if self._open_until is not None:
            if self._probing:
                self._probing = False
                self._rest = min(self._rest * 2, LONGEST_REST_SECONDS)
                self._open_until = self._clock() + self._rest
            return  # else: it began before the breaker opened
        self._failures += 1
        if self._failures >= FAILURES:
            self._open_until = self._clock() + self._rest
            self._on_change(True)

    def abandoned(self) -> None:
        """A request was given up by us before anything came of it."""
        self._probing = False
