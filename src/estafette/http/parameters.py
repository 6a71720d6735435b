"""Reading a query string: each parameter by its reader, and all faults in one refusal."""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import parse_qsl

from estafette.http.moments import Moment, read_moment
from estafette.http.refusals import Detail, shortened

TEXT_LIMIT = 500
"""How long the value of a parameter may be, in characters."""

PARAMETER_LIMIT = 50
"""How many parameters of a query string are read."""

_ONE_OF_SEVERAL = re.compile(r"(?<=.)\[[0-9]{0,2}\]\Z", re.DOTALL)
_NUMBER = re.compile(r"[0-9]{1,9}")
_SPACED_ZONE = re.compile(r"(?<=[0-9])(?<!-[0-9]{2}) ([0-9]{2}(?::?[0-9]{2})?)\Z")

Value = TypeVar("Value")
Parameters = dict[str, list[str]]


class Unreadable(Exception):  # noqa: N818 - a reason on its way to the caller
    """Why a parameter cannot be read."""


def parameters(query: bytes) -> Parameters:
    """Returns the values of each parameter, in order; only `PARAMETER_LIMIT` of them are read.

    PHP and some clients in JavaScript write one of several values as `name[]` or `name[0]`.
    """
    found: Parameters = {}
    read = b"&".join(query.split(b"&", PARAMETER_LIMIT)[:PARAMETER_LIMIT]).decode(
        "utf-8", "replace"
    )
    for name, value in parse_qsl(read, keep_blank_values=True):
        found.setdefault(_ONE_OF_SEVERAL.sub("", name), []).append(value)
    return found


class Query:
    """A query string that is being read. `faults` are those found so far, in order."""

    def __init__(self, query: bytes) -> None:
        """Reads `query` as it came over the wire."""
        self.faults: list[Detail] = []
        self._values = parameters(query)
        if query.count(b"&") >= PARAMETER_LIMIT:
            self.faults.append(Detail("query", f"must have at most {PARAMETER_LIMIT} parameters"))

    def read(self, name: str, reader: Callable[[list[str]], Value]) -> Value | None:
        """Returns a parameter as `reader` reads it; None where it is missing or unreadable."""
        values = self._values.get(name)
        if values is None:
            return None
        try:
            if any(len(value) > TEXT_LIMIT for value in values):
                raise Unreadable(f"must be at most {TEXT_LIMIT} characters long")
            return reader(values)
        except Unreadable as problem:
            self.faults.append(Detail(name, str(problem)))
            return None

    def refuse_others(self, known: Sequence[str]) -> None:
        """Adds a fault for each parameter that is not among `known`."""
        unknown = [name for name in self._values if name not in known]
        self.faults.extend(Detail(shortened(name), "unknown parameter") for name in unknown)


def single(values: list[str]) -> str:
    """Returns the value of a parameter that is given once."""
    if len(values) > 1:
        raise Unreadable("must be given once")
    return values[0]


def text(values: list[str]) -> str:
    """Returns a text to look for."""
    value = single(values)
    if "\0" in value:
        raise Unreadable("contains the character NUL")
    return value


def moment(values: list[str]) -> Moment:
    """Returns a time. If the "+" of its zone was not encoded, it has arrived as a space."""
    found = read_moment(_SPACED_ZONE.sub(r"+\1", single(values)))
    if found is None:
        raise Unreadable("must be a time of RFC 3339, such as 2024-06-12T08:20:54Z")
    return found


def whole_number(lowest: int, highest: int) -> Callable[[list[str]], int]:
    """Returns a reader of integers within these bounds, both included."""

    def read(values: list[str]) -> int:
        value = single(values)
        if _NUMBER.fullmatch(value) is None or not lowest <= int(value) <= highest:
            raise Unreadable(f"must be an integer from {lowest} to {highest}")
        return int(value)

    return read
