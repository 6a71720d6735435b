"""When a failed message is sent again: a schedule, and the arithmetic on it.

Pure functions: the caller passes the time that has passed and the source of random numbers. The
dialect chooses the schedule; the worker counts attempts and stores when they are due.
"""

import email.utils
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

MAX_RETRY_AFTER_SECONDS: Final = 7 * 86400


@dataclass(frozen=True, slots=True)
class RetrySchedule:
    """The attempts of one round: of a message's first sending, or of one re-sending by hand.

    Attributes:
        delays_seconds: the waits before the second, third, … attempt, in seconds.
        timeout_seconds: what one whole exchange may take, in seconds.
        jitter: by which fraction of itself a delay may be longer or shorter (0 ≤ x < 1), so that
            messages that failed together are not sent again together.
        last_attempt_seconds: when one last attempt is made, in seconds after the round's first;
            None: the round ends with the delays.

    Raises:
        ValueError: a number is not finite or out of its range.
    """

    delays_seconds: tuple[float, ...]
    timeout_seconds: float
    jitter: float = 0.0
    last_attempt_seconds: float | None = None

    def __post_init__(self) -> None:
        positive = [*self.delays_seconds, self.timeout_seconds]
        if self.last_attempt_seconds is not None:
            positive.append(self.last_attempt_seconds)
        if not all(math.isfinite(seconds) and seconds > 0 for seconds in positive):
            raise ValueError("delays, timeout and last attempt must be positive and finite")
        if not 0 <= self.jitter < 1:
            raise ValueError("jitter must be a fraction of at least 0 and below 1")

    @property
    def max_attempts(self) -> int:
        """The most attempts that a round can have."""
        return 1 + len(self.delays_seconds) + (self.last_attempt_seconds is not None)

    def next_attempt_delay(
        self,
        attempt_in_round: int,
        seconds_since_round_start: float,
        retry_after_seconds: float | None,
        random: Callable[[], float],
    ) -> float | None:
        """Returns the seconds from now to the next attempt, or None: the message is dead.

        The receiver's wish (`Retry-After`) can lengthen a wait, never shorten it, and only up to
        the longest delay of the schedule. No wait reaches beyond the last attempt, which is made
        even if the receiver wishes a later one.

        Arguments:
            attempt_in_round: the number of the attempt that has just failed, from 1.
            seconds_since_round_start: the time since the round's first attempt began, in seconds.
            retry_after_seconds: the receiver's wish in seconds, None if it had none.
            random: gives numbers from 0 to below 1.
        """
        if attempt_in_round >= self.max_attempts:
            return None
        left = self._seconds_left(seconds_since_round_start)
        if left is not None and left <= 0:
            return None
        if attempt_in_round > len(self.delays_seconds):
            return left
        delay = self.delays_seconds[attempt_in_round - 1]
        delay *= 1 + self.jitter * (2 * random() - 1)
        if retry_after_seconds is not None:
            delay = max(delay, min(retry_after_seconds, max(self.delays_seconds)))
        return delay if left is None else min(delay, left)

    def _seconds_left(self, seconds_since_round_start: float) -> float | None:
        if self.last_attempt_seconds is None:
            return None
        return self.last_attempt_seconds - seconds_since_round_start


def doubling(first_seconds: float, count: int) -> tuple[float, ...]:
    """Returns `count` delays in seconds, the first `first_seconds`, each twice the one before."""
    return tuple(first_seconds * 2**step for step in range(count))


def parse_retry_after(value: str, now: datetime) -> int | None:
    """Returns the seconds that a `Retry-After` asks to wait (RFC 9110, 10.2.3), or None.

    Seconds and dates are read; a date in the past is 0, more than `MAX_RETRY_AFTER_SECONDS` is cut
    to it, and anything else (signs, fractions, exponents, words) is None.

    Arguments:
        value: the header's value.
        now: the present, with a time zone.
    """
    value = value.strip()
    if value.isascii() and value.isdigit():
        # The length is checked first: a receiver could send thousands of digits.
        return (
            MAX_RETRY_AFTER_SECONDS if len(value) > 9 else min(int(value), MAX_RETRY_AFTER_SECONDS)
        )
    try:
        when = email.utils.parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)  # "-0000", which says: UTC, of a place unknown
    try:
        seconds = (when - now).total_seconds()
    except OverflowError:
        return None
    return int(max(0.0, min(seconds, MAX_RETRY_AFTER_SECONDS)))
