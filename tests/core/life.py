"""The life of a delivery as the design's table words it: an independent model for the tests.

Plain words and a plain table, written from the documentation and not from the code.
"""

from dataclasses import dataclass, field

NEXT: dict[str, list[str]] = {
    "awaiting_payment": ["pending", "cancelled"],
    "pending": ["assigned", "stalled", "cancelled"],
    "assigned": ["pickup_ready", "in_transit", "pending", "stalled", "cancelled"],
    "pickup_ready": ["in_transit", "pending", "stalled", "cancelled"],
    "in_transit": ["out_for_delivery", "failed", "stalled"],
    "out_for_delivery": ["delivered", "failed", "stalled"],
    "delivered": [],
    "cancelled": [],
    "failed": [],
}

ORDER: list[str] = [
    "awaiting_payment",
    "pending",
    "assigned",
    "pickup_ready",
    "in_transit",
    "out_for_delivery",
    "delivered",
]


@dataclass
class Life:
    """One delivery: where it is, where it has been."""

    status: str
    been: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self.been.append(self.status)

    @property
    def events(self) -> int:
        return len(self.been)

    @property
    def picked_up(self) -> bool:
        """Whether the parcel was ever in a courier's hands (unless it was never carried)."""
        return "in_transit" in self.been

    @property
    def milestone(self) -> str:
        if self.status == "cancelled":
            return "cancelled"
        return max((status for status in self.been if status in ORDER), key=ORDER.index)

    def allowed(self) -> set[str]:
        if self.status != "stalled":
            return set(NEXT[self.status])
        where_it_was = self.been[-2]
        return {where_it_was, "failed"} | (set() if self.picked_up else {"pending", "cancelled"})

    def move(self, to: str) -> bool:
        """Moves if that is allowed; tells whether it did."""
        if to not in self.allowed():
            return False
        self.been.append(to)
        self.status = to
        return True
