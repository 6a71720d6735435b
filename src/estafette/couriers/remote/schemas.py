"""What other platforms answer: strict about what is needed, blind to everything else.

Whatever becomes of it is stored, shown or put into a URL here, so texts are bounded and hold
nothing that PostgreSQL or a page would choke on.
"""

from datetime import datetime
from typing import Annotated, Any, TypeVar, cast

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from estafette.core.delivery import Status
from estafette.core.event import NOTE_LIMIT
from estafette.couriers.remote.failures import InDoubt

OUR_ID = "estafette_delivery_id"
"""Under this name our delivery's id travels in the metadata of theirs."""

_LARGEST_FEE = 2**53 - 1
_LONGEST_ETA = 60 * 24 * 60  # minutes: two months

_Id = Annotated[str, StringConstraints(max_length=128, pattern=r"^[A-Za-z0-9._:-]+$")]
_Pin = Annotated[str, StringConstraints(max_length=32, pattern=r"^[A-Za-z0-9 -]+$")]
_SOURCE_LENGTH = 100
_Source = Annotated[str, StringConstraints(max_length=_SOURCE_LENGTH)]
_Fee = Annotated[int, Field(ge=0, le=_LARGEST_FEE)]


def _storable(text: Any) -> Any:
    """A text cut to what is kept, without what no database keeps."""
    if not isinstance(text, str):
        return text
    return "".join(each for each in text[:NOTE_LIMIT] if each >= " ")


_Note = Annotated[str, StringConstraints(max_length=NOTE_LIMIT), BeforeValidator(_storable)]


def _object(value: Any) -> Any:
    """What is no object is as good as none, where it is not ours to judge."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def _text(value: Any) -> str | None:
    return value[:_SOURCE_LENGTH] if isinstance(value, str) else None


_Loose = Annotated[dict[str, Any] | None, BeforeValidator(_object)]


class _Told(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True, hide_input_in_errors=True)


class UpstreamQuote(_Told):
    """Quote."""

    quote_id: _Id
    valid_until: AwareDatetime
    fee_aoa: _Fee
    eta_minutes: Annotated[int, Field(ge=0, le=_LONGEST_ETA)]
    require_delivery_pin: bool | None = None


class Quotes(_Told):
    """The answer to `POST /quotes`."""

    data: Annotated[list[UpstreamQuote], Field(max_length=1_000)]


class _Options(_Told):
    metadata: _Loose = None


class UpstreamDelivery(_Told):
    """Delivery."""

    id: _Id
    status: Status
    courier_fee_aoa: _Fee | None = None
    delivery_pin: _Pin | None = None
    options: Annotated[_Options | None, BeforeValidator(_object)] = None

    @property
    def our_id(self) -> object:
        """What its metadata says of the delivery here that it was created for."""
        metadata = self.options and self.options.metadata
        return metadata.get(OUR_ID) if metadata else None


class OneDelivery(_Told):
    """The answer that holds one delivery."""

    data: UpstreamDelivery


class _Pagination(_Told):
    has_more: bool


class Page(_Told):
    """A page of a list."""

    data: Annotated[list[UpstreamDelivery], Field(max_length=1_000)]
    pagination: _Pagination


class _Payload(_Told):
    status: Status
    note: _Note | None = None


class UpstreamEvent(_Told):
    """One event of a timeline."""

    id: _Id
    occurred_at: datetime
    source: Annotated[_Source | None, BeforeValidator(_text)] = None
    payload: _Payload


class Timeline(_Told):
    """The answer to `GET /deliveries/{id}/events`."""

    data: Annotated[list[UpstreamEvent], Field(max_length=10_000)]


class Problem(_Told):
    """A refusal, as far as it is understood."""

    status: int
    detail: _Note = ""
    error: Annotated[str, StringConstraints(max_length=100)] | None = None


class _Data(_Told):
    metadata: _Loose = None


class Hint(_Told):
    """A webhook, as far as it matters: which delivery there is news of."""

    delivery_id: _Id
    data: Annotated[_Data | None, BeforeValidator(_object)] = None

    @property
    def our_id(self) -> object:
        """What its metadata says of the delivery here."""
        metadata = self.data and self.data.metadata
        return metadata.get(OUR_ID) if metadata else None


_Answer = TypeVar("_Answer", bound=BaseModel)


def read(model: type[_Answer], body: bytes) -> _Answer:
    """The answer in a body. Raises InDoubt, with what makes no sense in it."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise InDoubt(f"the answer makes no sense: {where} {first['msg']}") from None


def problem(body: bytes) -> Problem | None:
    """The refusal in a body; None when it holds none."""
    try:
        return Problem.model_validate_json(body)
    except ValidationError:
        return None
