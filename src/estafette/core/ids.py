"""Identifiers: made here, shown by each dialect in its own form."""

import os
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_LAST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MILLISECOND


def new_id(at: datetime | None = None) -> UUID:
    """Returns a new UUIDv7 (RFC 9562, 5.7): 48 bits of Unix milliseconds, 74 random bits.

    Of the time `at`; now, by this process's clock, unless given.
    """
    milliseconds = time.time_ns() // 1_000_000 if at is None else (at - _EPOCH) // _MILLISECOND
    random = _random()
    high = random >> 68 & 0xFFF
    low = random & 0x3FFF_FFFF_FFFF_FFFF
    return UUID(int=milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)


def first_id_of(moment: datetime) -> UUID:
    """Returns the least id of that millisecond; the least of all for a time before 1970."""
    return UUID(int=max((moment - _EPOCH) // _MILLISECOND, 0) << 80)


def time_of(id: UUID) -> datetime:
    """Returns the time of an id of `new_id`; the last possible time for an id without one."""
    return _EPOCH + min(id.int >> 80, _LAST) * _MILLISECOND


_AT_ONCE = 256
_drawn: list[
    int
] = []  # numbers of 80 random bits; taken from its end, which no two threads do alike
os.register_at_fork(after_in_child=_drawn.clear)


def _random() -> int:
    """80 random bits; the system is asked for many at once, which costs it little more than one."""
    while True:
        try:
            return _drawn.pop()
        except IndexError:
            drawn = os.urandom(10 * _AT_ONCE)
            _drawn.extend(
                int.from_bytes(drawn[at : at + 10], "big") for at in range(0, len(drawn), 10)
            )


# An id is written and read on every request: this is several times as fast as `base64`, which knows
# no length beforehand. Written two characters at a time, out of numbers of at most 60 bits: to
# shift longer ones costs twice as much. Read as Python reads base 32, whose digits are 0-9 and a-v,
# with anything else made into what is no digit.
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_DIGITS = bytes(
    b"0123456789abcdefghijklmnopqrstuv"[_ALPHABET.index(chr(code))]
    if chr(code) in _ALPHABET
    else 33
    for code in range(256)
)
_PADDING = 2  # 26 characters hold 130 bits


def to_base32(id: UUID) -> str:
    """Returns the 26 lower-case base-32 characters (RFC 4648, no padding) of an id."""
    bits = id.int << _PADDING
    high, middle, low = bits >> 70, bits >> 20 & 0x3_FFFF_FFFF_FFFF, bits & 0xF_FFFF
    pairs = _PAIRS
    return "".join(
        (
            pairs[high >> 50],
            pairs[high >> 40 & 1023],
            pairs[high >> 30 & 1023],
            pairs[high >> 20 & 1023],
            pairs[high >> 10 & 1023],
            pairs[high & 1023],
            pairs[middle >> 40],
            pairs[middle >> 30 & 1023],
            pairs[middle >> 20 & 1023],
            pairs[middle >> 10 & 1023],
            pairs[middle & 1023],
            pairs[low >> 10],
            pairs[low & 1023],
        )
    )


def from_base32(text: str) -> UUID | None:
    """Returns the id that `to_base32` wrote as `text`, or None when no id is written so."""
    if len(text) != 26:
        return None
    try:
        bits = int(text.encode("ascii").translate(_DIGITS), 32)
    except ValueError:
        return None
    return None if bits & (1 << _PADDING) - 1 else UUID(int=bits >> _PADDING)
