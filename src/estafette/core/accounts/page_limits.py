"""What the holder of a publishable key may have delivered: its merchant's limits.

Everybody can read a publishable key in the shop's page, and say any origin that it trusts. So what
it can do at worst is decided here, by the merchant.
"""

import re
import unicodedata
from dataclasses import dataclass

from estafette.core.money.payment import PaymentMethod
from estafette.core.money.sums import LARGEST_SUM
from estafette.core.point import Point, metres_between

RADIUS_M = 150
"""How far, in metres, coordinates may be from a place unless the merchant says otherwise."""

MOST_PLACES = 50
MOST_PER_HOUR = 100_000


@dataclass(frozen=True, slots=True)
class PickupPlace:
    """Where a page may have parcels picked up.

    Without an `address`, anywhere in the city. Texts are compared as `comparable` makes them.
    Coordinates are degrees, `radius_m` metres. `contact` and `phone` (in E.164) are whom a courier
    meets there.
    """

    city: str
    province: str
    address: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    radius_m: int = RADIUS_M
    contact: str | None = None
    phone: str | None = None

    def names(self, contact: str | None, phone: str | None) -> bool:
        """Returns whether a contact that a page says there is the place's, or is left to the place.

        A place that names nobody decides nothing: what the page says is not kept then.
        """
        if self.contact is None and self.phone is None:
            return True
        agrees = contact is None or (self.contact is not None and _same(self.contact, contact))
        return agrees and phone in (None, self.phone)

    def covers(
        self,
        address: str,
        city: str | None,
        province: str | None,
        latitude: float | None,
        longitude: float | None,
    ) -> bool:
        """Returns whether a pickup there is one at this place.

        What is written must agree, for it is what a courier reads. Coordinates that the pickup has
        must lie within the radius: a map would follow them wherever they lead, so a place without
        coordinates covers no pickup that has some.
        """
        named = ((self.city, city), (self.province, province), (self.address, address))
        if any(ours is not None and not _same(ours, theirs) for ours, theirs in named):
            return False
        if latitude is None or longitude is None:
            return True
        if self.latitude is None or self.longitude is None:
            return False
        here = Point(self.latitude, self.longitude)
        return metres_between(here, Point(latitude, longitude)) <= self.radius_m


_ORDINARY = {ord(each): " " for each in '\t\xa0.,;:!?()-/\\_&"“”«»–—'} | {
    ord(each): None for each in "'`’‘"
}
_MOST_DROPPED = 32


def comparable(text: str) -> str:
    """Returns a text for comparing: without case, accents and ordinary punctuation.

    Single spaces separate its words. Nothing else is left out, so that texts which a courier would
    read differently stay different.
    """
    words = text.casefold().translate(_ORDINARY).split(" ")
    decomposed = unicodedata.normalize("NFD", " ".join(filter(None, words)))
    return "".join(each for each in decomposed if not _is_accent(each))


def _is_accent(character: str) -> bool:
    """Returns whether it is a mark over or under a letter; some marks are letters themselves."""
    return "\u0300" <= character <= "\u0362"


def _same(ours: str, theirs: str | None) -> bool:
    """Returns whether two texts are `comparable` as equal; not where theirs is much longer."""
    if theirs is None or len(theirs) > len(ours) + _MOST_DROPPED:
        return False
    return comparable(ours) == comparable(theirs)


@dataclass(frozen=True, slots=True)
class PageLimits:
    """What pages with one publishable key may have delivered.

    `pickups` are the places where parcels may be picked up; none: anywhere. `methods` are the ways
    to pay, `highest_cash` is the most that may be collected for one delivery, in whole units of the
    market's currency. `per_hour` deliveries are created within any hour, `per_hour_from_address` of
    them for one client address. With `held`, each waits until the merchant confirms it.
    """

    pickups: tuple[PickupPlace, ...] = ()
    methods: tuple[PaymentMethod, ...] = tuple(PaymentMethod)
    highest_cash: int = 1_000_000
    per_hour: int = 120
    per_hour_from_address: int = 20
    held: bool = False


NEW_LIMITS = PageLimits()
"""The limits of a new key."""

OLDER_LIMITS = PageLimits(highest_cash=10_000_000, per_hour=1_000, per_hour_from_address=60)
"""The limits of a key that is older than limits: no honest shop that used it meets them."""


class PageLimitsError(ValueError):
    """Limits cannot be as they were asked for; the message says why."""


def checked(limits: PageLimits) -> PageLimits:
    """Returns the limits, if a key can have them. Raises PageLimitsError."""
    if len(limits.pickups) > MOST_PLACES:
        raise PageLimitsError(f"a key has at most {MOST_PLACES} pickup places")
    if not limits.methods:
        raise PageLimitsError("at least one way to pay must be left")
    _within("the highest cash", limits.highest_cash, 0, LARGEST_SUM)
    _within("the deliveries an hour", limits.per_hour, 1, MOST_PER_HOUR)
    _within("those of one address", limits.per_hour_from_address, 1, MOST_PER_HOUR)
    return limits


def _within(what: str, number: int, lowest: int, highest: int) -> None:
    if not lowest <= number <= highest:
        raise PageLimitsError(f"{what} must be from {lowest} to {highest}, not {number}")


ANYWHERE = "*"
_TEXT_LIMIT = 500
_WIDEST_M = 1_000_000
_CONTACT = "contact:"
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)


def read_place(text: str) -> PickupPlace:
    """Returns a place as a person writes it: `ADDRESS; CITY; PROVINCE`, perhaps with more.

    `*` stands for any address, `; LATITUDE, LONGITUDE` may follow, and `; METRES` for the radius:
    `Rua Rainha Ginga 31; Luanda; Luanda; -8.8159, 13.2306; 150`. Last may come whom a courier
    meets: `; contact: Loja Kianda, +244222333444`, or one of the two. Raises PageLimitsError.
    """
    *parts, last = (part.strip() for part in text.split(";"))
    is_contact = last.lower().startswith(_CONTACT)
    contact, phone = _contact(last[len(_CONTACT) :]) if is_contact else (None, None)
    parts = parts if is_contact else [*parts, last]
    is_whole = 3 <= len(parts) <= 5 and len(text) <= _TEXT_LIMIT
    if not is_whole or not all(map(comparable, parts[:3])) or ANYWHERE in parts[1:3]:
        raise PageLimitsError(
            f"{text[:80]!r} is no place such as 'Rua Rainha Ginga 31; Luanda; Luanda' or"
            " '*; Luanda; Luanda; -8.8159, 13.2306; 5000'"
        )
    address, city, province, point, radius = (*parts, "", "")[:5]
    latitude, longitude = _point(point) if point else (None, None)
    return PickupPlace(
        city=city,
        province=province,
        address=None if address == ANYWHERE else address,
        latitude=latitude,
        longitude=longitude,
        radius_m=_radius(radius) if radius else RADIUS_M,
        contact=contact,
        phone=phone,
    )


def _contact(text: str) -> tuple[str | None, str | None]:
    """Returns a name, a phone number, or both with a comma between."""
    name, _, number = text.strip().rpartition(",") if "+" in text else (text.strip(), "", "")
    phone = number.translate({ord(each): None for each in " -()"})
    if not (name.strip() or phone) or (phone and not _PHONE.fullmatch(phone)):
        raise PageLimitsError(f"{text[:80]!r} is no contact such as Loja Kianda, +244222333444")
    return name.strip() or None, phone or None


def _point(text: str) -> tuple[float, float]:
    try:
        latitude, longitude = map(float, text.split(","))
    except ValueError:
        latitude, longitude = 999.0, 999.0
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise PageLimitsError(f"{text!r} is no point such as -8.8159, 13.2306")
    return latitude, longitude


def _radius(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 8 and 1 <= int(text) <= _WIDEST_M):
        raise PageLimitsError(f"{text!r} is no radius from 1 to {_WIDEST_M} metres")
    return int(text)


def place_text(place: PickupPlace) -> str:
    """Returns a place as `read_place` reads it."""
    parts = [place.address or ANYWHERE, place.city, place.province]
    if place.latitude is not None:
        parts += [f"{place.latitude}, {place.longitude}", str(place.radius_m)]
    if said := ", ".join(part for part in (place.contact, place.phone) if part):
        parts.append(f"{_CONTACT} {said}")
    return "; ".join(parts)
