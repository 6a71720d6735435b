"""When what could not be sent to a person is tried again."""

from datetime import timedelta

MOST_ATTEMPTS = 8
_FIRST = timedelta(seconds=20)
_LONGEST = timedelta(hours=1)


def next_try(attempt: int, asked: timedelta | None, left: timedelta) -> timedelta | None:
    """Returns how long to wait after the failed attempt of that number; None: it is given up.

    `asked` is for how long the other side wants to be left alone, `left` for how long the text is
    still worth sending.
    """
    if attempt >= MOST_ATTEMPTS:
        return None
    wait = max(min(_FIRST * 3 ** (attempt - 1), _LONGEST), asked or timedelta())
    return wait if wait < left else None
