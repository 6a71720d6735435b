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

    def announcements(self, before: Progress | None, after: Progress) -> tuple[str, ...]:
        """The webhook types, in order, that tell of one move; `before` is None for a new delivery.

        None are told when the dialect shows no difference.
        """
        ...

    def may_cancel(self, progress: Progress) -> bool:
        """Whether this dialect lets a merchant cancel now; the core's table has its say besides."""
        ...

    def erased_answer(
        self, answer: Mapping[str, Any], erased: Delivery
    ) -> Mapping[str, Any] | None:
        """An answer of its own that was kept, without the personal data of an erased delivery.

        None: it does not tell of that delivery. No refusal is asked about: they hold none.
        """
        ...


def event_types(dialect: Dialect) -> tuple[str, ...]:
    """Every webhook type that a dialect announces, in the order of a delivery's life."""
    new = Progress(COURSE[0], COURSE[0])
    types = list(dialect.announcements(None, new))
    for status in (*COURSE[1:], Status.CANCELLED):
        types += dialect.announcements(new, Progress(status, status))
    for status in (Status.FAILED, Status.STALLED):
        types += dialect.announcements(new, Progress(status, new.milestone))
    return tuple(dict.fromkeys(types))
