"""What platforms that speak Entrega answer: strict about what is needed, blind to everything else.

In a list, an entry that makes no sense is left out and the others count. Whatever becomes of it is
stored, shown or put into a URL here, so texts are bounded and hold nothing that PostgreSQL or a
page would choke on.
"""

import json
import re
from collections.abc import Callable
from typing import Annotated, Any, TypeVar, cast

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
)

from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.event import NOTE_LIMIT
from estafette.core.money.sums import LARGEST_SUM
from estafette.couriers.platforms.failures import InDoubt

OUR_ID = "estafette_delivery_id"
"""Under this name our delivery's id travels in the metadata of theirs."""

STATUSES = {
    "awaiting_payment": Status.AWAITING_PAYMENT,
    "pending": Status.PENDING,
    "assigned": Status.ASSIGNED,
    "pickup_ready": Status.PICKUP_READY,
    "in_transit": Status.IN_TRANSIT,
    "out_for_delivery": Status.OUT_FOR_DELIVERY,
    "delivered": Status.DELIVERED,
    "cancelled": Status.CANCELLED,
    "failed": Status.FAILED,
    "stalled": Status.STALLED,
}
"""What each status of Entrega's is here."""

_LONGEST_ETA = 60 * 24 * 60  # minutes: two months

_Id = Annotated[str, StringConstraints(max_length=128, pattern=r"^[A-Za-z0-9._:-]+$")]
_PIN_LENGTH = 32
_PIN = re.compile(rf"[A-Za-z0-9 -]{{1,{_PIN_LENGTH}}}")
_Pin = Annotated[str, StringConstraints(max_length=_PIN_LENGTH)]
_SOURCE_LENGTH = 100
_Source = Annotated[str, StringConstraints(max_length=_SOURCE_LENGTH)]


def _whole(value: Any) -> Any:
    """Returns a number as some languages write whole ones: 1800.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


_Fee = Annotated[int, Field(ge=0, le=LARGEST_SUM), BeforeValidator(_whole)]


def _storable(text: Any) -> Any:
    """A text cut to what is kept, without what no database keeps; what is no text is none."""
    if not isinstance(text, str):
        return None
    return "".join(each for each in text[:NOTE_LIMIT] if each >= " ")


_Note = Annotated[
    Annotated[str, StringConstraints(max_length=NOTE_LIMIT)] | None, BeforeValidator(_storable)
]


def _object(value: Any) -> Any:
    """Returns what is no object is as good as none, where it is not ours to judge."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def _known_status(value: Any) -> Status | None:
    """A status that we know; None for one that another version, or another vendor, has invented."""
    return STATUSES.get(value) if isinstance(value, str) else None


def _known_fee(value: Any) -> int | None:
    fee = _whole(value)
    return fee if type(fee) is int and 0 <= fee <= LARGEST_SUM else None


def _known_pin(value: Any) -> str | None:
    return value if isinstance(value, str) and _PIN.fullmatch(value) else None


def _text(value: Any) -> str | None:
    return value[:_SOURCE_LENGTH] if isinstance(value, str) else None


_Loose = Annotated[dict[str, Any] | None, BeforeValidator(_object)]


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True, hide_input_in_errors=True)


class UpstreamQuote(_Lenient):
    """Quote."""

    quote_id: _Id
    valid_until: AwareDatetime
    fee_aoa: _Fee
    eta_minutes: Annotated[int, Field(ge=0, le=_LONGEST_ETA), BeforeValidator(_whole)]
    require_delivery_pin: bool | None = None


class _Options(_Lenient):
    metadata: _Loose = None


class Named(_Lenient):
    """Any entry about a delivery, as far as it says which of ours it was created for."""

    options: Annotated[_Options | None, BeforeValidator(_object)] = None

    @property
    def our_id(self) -> object:
        """What its metadata says of the delivery here that it was created for."""
        metadata = self.options and self.options.metadata
        return metadata.get(OUR_ID) if metadata else None


class UpstreamDelivery(Named):
    """Delivery. Its id is what matters: the rest is None where it is nothing that we know."""

    id: _Id
    status: Annotated[Status | None, BeforeValidator(_known_status)] = None
    courier_fee_aoa: Annotated[int | None, BeforeValidator(_known_fee)] = None
    delivery_pin: Annotated[_Pin | None, BeforeValidator(_known_pin)] = None


def _status(value: Any) -> Status:
    known = _known_status(value)
    if known is None:
        raise ValueError("is no status that is known")
    return known


class _Payload(_Lenient):
    status: Annotated[Status, BeforeValidator(_status)]
    note: _Note = None


class UpstreamEvent(_Lenient):
    """One event of a timeline."""

    id: _Id
    source: Annotated[_Source | None, BeforeValidator(_text)] = None
    payload: _Payload


LEFT_OUT = "left_out"
"""Under this name the context of a reading collects why entries were left out."""


def _each(*models: type[BaseModel], may_be_none: bool = False) -> Callable[[Any, Any], Any]:
    """Reads each entry of a list as the first of the models that it makes sense as.

    A list of which nothing makes sense is refused, unless there `may_be_none`.
    """

    def read_each(value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, list):
            return value
        listed = cast("list[Any]", value)
        left_out: list[str] = []
        found = [entry for each in listed if (entry := _first(models, each, left_out)) is not None]
        if listed and not found and not may_be_none:
            raise ValueError(f"no entry makes sense: {left_out[0]}")
        if info.context is not None:
            info.context[LEFT_OUT] += left_out
        return found

    return read_each


def _first(models: tuple[type[BaseModel], ...], entry: Any, left_out: list[str]) -> Any:
    written = json.dumps(entry)  # JSON's own types are read strictly from JSON alone
    for model in models:
        try:
            return model.model_validate_json(written)
        except ValidationError as error:
            if model is models[0]:
                left_out.append(_reason(error))
    return None


class Quotes(_Lenient):
    """The answer to `POST /quotes`."""

    data: Annotated[
        list[UpstreamQuote], Field(max_length=1_000), BeforeValidator(_each(UpstreamQuote))
    ]


class OneDelivery(_Lenient):
    """The answer that holds one delivery."""

    data: UpstreamDelivery


class _Pagination(_Lenient):
    has_more: bool


class UpstreamPage(_Lenient):
    """A page of a list; an entry that makes no sense may still say that it is ours."""

    data: Annotated[
        list[UpstreamDelivery | Named],
        Field(max_length=1_000),
        BeforeValidator(_each(UpstreamDelivery, Named, may_be_none=True)),
    ]
    pagination: _Pagination


class Timeline(_Lenient):
    """The answer to `GET /deliveries/{id}/events`. Where no event is known, the delivery tells."""

    data: Annotated[
        list[UpstreamEvent],
        Field(max_length=10_000),
        BeforeValidator(_each(UpstreamEvent, may_be_none=True)),
    ]


class Problem(_Lenient):
    """A refusal, as far as it is understood."""

    status: int
    detail: _Note = None
    error: Annotated[str, StringConstraints(max_length=100)] | None = None


class _Data(_Lenient):
    metadata: _Loose = None


class Hint(_Lenient):
    """A webhook, as far as it matters: which delivery there is news of."""

    delivery_id: _Id
    data: Annotated[_Data | None, BeforeValidator(_object)] = None

    @property
    def our_id(self) -> object:
        """What its metadata says of the delivery here."""
        metadata = self.data and self.data.metadata
        return metadata.get(OUR_ID) if metadata else None


_Answer = TypeVar("_Answer", bound=BaseModel)


def read(model: type[_Answer], body: bytes, left_out: list[str] | None = None) -> _Answer:
    """Returns the answer in a body. Raises InDoubt, with what makes no sense in it.

    `left_out` gets a reason for each entry of a list that was left out.
    """
    context = {LEFT_OUT: [] if left_out is None else left_out}
    try:
        return model.model_validate_json(body, context=context)
    except ValidationError as error:
        raise InDoubt(f"the answer makes no sense: {_reason(error)}") from None


def _reason(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(map(str, first['loc']))} {first['msg']}".strip()


def problem(body: bytes) -> Problem | None:
    """Returns the refusal in a body; None when it holds none."""
    try:
        return Problem.model_validate_json(body)
    except ValidationError:
        return None
