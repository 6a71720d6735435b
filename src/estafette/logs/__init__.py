"""Logging: what a module says goes through a `Logger` here; `logs.lines` makes lines of it."""

from collections.abc import Callable
from typing import Any


class Logger:
    """A module's logger, with the methods of structlog's: an event, and facts by name.

    structlog is loaded when something is first said. Loading it takes longer than most commands
    do in all, and most commands log nothing.
    """

    def __getattr__(self, level: str) -> Callable[..., Any]:
        """The method of that name (`info`, `warning`, …) of structlog's logger."""
        import structlog

        return getattr(structlog.get_logger(), level)
