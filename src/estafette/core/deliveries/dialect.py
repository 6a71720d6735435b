"""What the core asks of a dialect."""

from collections.abc import Mapping
from typing import Any, Protocol

from estafette.core.deliveries.delivery import COURSE, Delivery, Progress, Status


class Dialect(Protocol):
    """A published API that Estafette speaks, as far as the core is concerned with it."""

    @property
    def name(self) -> str:
        """Its name, as accounts carry it."""
        ...

    @property
    def names_company(self) -> bool:
        """Whether each order names the courier company that carries it."""
        ...

    def announcements(self, before: Progress | None, after: Progress) -> tuple[str, ...]:
        """Returns the types of the webhooks for one move, in order; none for one it does not show.

        `before` is None for a new delivery.
        """
        ...

    def may_cancel(self, progress: Progress) -> bool:
        """Returns whether this dialect lets a merchant cancel now, if the transition is legal."""
        ...

    def erased_answer(
        self, answer: Mapping[str, Any], erased: Delivery
    ) -> Mapping[str, Any] | None:
        """Returns a stored answer without the personal data of an erased delivery.

        None: the answer is not about that delivery. Refusals hold no personal data, and are not
        passed.
        """
        ...


def event_types(dialect: Dialect) -> tuple[str, ...]:
    """Returns every webhook type that a dialect announces, in the order of a delivery's life."""
    new = Progress(COURSE[0], COURSE[0])
    types = list(dialect.announcements(None, new))
    for status in (*COURSE[1:], Status.CANCELLED):
        types += dialect.announcements(new, Progress(status, status))
    for status in (Status.FAILED, Status.STALLED):
        types += dialect.announcements(new, Progress(status, new.milestone))
    return tuple(dict.fromkeys(types))
