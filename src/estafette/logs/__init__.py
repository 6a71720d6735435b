"""Logging: modules log through a `Logger` of this package; `logs.lines` writes the lines."""

from collections.abc import Callable
from typing import Any


class Logger:
    """A module's logger, with the methods of structlog's: an event, and facts by name.

    structlog is loaded with the first line. Loading it takes longer than most commands run, and
    most commands log nothing. Where nobody has said how lines are written, they are written to
    stderr: what a command prints is on stdout, for programs to read.
    """

    def __getattr__(self, level: str) -> Callable[..., Any]:
        """The method of that name (`info`, `warning`, …) of structlog's logger."""
        import structlog

        if not structlog.is_configured():
            from estafette.logs import lines

            lines.configure()
        return getattr(structlog.get_logger(), level)
