"""Bodies as a server hands them on, part after part."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any


def handing_on(messages: Iterable[dict[str, Any]]) -> Callable[[], Awaitable[dict[str, Any]]]:
    """What hands on one message after another."""
    waiting = iter(messages)

    async def receive() -> dict[str, Any]:
        return next(waiting)

    return receive


def parts_of(*parts: bytes) -> list[dict[str, Any]]:
    """The messages of a body that comes in these parts."""
    return [
        {"type": "http.request", "body": part, "more_body": number < len(parts)}
        for number, part in enumerate(parts, 1)
    ]
