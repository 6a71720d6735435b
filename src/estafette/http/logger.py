"""The interface of the logger that this package uses."""

from typing import Any, Protocol


class Logger(Protocol):
    """Takes an event with its facts, as structlog's loggers do."""

    def info(self, event: str, /, **facts: Any) -> Any:
        """Records an event."""
        ...

    def error(self, event: str, /, **facts: Any) -> Any:
        """Records an error."""
        ...
