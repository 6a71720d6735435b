"""What becomes of a parcel that could not be handed over: so many attempts, and then what."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MOST_ATTEMPTS: Final = 5
"""How many attempts to deliver a company may have made at most."""


class AfterAttempts(StrEnum):
    """What follows the last attempt; the delivery has failed then."""

    RETURN = "return"
    """The parcel is brought back to its sender, by a delivery of its own."""
    DISCARD = "discard"
    """The parcel is not brought back."""


@dataclass(frozen=True, slots=True)
class FailurePolicy:
    """How often a company tries to deliver, the first time counted, and what follows.

    Raises ValueError for fewer attempts than one, or more than MOST_ATTEMPTS.
    """

    attempts: int
    then: AfterAttempts

    def __post_init__(self) -> None:
        """Checks the number."""
        if not 1 <= self.attempts <= MOST_ATTEMPTS:
            raise ValueError(f"a company tries 1 to {MOST_ATTEMPTS} times, not {self.attempts}")
