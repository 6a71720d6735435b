"""Where exactly a parcel goes: what the merchant, the recipient and drivers have said of it.

Addresses have no numbers in many places. A stop may have a point; who stands there knows it best,
so what the recipient says goes before what a driver has found out at an earlier delivery to the
same address, and that before what the merchant has sent.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from estafette.core.deliveries.delivery import Stop
from estafette.core.deliveries.plus_code import point_in
from estafette.core.point import Point, kilometres_between
from estafette.core.quotes.address_words import normalise

LONGEST_LANDMARK: Final = 200
LONGEST_NOTE: Final = 500
LONGEST_CORRECTION: Final = 200
LONGEST_POINT: Final = 300
"""How long a text may be that says a point, in characters: a link of a map is such a text."""

MOST_CHANGES: Final = 10
"""How often the recipient of one delivery may say something."""

FARTHEST_KM: Final = 100.0
"""How far from the place that is known already a point may be, to be believed."""


class PlaceSource(StrEnum):
    """Who says where a stop is, the first of whom is believed."""

    RECIPIENT = "recipient"
    CORRECTION = "correction"
    MERCHANT = "merchant"


@dataclass(frozen=True, slots=True)
class RecipientWords:
    """What the recipient of a delivery has said; at least one thing is there.

    `wanted_from` and `wanted_until` are a better time for it to come.
    """

    said_at: datetime
    point: Point | None = None
    landmark: str | None = None
    note: str | None = None
    wanted_from: datetime | None = None
    wanted_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Correction:
    """Where an address really is, as a driver has found it."""

    point: Point
    note: str | None
    corrected_at: datetime


@dataclass(frozen=True, slots=True)
class StopPlace:
    """All that whoever goes to a stop should know of where it is, besides its address.

    `point` is None where nobody has said one; `source` is who has. `hint` is a driver's from an
    earlier delivery, the rest the recipient's.
    """

    point: Point | None = None
    source: PlaceSource | None = None
    landmark: str | None = None
    note: str | None = None
    hint: str | None = None
    wanted_from: datetime | None = None
    wanted_until: datetime | None = None


NOT_SAID = StopPlace()
"""Of a stop of which nothing is known but its address."""


def place_of(
    stop: Stop,
    said: RecipientWords | None = None,
    correction: Correction | None = None,
    near: Point | None = None,
) -> StopPlace:
    """Returns where a stop is: as its recipient says, else as a driver did, else the merchant.

    `near` is the middle of its city, by which a short Plus Code in the address is read.
    """
    found = (
        (PlaceSource.RECIPIENT, said and said.point),
        (PlaceSource.CORRECTION, correction and correction.point),
        (PlaceSource.MERCHANT, merchants_point(stop, near)),
    )
    source, point = next(((by, one) for by, one in found if one), (None, None))
    return StopPlace(
        point=point,
        source=source,
        landmark=said and said.landmark,
        note=said and said.note,
        hint=correction and correction.note,
        wanted_from=said and said.wanted_from,
        wanted_until=said and said.wanted_until,
    )


def merchants_point(stop: Stop, near: Point | None = None) -> Point | None:
    """Returns the point that a merchant has sent: coordinates, or a Plus Code in the address."""
    if stop.latitude is not None and stop.longitude is not None:
        return Point(stop.latitude, stop.longitude)
    return point_in(stop.address, near) or point_in(stop.notes or "", near)


_NUMBER = r"(?<![\w.])([+-]?\d{1,3}\.\d{2,15})"
_PAIR = re.compile(rf"{_NUMBER}(?:\s*[,;]\s*|\s+){_NUMBER}(?![\w.])")
_DECIMAL_COMMA = re.compile(r"(\d),(\d)")
_COMMAS = re.compile(r"\d,\d+\s*(?:;|\s)\s*[+-]?\d+,\d")


def read_point(text: str, near: Point | None = None) -> Point | None:
    """Returns the point that somebody has written; None when it is none.

    It may be coordinates with two decimals at least (`-8.8383, 13.2344`; decimal commas where a
    semicolon or a space parts them), a Plus Code, or the link of a map that has either in it.
    """
    plain = text[:LONGEST_POINT].replace("\u2212", "-").replace("%2C", ",").replace("%2B", "+")
    if found := point_in(plain, near):
        return found
    if _COMMAS.search(plain):
        plain = _DECIMAL_COMMA.sub(r"\1.\2", plain)
    pair = _PAIR.search(plain)
    if pair is None:
        return None
    latitude, longitude = float(pair[1]), float(pair[2])
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        return None
    return Point(latitude, longitude)


class AddressKey(NamedTuple):
    """What an address of an account is known by: a hash, from which no address can be read."""

    account_id: UUID
    key: bytes


def address_key(account_id: UUID, stop: Stop) -> AddressKey:
    """Returns the key of a stop's address: the same words in the same city give the same."""
    words = f"{account_id.hex}\n{normalise(stop.city or '')}\n{normalise(stop.address)}"
    return AddressKey(account_id, hashlib.sha256(words.encode("utf-8", "replace")).digest())


class PlaceRefusal(Exception):  # noqa: N818 - a refusal is an answer, not a fault of the program
    """What was said of a place is refused; its text says why."""

    code = "refused"


class NothingSaid(PlaceRefusal):
    """Every field is empty."""

    code = "empty"

    def __str__(self) -> str:
        return "nothing was said"


class PointUnreadable(PlaceRefusal):
    """What should be a point is none."""

    code = "point"

    def __str__(self) -> str:
        return "this is neither coordinates nor a Plus Code"


class TooFar(PlaceRefusal):
    """The point is not where the address can be."""

    code = "far"

    def __str__(self) -> str:
        return f"the point is more than {FARTHEST_KM:g} km from where the address is"


class SaidTooOften(PlaceRefusal):
    """It was changed too often already."""

    code = "often"

    def __str__(self) -> str:
        return f"it was said {MOST_CHANGES} times already"


class DeliveryOver(PlaceRefusal):
    """The delivery has ended: nobody goes there any more."""

    code = "over"

    def __str__(self) -> str:
        return "the delivery has ended"


class NotCarrying(PlaceRefusal):
    """The driver does not carry this delivery."""

    code = "not_carrying"

    def __str__(self) -> str:
        return "this driver does not carry this delivery"


def believable(point: Point, near: Point | None) -> Point:
    """Returns a point. Raises TooFar where it is far from `near`, where that is known."""
    if near is not None and kilometres_between(point, near) > FARTHEST_KM:
        raise TooFar
    return point


def said_text(text: str | None, longest: int) -> str | None:
    """Returns a text that somebody typed as it is kept: visible characters, cut; None: nothing."""
    kept = "".join(
        sign if sign.isprintable() else "\n" if sign == "\n" else " " for sign in text or ""
    )
    lines = (" ".join(line.split()) for line in kept.split("\n"))
    return "\n".join(line for line in lines if line)[:longest].strip() or None
