"""Logs: one JSON object a line on stderr, with the request's id and without secrets.

Everything that we, uvicorn or asyncio log passes `redact`, which is the second protection of
personal data: the first is that modules pass none to a logger. The fields `name` and `address` are
blanked; log `account`, `endpoint` or `path` instead.
"""

import json
import logging
import re
import sys
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import TracebackType
from typing import Any, Literal, TextIO, cast

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from estafette.terminal import escaped, plain, plain_lines

__all__ = ["configure", "get", "redact"]

BLANK = "…"

TEXT_LIMIT = 16 * 1024
"""How many characters a text in a line may have; the middle of a longer one is left out."""

_HEAD = 4 * 1024
_SEAM = 256
"""How many characters are dropped at both sides of the gap: no pattern finds half of a secret."""

get = structlog.get_logger

# Compared in lower case, without `-` and `_`: `x-api-key`, `xApiKey` and `x_api_key` are one.
_BLANKED = frozenset(
    """
    address body city comment contact customer description dropoff email first_name full_name
    last_name latitude longitude name note notes payload phone phone_e164 pickup recipient sender
    user user_name external_order_id external_ref
    api_key x_api_key authorization cookie set_cookie credential dsn hash idempotency_key key
    password secret secret_key signature token webhook_secret
    """.replace("_", "").split()
)

_QUERY = re.compile(r"[?#](?=.)")


def _without_query(found: re.Match[str]) -> str:
    query = _QUERY.search(found[0])
    return found[0] if query is None else f"{found[0][: query.start()]}?{BLANK}"


# Each pattern reads a text once, whatever the text is: where it begins to match, it either takes
# the characters it has read, or cannot begin to match again within them.
_TEXTS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    # a user name and password, and a query, in a URL
    (re.compile(r"(?<=://)[^/@\s'\"]+@"), f"{BLANK}@"),
    (re.compile(r"\bhttps?://[^\s'\"]+"), _without_query),
    (re.compile(r"(?<![^\s'\"])(/[^\s?'\"]*)\?[^\s'\"]+"), rf"\1?{BLANK}"),
    # our keys and secrets: a short prefix, then 32 random letters and digits
    (re.compile(r"\b([a-z]{2,10}_(?:[a-z]{2,10}_)?)[A-Za-z0-9]{32,}\b"), rf"\1{BLANK}"),
    (re.compile(r"(?i)\b(x-api-key|authorization|bearer)\b(\W{1,4})\S+(?: \S+)?"), rf"\1\2{BLANK}"),
    # international phone numbers, as people write them
    (re.compile(r"(?<![\w+])\+\d(?:[ ().-]{0,2}\d){6,14}"), BLANK),
    (re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), BLANK),
    # what PostgreSQL and pydantic quote of the values that they refuse
    (re.compile(r"(?m)(DETAIL:\s*)[^\n]*"), rf"\1{BLANK}"),
    (re.compile(r"(?s)input_value=.*?(?=, input_type=|\Z)"), f"input_value={BLANK}"),
)

# Characters without which none of them matches; most texts have none, and are searched once only.
_SUSPECT = re.compile(
    r"[@?+]|://|_[A-Za-z0-9]{32}|DETAIL:|input_value=|(?i:x-api-key|authorization|bearer)"
)

_OURS = frozenset({"event", "logger"})

# Fields with words of our own: searching them would cost more than the rest of a request's line.
_CERTAIN = frozenset(
    {"level", "timestamp", "process", "method", "route", "client", "account", "key_id"}
)


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Blanks fields with secrets or personal data, and what looks like such within texts."""
    return {
        name: value if name in _CERTAIN or value is None else _clean(name, value)
        for name, value in event.items()
    }


def _clean(name: str, value: object) -> object:
    return _text(value) if name in _OURS and isinstance(value, str) else _field(name, value)


def _field(name: object, value: object) -> object:
    if value is None or isinstance(value, bool):
        return value
    if _is_blanked(str(name)):
        return BLANK
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int | float):
        return value
    if isinstance(value, Mapping):
        members = cast("Mapping[object, object]", value)
        return {str(name): _field(name, member) for name, member in members.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_field("", member) for member in cast("list[object]", value)]
    return _text(str(value))


@lru_cache(maxsize=1024)  # most names are of our own code, and few
def _is_blanked(name: str) -> bool:
    plain = name.lower().replace("-", "").replace("_", "")
    return plain in _BLANKED or plain.endswith("signature")  # each dialect has a header of its own


def _text(text: str) -> str:
    if len(text) <= TEXT_LIMIT:
        return _redacted(text)
    head = _redacted(text[:_HEAD])[:-_SEAM]
    # it begins with a line: what a database or a reader of JSON quotes is blanked up to its end
    tail = _redacted(text[_HEAD - TEXT_LIMIT :])[_SEAM:].partition("\n")[2]
    return f"{head}{BLANK} ({len(text)} characters in all) {BLANK}\n{tail}"


def _redacted(text: str) -> str:
    if text.isalnum() or _SUSPECT.search(text) is None:  # nothing is found within a single word
        return text
    for pattern, replacement in _TEXTS:
        text = pattern.sub(replacement, text)
    return text


def configure(
    level: str = "info",
    format: Literal["auto", "json", "console"] = "auto",
    *,
    process: str | None = None,
    stream: TextIO | None = None,
) -> None:
    """Sends all logs of this process to `stream` (stderr), from `level` on.

    `process` ("server", "worker") is written into every line. `auto` is `console` where the stream
    is a terminal, else `json`.
    """
    out: TextIO = sys.stderr if stream is None else stream
    for_people = format == "console" or (format == "auto" and out.isatty())
    tell = _console(out) if for_people else _json
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[_Line(process), tell],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=False,  # loggers made at imports are configured too
    )
    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler, _Bridge):
            root.removeHandler(handler)
    root.addHandler(_Bridge())
    root.setLevel(number)
    for chatty in ("uvicorn", "uvicorn.error", "uvicorn.access", "asyncio", "aiohttp"):
        library = logging.getLogger(chatty)
        library.handlers.clear()
        library.propagate = True
        library.setLevel(max(number, logging.WARNING))
    # It warns of each malformed request; http/connections.py counts them and logs some.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    # It warns of each form that breaks its rules, which anybody can send as often as they like.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    # It warns with a traceback each time that it cannot connect; we tell of trouble once.
    logging.getLogger("asyncpg.pool").setLevel(logging.ERROR)
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught


class _Line:
    """Makes a line of an event, with its time (UTC, milliseconds), process and level.

    One step in the place of structlog's seven, whose calls were a tenth of a small request.
    """

    def __init__(self, process: str | None) -> None:
        """Writes `process` into each line, if there is one."""
        self._process = {"process": process} if process else {}
        self._stack = structlog.processors.StackInfoRenderer()
        self._second = 0
        self._shown = ""

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        if "stack_info" in event:
            event = self._stack(logger, method, event)
        if "exc_info" in event:
            event = structlog.processors.format_exc_info(logger, method, event)
        now = time.time()
        second = int(now)
        if second != self._second:
            self._shown = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
            self._second = second
        event = structlog.processors.add_log_level(logger, method, event)
        return {
            "timestamp": f"{self._shown}.{int(now % 1 * 1000):03d}Z",
            **self._process,
            **redact(logger, method, event),
        }


def _json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    try:
        return escaped(orjson.dumps(event, default=str).decode())
    except orjson.JSONEncodeError:  # half of a surrogate pair, which UTF-8 cannot encode
        return json.dumps(event, default=str)


_LINES = frozenset({"exception", "stack"})
"""What a log tells in several lines."""


def _console(stream: TextIO) -> Processor:
    renderer = structlog.dev.ConsoleRenderer(
        colors=stream.isatty(),
        pad_event_to=32,
        exception_formatter=structlog.dev.plain_traceback,
    )

    def render(logger: WrappedLogger, method: str, event: EventDict) -> str:
        event["timestamp"] = str(event["timestamp"])[11:19]  # a terminal needs no date
        for name, value in event.items():
            if not isinstance(value, bool | int | float | None):
                event[name] = plain_lines(str(value)) if name in _LINES else plain(str(value))
        return str(renderer(logger, method, event))

    return render


class _Bridge(logging.Handler):
    """Passes what libraries log by the standard library through the same steps as ours."""

    def emit(self, record: logging.LogRecord) -> None:
        """Logs the record as an event."""
        fields: dict[str, Any] = {"logger": record.name}
        if record.exc_info and record.exc_info[0]:
            fields["exc_info"] = record.exc_info
        structlog.get_logger().log(record.levelno, record.getMessage(), **fields)


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    structlog.get_logger().critical("stopped by an error", exc_info=(kind, error, trace))
