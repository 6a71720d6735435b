"""Identifiers: made here, shown by each dialect in its own form."""

import base64
import binascii
import os
import time
from uuid import UUID


def new_id() -> UUID:
    """A new UUIDv7 (RFC 9562, 5.7): 48 bits of Unix milliseconds, 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    high = random >> 68 & 0xFFF
    low = random & 0x3FFF_FFFF_FFFF_FFFF
    return UUID(int=milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)


def to_base32(id: UUID) -> str:
    """The 26 lower-case base-32 characters (RFC 4648, no padding) of an id."""
    return base64.b32encode(id.bytes).decode("ascii").rstrip("=").lower()


def from_base32(text: str) -> UUID | None:
    """The id that `to_base32` wrote as `text`, or None when no id is written so."""
    if len(text) != 26:
        return None
    try:
        decoded = base64.b32decode(text.upper() + "======")
    except (binascii.Error, ValueError):
        return None
    id = UUID(bytes=decoded)
    return id if to_base32(id) == text else None
