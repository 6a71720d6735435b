"""What merchants may send in a body: decoded JSON is read into typed requests or into faults.

All bad fields are reported together. openapi.yaml states the same limits; a test compares the two.
Unknown fields are ignored.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar, cast
from uuid import UUID

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from estafette.core.deliveries.failing import FailurePolicy
from estafette.core.money.payment import PaymentMethod
from estafette.core.money.sums import LARGEST_SUM
from estafette.core.proofs.demand import NOTHING, Demand
from estafette.core.sandbox.scenario import SCENARIOS, mentioned
from estafette.dialects.entrega.errors import InvalidBody
from estafette.dialects.entrega.words import PAYMENT_METHODS, parse_id, payment_method
from estafette.http.fields import (
    AnyName,
    Context,
    Failing,
    Grams,
    Money,
    Name,
    Phone,
    Proof,
    Scripted,
    Skills,
    Text,
    read,
    refusal,
    whole,
)
from estafette.http.moments import read_moment
from estafette.http.refusals import Detail, InvalidRequest

METADATA_BYTES = 16 * 1024
"""How long metadata may be, in bytes of compact JSON."""

METADATA_DEPTH = 5
"""How deep metadata may be nested, its own object counted."""


def _uuid(value: Any) -> UUID:
    if not isinstance(value, str):
        raise refusal("must be a string")
    id = parse_id(value)
    if id is None:
        raise refusal("must be a UUID")
    return id


def _moment(value: Any) -> datetime:
    found = read_moment(value) if isinstance(value, str) else None
    if found is None:
        raise refusal("must be an ISO 8601 time with its zone, such as 2026-02-01T09:30:00Z")
    return found.at


def _method(value: Any) -> PaymentMethod:
    found = PAYMENT_METHODS.get(value) if isinstance(value, str) else None
    if found is None:
        raise refusal(f"must be one of {', '.join(PAYMENT_METHODS)}")
    return found


def _metadata(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise refusal("must be an object")
    metadata = cast("dict[str, Any]", value)
    if _is_deep(metadata):
        raise refusal(f"must not be nested deeper than {METADATA_DEPTH} levels")
    try:
        size = len(orjson.dumps(metadata))
    except TypeError:
        raise refusal(_TOO_LONG_A_NUMBER) from None
    if size > METADATA_BYTES:
        raise refusal(f"must be at most {METADATA_BYTES} bytes long")
    return metadata


_TOO_LONG_A_NUMBER = "contains an integer of more than 64 bits"


def _is_deep(value: Any) -> bool:
    level: list[Any] = [value]
    for _ in range(METADATA_DEPTH):
        level = [inner for outer in level for inner in _inside(outer)]
    return bool(level)


def _inside(value: Any) -> list[Any]:
    """Returns the arrays and objects directly in an array or object."""
    members = cast("dict[str, Any]", value).values() if isinstance(value, dict) else value
    return [member for member in members if isinstance(member, dict | list)]


_Degrees = Annotated[float, Field(strict=True, allow_inf_nan=False)]
_Id = Annotated[UUID, BeforeValidator(_uuid)]
_Moment = Annotated[datetime, BeforeValidator(_moment)]
_CashCollect = Annotated[int, Field(strict=True, ge=1, le=LARGEST_SUM), BeforeValidator(whole)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class Contact(_Body):
    """A person to call."""

    name: AnyName | None = None
    phone: Phone | None = None


class Coordinates(_Body):
    """The exact place, in degrees."""

    lat: Annotated[_Degrees, Field(ge=-90, le=90)]
    lng: Annotated[_Degrees, Field(ge=-180, le=180)]


class Address(_Body):
    """The place where a parcel is picked up, or to which it goes."""

    address_line: Text
    city: Name
    province: Name
    contact: Contact | None = None
    coordinates: Coordinates | None = None


class ParcelRequest(_Body):
    """The parcel. In the sandbox its description may choose a scenario."""

    weight_grams: Grams
    description: Scripted = None
    declared_value_aoa: Money | None = None


class QuoteRequest(_Body):
    """The body of `POST /quotes`."""

    origin: Address
    destination: Address
    parcel: ParcelRequest


class Options(_Body):
    """What a merchant may add to a delivery."""

    metadata: Annotated[dict[str, Any], BeforeValidator(_metadata)] | None = None
    proof: Proof | None = None
    skills: Skills | None = None
    failing: Failing | None = None


class DeliveryRequest(QuoteRequest):
    """The body of `POST /deliveries`."""

    quote_id: _Id
    company_id: _Id | None = None
    payment_method: Annotated[PaymentMethod, BeforeValidator(_method)] | None = None
    cash_collect_aoa: _CashCollect | None = None
    scheduled_pickup_at: _Moment | None = None
    scheduled_delivery_at: _Moment | None = None
    options: Options | None = None

    @property
    def method(self) -> PaymentMethod:
        """The payment method of the delivery."""
        return self.payment_method or PaymentMethod.PREPAID

    @property
    def metadata(self) -> Mapping[str, Any] | None:
        """The merchant's own object."""
        return self.options.metadata if self.options else None

    @property
    def proof(self) -> Demand:
        """What is demanded as proof."""
        return (self.options and self.options.proof) or NOTHING

    @property
    def skills(self) -> tuple[str, ...]:
        """What is demanded of the driver."""
        return (self.options and self.options.skills) or ()

    @property
    def failing(self) -> FailurePolicy | None:
        """What becomes of it where it cannot be handed over."""
        return self.options and self.options.failing

    @property
    def scenario(self) -> str | None:
        """The scenario that the parcel's description names."""
        name = mentioned(self.parcel.description)
        return name if name in SCENARIOS else None


_Wanted = TypeVar("_Wanted", bound=QuoteRequest)


def read_quote(value: Any, context: Context) -> QuoteRequest:
    """Returns the request for quotes in a decoded body. Raises InvalidBody with all bad fields."""
    wanted, faults = _read(QuoteRequest, value, context)
    if wanted is None or faults:
        raise InvalidBody(tuple(faults))
    return wanted


def read_delivery(value: Any, context: Context) -> DeliveryRequest:
    """Returns the request for a delivery in a decoded body.

    Raises InvalidBody with all bad fields, and of the faults that have a code the gravest one's:
    a fee that the client names, no quote, no cash to collect.
    """
    wanted, faults = _read(DeliveryRequest, value, context)
    code = None
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        cash = _cash_fault(fields)
        faults += [cash[1]] if cash else []
        code = cash and cash[0]
        if fields.get("quote_id") in (None, ""):
            code = "quote_id_required"
        elif [fault.field for fault in faults] == ["quote_id"]:
            code = "quote_not_found"  # a text that is no id is no quote's id either
        if "courier_fee_aoa" in fields:
            code = "courier_fee_aoa_not_accepted"
            reason = "is not accepted: the fee is the quote's"
            faults.insert(0, Detail("courier_fee_aoa", reason))
    if wanted is None or faults:
        raise InvalidBody(tuple(faults), code)
    return wanted


_COD = payment_method(PaymentMethod.COD)


def _cash_fault(fields: Mapping[str, Any]) -> tuple[str | None, Detail] | None:
    """Returns a fault of the cash to collect besides its own form, with its code if it has one."""
    method, cash = fields.get("payment_method"), fields.get("cash_collect_aoa")
    field = "cash_collect_aoa"
    if method == _COD and cash is None:
        return "cash_collect_aoa_required", Detail(field, "is required with payment_method cod")
    if method != _COD and cash is not None:
        return None, Detail(field, "is accepted with payment_method cod alone")
    return None


def _read(
    model: type[_Wanted], value: Any, context: Context
) -> tuple[_Wanted | None, list[Detail]]:
    """Returns the request, and what is wrong with its fields."""
    wanted, faults = None, list[Detail]()
    try:
        wanted = read(model, value, context)
    except InvalidRequest as invalid:
        faults.extend(invalid.details)
    return wanted, faults
