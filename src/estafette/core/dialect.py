"""What the core asks of a dialect."""

from typing import Protocol

from estafette.core.delivery import Progress


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
