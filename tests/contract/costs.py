"""What hostile texts cost of the processor's time, beside a plain request of the same operation.

It is the time of this process, in which server and caller are.
"""

import signal
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

from tests.contract.operations import Call
from tests.schemas import TextField, objects, replaced
from tests.serving import Answer, Server

_UNITS = (
    *("a", "aa.", "1 ", "+1", "(", "://", "http://a?", "@", "a@", "ab_", "sandbox:", "Almaty, "),
    *("Алматы aа ", "\u0301", "\u0316\u0301", "\uff9e\u0345", "\ufdfa", "\u202e", "\u200b"),
    *("\U0001f468\u200d", "٣", "\u00a0", "\n \n", '\\"', "\ud7ff"),
)
_ENDS = {"": "", "tel:1;phone-context=": "!", "a": "\u0316", "https://": "/"}
_LONG = 20_000
"""How long the texts are that no field takes, in characters."""

_LIMIT = 10.0
"""How long a plain request may hold the processor, in seconds."""

FLOOR = 0.005
"""In seconds: where the processor's time is counted in coarse steps, a request takes none."""


def hostile(length: int) -> list[str]:
    """Texts of just that length."""
    texts = [(unit * length)[:length] for unit in _UNITS]
    for begin, end in _ENDS.items():
        middle = length - len(begin) - len(end)
        texts += [f"{begin}{('aa.' * length)[:middle]}{end}"] if middle > 0 else []
    marks = (length - 1) // 2
    texts.append("a" + "\u0301" * marks + "\u0316" * marks)
    return texts


class _TooSlowError(BaseException):
    """A request has held the processor for seconds; even a pattern of `re` is cut off so."""


@contextmanager
def _cut_off(seconds: float) -> Generator[None]:
    def stop(_signal: int, _frame: object) -> None:
        raise _TooSlowError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


class Meter:
    """Measures requests of one operation by a plain one of it."""

    def __init__(self, server: Server, call: Call) -> None:
        self._server = server
        self._call = call
        self._plain = 0.0
        self._per_byte = 0.0

    async def calibrate(self) -> None:
        """Finds out what a plain request costs, and each byte more of a body that says nothing."""
        small = [(await self._cost(_LIMIT, {}))[0] for _ in range(4)]
        self._plain = min(small)
        if self._call.body is not None:
            large = replaced(self._call.body, ("unknown",), "x" * 50_000)
            costs = [(await self._cost(_LIMIT, {"body": large}))[0] for _ in range(3)]
            self._per_byte = max(0.0, (min(costs) - self._plain) / 50_000)

    async def check(self, size: int, **changes: Any) -> str | None:
        """What is wrong with the answer to a changed request of some `size` in bytes, or None."""
        allowed = FLOOR + 6 * self._plain + 12 * size * max(self._per_byte, self._plain / 200_000)
        cost, answer = 0.0, None
        for _ in range(4):
            try:
                cost, answer = await self._cost(max(allowed * 20, 1.0), changes)
            except _TooSlowError:
                return "it never ends"
            if answer.status >= 500:
                return f"status {answer.status}"
            if cost <= allowed:
                break
        else:
            return f"{cost * 1000:.1f} ms where {allowed * 1000:.1f} are allowed"
        if (
            answer.status >= 400
            and self._call.edge
            and answer.headers["content-type"][:9] != "text/html"
        ):
            self._call.edge.check_error(answer.status, answer.headers, answer.body)
        return None

    async def _cost(self, limit: float, changes: Mapping[str, Any]) -> tuple[float, Answer]:
        began = time.process_time()
        with _cut_off(limit):
            answer = await self._call.send(self._server, **changes)
        return time.process_time() - began, answer


async def checked(server: Server, call: Call, fields: list[TextField]) -> list[str]:
    """What is wrong with hostile texts in the fields of a request's body, and in unknown ones."""
    meter = Meter(server, call)
    await meter.calibrate()
    wrong: list[str] = []

    async def check(where: object, text: str, body: Any) -> None:
        if problem := await meter.check(len(text.encode()), body=body):
            wrong.append(f"{where}: {ascii(text)[:60]} ({len(text)}): {problem}")

    for field in fields:
        lengths = {_LONG, min(field.longest or _LONG, _LONG)}
        for text in (text for length in lengths for text in hostile(length)):
            value = {text[:200]: text} if field.is_free else text
            await check(field, text, replaced(call.body, field.path, value))
    for path in objects(call.body):
        for text in hostile(_LONG)[-4:]:
            value = {"a": [text], text[:5_000]: 1}
            await check((*path, "unknown"), text, replaced(call.body, (*path, "unknown"), value))
    return wrong
