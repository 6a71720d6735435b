"""A proof: what was shown at a stop, by whom it was taken there, when, and how far from it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from estafette.core.point import Point

LONGEST_SAID: Final = 100
"""How long a name, or the name of a kind of document, may be, in characters."""

MOST_PROOFS: Final = 30
"""How many proofs one delivery may have."""

LATE: Final = timedelta(days=2)
"""How long after the end of a delivery a proof of it is still taken: phones are offline."""

EARLY: Final = timedelta(minutes=5)
"""How much a proof's time may be ahead of ours; what is further ahead counts as now."""


class ProofStage(StrEnum):
    """At which step of a delivery something is shown."""

    PICKUP = "pickup"
    DROPOFF = "dropoff"
    RETURN = "return"
    """Handed back to the sender, which is the drop-off of a return."""


class ProofKind(StrEnum):
    """What shows it."""

    PIN = "pin"
    """The recipient told the PIN, and it was right."""
    SIGNATURE = "signature"
    """A picture of a signature."""
    PHOTO = "photo"
    NAME = "name"
    """The name of who handed over or took the parcel."""
    DOCUMENT = "document"
    """A document of that person was looked at; what kind of document."""
    AGE = "age"
    """A document was looked at, and the person is at least so many years old."""


OF_STAGE: Final = {
    ProofStage.PICKUP: frozenset({ProofKind.SIGNATURE, ProofKind.PHOTO, ProofKind.NAME}),
    ProofStage.DROPOFF: frozenset(ProofKind),
    ProofStage.RETURN: frozenset({ProofKind.SIGNATURE, ProofKind.PHOTO, ProofKind.NAME}),
}
"""Which proofs there are at each stage: only a recipient has a PIN, and is asked for a document."""

PICTURES: Final = frozenset({ProofKind.SIGNATURE, ProofKind.PHOTO})
"""The proofs that are a picture. The others are a text, but for the PIN, which is nowhere."""


@dataclass(frozen=True, slots=True)
class Picture:
    """The file of a proof: where it is kept, what it is, and the SHA-256 of its bytes."""

    path: str
    media_type: str
    size: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Proof:
    """One proof of a delivery.

    `said` is the name, the kind of document, or the years; None for a picture and a PIN. `at` is
    where it was taken, if the phone knew, and `metres` how far that is from the stop, if the stop
    has a point. `taken_at` is the phone's time within bounds, `received_at` ours. `driver_id` is
    who took it; None: nobody of a company's drivers.
    """

    id: UUID
    delivery_id: UUID
    kind: ProofKind
    stage: ProofStage
    taken_at: datetime
    received_at: datetime
    said: str | None = None
    picture: Picture | None = None
    at: Point | None = None
    metres: int | None = None
    driver_id: UUID | None = None


def believed(taken_at: datetime, created_at: datetime, now: datetime) -> datetime:
    """Returns the time of a proof: what the phone says, but not before its delivery, nor ahead."""
    if taken_at > now + EARLY:
        return now
    return max(min(taken_at, now), created_at)
