"""What merchants may send in a body: decoded JSON in; typed requests, or every bad field, out.

openapi.yaml states the same limits; a test holds the two together. Unknown fields are
ignored: a client made from a newer contract must keep working.
"""

from typing import Annotated, Any, NamedTuple, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
)
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails, PydanticCustomError

from estafette.core.scenario import SCENARIOS, mentioned
from estafette.dialects.kaspi.errors import Detail, InvalidRequest
from estafette.dialects.kaspi.phones import e164
from estafette.dialects.kaspi.words import TYPES, parse_quote_id
from estafette.webhooks.guard import UrlRefusedError, check_url

TEXT_LIMIT = 500
"""How long a text may be, in characters."""

WEIGHT_LIMIT = 1_000_000
"""How heavy a parcel may be, in grams."""

VALUE_LIMIT = 2**53 - 1
"""How much a parcel may be worth, in tenge: what every reader of JSON keeps exactly."""


class Context(NamedTuple):
    """What the reading of a body depends on besides the body.

    `region` is where phone numbers without a country code belong; `sandbox` tells whether the
    notes choose a scenario.
    """

    region: str
    sandbox: bool


def _refusal(reason: str) -> PydanticCustomError:
    return PydanticCustomError("refused", "{reason}", {"reason": reason})


def _said(text: str) -> str:
    if not text or text.isspace():
        raise _refusal("must not be empty")
    return text


def _whole(value: Any) -> Any:
    """JSON knows one kind of number: 1200.0 is an integer to a JSON schema, and here."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _context(info: ValidationInfo) -> Context:
    context = info.context
    if not isinstance(context, Context):
        raise TypeError("a body is read within a Context")
    return context


def _phone(text: str, info: ValidationInfo) -> str:
    context = _context(info)
    if e164(text, context.region) is None:
        raise _refusal("must be a phone number, such as +7 701 111 1111")
    return text


def _scenario(notes: str | None, info: ValidationInfo) -> str | None:
    context = _context(info)
    name = mentioned(notes) if context.sandbox else None
    if name is not None and name not in SCENARIOS:
        known = ", ".join(SCENARIOS)
        raise _refusal(f"mention the unknown scenario sandbox:{name}; known are {known}")
    return notes


def _quote(text: str | None) -> str | None:
    if text is not None and parse_quote_id(text) is None:
        raise _refusal("is unknown")
    return text


def _event_type(text: str | None) -> str | None:
    if text is not None and text not in TYPES:
        raise _refusal(f"must be one of {', '.join(TYPES)}")
    return text


def _web_address(text: str | None) -> str | None:
    if text is not None:
        try:
            check_url(text)
        except UrlRefusedError as error:
            raise _refusal(f"is refused: {error}") from None
    return text


_AnyText = Annotated[str, Field(strict=True, max_length=TEXT_LIMIT)]
_Text = Annotated[_AnyText, AfterValidator(_said)]
_Notes = _AnyText | None
_Grams = Annotated[int, Field(strict=True, ge=1, le=WEIGHT_LIMIT), BeforeValidator(_whole)]
_Tenge = Annotated[int, Field(strict=True, ge=0, le=VALUE_LIMIT), BeforeValidator(_whole)]


class _Body(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", hide_input_in_errors=True)


class Contact(_Body):
    """Whom to call."""

    name: _Text
    phone: Annotated[_Text, AfterValidator(_phone)]


class Location(_Body):
    """Where a parcel is picked up."""

    address: _Text
    contact: Contact
    notes: _Notes = None


class Dropoff(Location):
    """Where it goes; in the sandbox its notes may choose what happens."""

    notes: Annotated[_Notes, AfterValidator(_scenario)] = None


class ParcelRequest(_Body):
    """What is carried."""

    description: _Text
    weight_grams: _Grams
    value_kzt: _Tenge


class DeliveryRequest(_Body):
    """The body of `POST /v1/deliveries`."""

    external_order_id: _Text
    pickup: Location
    dropoff: Dropoff
    parcel: ParcelRequest
    quote_id: Annotated[_AnyText | None, AfterValidator(_quote)] = None


class QuoteStop(_Body):
    """A location as far as a price needs it."""

    address: _Text
    contact: Contact | None = None
    notes: _Notes = None


class QuoteParcel(_Body):
    """A parcel as far as a price needs it."""

    weight_grams: _Grams
    description: _Text | None = None
    value_kzt: _Tenge | None = None


class QuoteRequest(_Body):
    """The body of `POST /v1/quotes`."""

    pickup: QuoteStop
    dropoff: QuoteStop
    parcel: QuoteParcel


class CancelRequest(_Body):
    """The body of a cancellation, all of it optional."""

    reason: _AnyText | None = None


class TestRequest(_Body):
    """The body of `POST /v1/webhooks/test`."""

    __test__ = False  # for pytest, which takes the name for a test

    url: Annotated[_AnyText | None, AfterValidator(_web_address)] = None
    type: Annotated[_AnyText | None, AfterValidator(_event_type)] = None


_Model = TypeVar("_Model", bound=_Body)


def read(model: type[_Model], value: Any, context: Context) -> _Model:
    """The request of kind `model` in a decoded body. Raises InvalidRequest with all bad fields."""
    try:
        return model.model_validate(value, context=context)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
    raise InvalidRequest(tuple(_detail(problem) for problem in problems))


_REASONS = {
    "missing": "is required",
    "string_type": "must be a string",
    "int_type": "must be an integer",
    "model_type": "must be an object",
}


def _detail(problem: ErrorDetails) -> Detail:
    field = ".".join(map(str, problem["loc"])) or "body"
    facts = problem.get("ctx", {})
    kind = problem["type"]
    if kind == "string_too_long":
        return Detail(field, f"must be at most {facts['max_length']} characters long")
    if kind == "greater_than_equal":
        return Detail(field, f"must be at least {facts['ge']}")
    if kind == "less_than_equal":
        return Detail(field, f"must be at most {facts['le']}")
    return Detail(field, _REASONS.get(kind) or problem["msg"])
