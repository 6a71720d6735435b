"""What this package asks of a logger."""

from typing import Any, Protocol


class Logger(Protocol):
    """Takes an event with its facts, as structlog's loggers do."""

    def info(self, event: str, /, **facts: Any) -> Any:
        """Records what happened."""
        ...

    def error(self, event: str, /, **facts: Any) -> Any:
        """Records what went wrong."""
        ...
