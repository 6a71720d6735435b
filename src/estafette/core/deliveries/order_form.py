"""An order as a person writes it: texts by the names of fields, read into weights, sums and times.

Whether the order can be taken is for the account's dialect to say, by the rules of its API.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from estafette.core.money.payment import PaymentMethod

LONGEST_FIELD = 2_000
"""How long the text of a field may be, in characters; what a dialect takes is shorter."""


class OrderField(StrEnum):
    """The fields of an order, in the order in which people see them."""

    ORDER = "order"
    PICKUP_ADDRESS = "pickup_address"
    PICKUP_CITY = "pickup_city"
    PICKUP_PROVINCE = "pickup_province"
    PICKUP_NAME = "pickup_name"
    PICKUP_PHONE = "pickup_phone"
    PICKUP_NOTES = "pickup_notes"
    ADDRESS = "address"
    CITY = "city"
    PROVINCE = "province"
    NAME = "name"
    PHONE = "phone"
    NOTES = "notes"
    DESCRIPTION = "description"
    WEIGHT = "weight_kg"
    VALUE = "value"
    PAYMENT = "payment"
    COD = "cod"
    PICKUP_AT = "pickup_at"
    DELIVERY_AT = "delivery_at"
    SCENARIO = "scenario"


class FieldFault(NamedTuple):
    """What is wrong with a field; `reason` ends a sentence that begins with its name."""

    field: str
    reason: str


class OrderRefusedError(Exception):
    """An order cannot be taken as it is written: all that is wrong with its fields."""

    def __init__(self, faults: tuple[FieldFault, ...]) -> None:
        """`faults` are at least one."""
        super().__init__(faults)
        self.faults = faults


@dataclass(frozen=True, slots=True)
class StopForm:
    """Where a parcel is picked up or goes; None for what is not written."""

    address: str | None
    city: str | None
    province: str | None
    name: str | None
    phone: str | None
    notes: str | None


@dataclass(frozen=True, slots=True)
class OrderForm:
    """An order that was read: None for what is not written.

    `value` and `cash` are in whole units of the market's currency. `scenario` is of the sandbox.
    """

    order: str | None
    pickup: StopForm
    dropoff: StopForm
    description: str | None
    weight_grams: int | None
    value: int | None
    payment: PaymentMethod | None
    cash: int | None
    pickup_at: datetime | None
    delivery_at: datetime | None
    scenario: str | None


def read_form(fields: Mapping[str, str], time_zone: str) -> OrderForm:
    """Returns the order in the fields, whose names are those of `OrderField`.

    Numbers may have a decimal comma, and spaces between thousands. Times are those of clocks in
    `time_zone` (IANA), unless they name an offset. An amount to collect says that it is collected.
    Raises OrderRefusedError with all fields that cannot be read.
    """
    reader = _Reader(fields, ZoneInfo(time_zone))
    cash = reader.whole(OrderField.COD)
    payment = reader.payment()
    form = OrderForm(
        order=reader.text(OrderField.ORDER),
        pickup=StopForm(
            reader.text(OrderField.PICKUP_ADDRESS),
            reader.text(OrderField.PICKUP_CITY),
            reader.text(OrderField.PICKUP_PROVINCE),
            reader.text(OrderField.PICKUP_NAME),
            reader.text(OrderField.PICKUP_PHONE),
            reader.text(OrderField.PICKUP_NOTES),
        ),
        dropoff=StopForm(
            reader.text(OrderField.ADDRESS),
            reader.text(OrderField.CITY),
            reader.text(OrderField.PROVINCE),
            reader.text(OrderField.NAME),
            reader.text(OrderField.PHONE),
            reader.text(OrderField.NOTES),
        ),
        description=reader.text(OrderField.DESCRIPTION),
        weight_grams=reader.grams(),
        value=reader.whole(OrderField.VALUE),
        payment=PaymentMethod.COD if payment is None and cash else payment,
        cash=cash,
        pickup_at=reader.moment(OrderField.PICKUP_AT),
        delivery_at=reader.moment(OrderField.DELIVERY_AT),
        scenario=reader.text(OrderField.SCENARIO),
    )
    if reader.faults:
        raise OrderRefusedError(tuple(reader.faults))
    return form


_NUMBER = re.compile(r"\d{1,15}(?:[.,]\d{1,15})?")
_SPACES = str.maketrans("", "", "  \u202f'’")
_TIME = re.compile(
    r"(?P<y>\d{4})[-./](?P<m>\d{1,2})[-./](?P<d>\d{1,2})|(?P<d2>\d{1,2})[-./](?P<m2>\d{1,2})[-./](?P<y2>\d{4})"
)
_CLOCK = re.compile(r"[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d{1,6})?)?\s*(Z|[+-]\d{2}:?\d{2})?")


class _Reader:
    def __init__(self, fields: Mapping[str, str], zone: ZoneInfo) -> None:
        self.faults: list[FieldFault] = []
        self._fields = fields
        self._zone = zone

    def text(self, field: OrderField) -> str | None:
        text = self._fields.get(field, "").strip()
        if len(text) > LONGEST_FIELD:
            self._fault(field, f"must be at most {LONGEST_FIELD} characters long")
            return None
        return text or None

    def grams(self) -> int | None:
        number = self._number(OrderField.WEIGHT)
        if number is None:
            return None
        whole, _, part = number.partition(".")
        if len(part.rstrip("0")) > 3:
            self._fault(OrderField.WEIGHT, "must have at most three decimals")
            return None
        return int(whole) * 1000 + int(part[:3].ljust(3, "0"))

    def whole(self, field: OrderField) -> int | None:
        number = self._number(field)
        if number is None:
            return None
        whole, _, part = number.partition(".")
        if part.strip("0"):
            self._fault(field, "must be a whole number")
            return None
        return int(whole)

    def _number(self, field: OrderField) -> str | None:
        text = self.text(field)
        if text is None:
            return None
        plain = text.translate(_SPACES)
        if not plain.isascii() or not _NUMBER.fullmatch(plain):
            self._fault(field, "must be a number")
            return None
        return plain.replace(",", ".")

    def payment(self) -> PaymentMethod | None:
        text = self.text(OrderField.PAYMENT)
        if text is None:
            return None
        known = {str(method).replace("_", " "): method for method in PaymentMethod}
        found = known.get(text.casefold().replace("_", " "))
        if found is None:
            self._fault(OrderField.PAYMENT, f"must be one of {', '.join(PaymentMethod)}")
        return found

    def moment(self, field: OrderField) -> datetime | None:
        text = self.text(field)
        if text is None:
            return None
        try:
            return _moment(text, self._zone)
        except (ValueError, OverflowError):
            self._fault(field, "must be a date and time, such as 2026-02-01 09:30")
            return None

    def _fault(self, field: OrderField, reason: str) -> None:
        self.faults.append(FieldFault(field, reason))


def _moment(text: str, zone: ZoneInfo) -> datetime:
    day = _TIME.match(text)
    clock = day and _CLOCK.fullmatch(text, day.end())
    if day is None or not clock:
        raise ValueError(text)
    year, month, date = day["y"] or day["y2"], day["m"] or day["m2"], day["d"] or day["d2"]
    hour, minute, second, offset = clock.groups()
    at = datetime(int(year), int(month), int(date), int(hour), int(minute), int(second or 0))  # noqa: DTZ001 - what follows
    if offset is None:
        return at.replace(tzinfo=zone)
    return datetime.fromisoformat(at.isoformat() + offset.replace("Z", "+00:00"))
