"""What the core asks of a dialect."""

from typing import Protocol

from estafette.core.delivery import Progress, Status


class Dialect(Protocol):
    """A published API that Estafette speaks, as far as the core is concerned with it."""

    @property
    def name(self) -> str:
        """Its name, as accounts carry it."""
        ...

    def announcements(self, before: Status | None, after: Status) -> tuple[str, ...]:
        """The webhook types, in order, that tell of a move from milestone `before` to `after`.

        `before` is None for a new delivery. None are told when the dialect shows no difference.
        """
        ...

    def may_cancel(self, progress: Progress) -> bool:
        """Whether this dialect lets a merchant cancel now; the core's table has its say besides."""
        ...


def event_types(dialect: Dialect) -> tuple[str, ...]:
    """Every webhook type that a dialect announces, in the order of a delivery's life."""
    ends = (Status.DELIVERED, Status.CANCELLED)
    return tuple(dict.fromkeys(type for end in ends for type in dialect.announcements(None, end)))
