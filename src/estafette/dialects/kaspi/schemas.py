"""What merchants may send in a body: decoded JSON is read into typed requests or into faults.

All bad fields are reported together. openapi.yaml states the same limits; a test compares the two.
Unknown fields are ignored: a client made from a newer contract must keep working.
"""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from estafette.core.money.sums import LARGEST_SUM as VALUE_LIMIT
from estafette.dialects.kaspi.words import TYPES, parse_quote_id
from estafette.http.fields import (
    TEXT_LIMIT,
    WEIGHT_LIMIT,
    AnyText,
    Context,
    Failing,
    Grams,
    Money,
    Phone,
    Proof,
    Scripted,
    Skills,
    Text,
    read,
    refusal,
)
from estafette.webhooks.guard import UrlRefusedError, check_url

__all__ = [
    "TEXT_LIMIT",
    "VALUE_LIMIT",
    "WEIGHT_LIMIT",
    "CancelRequest",
    "Context",
    "DeliveryRequest",
    "Location",
    "ParcelRequest",
    "QuoteParcel",
    "QuoteRequest",
    "QuoteStop",
    "TestRequest",
    "read",
]


def _quote(text: str | None) -> str | None:
    if text is not None and parse_quote_id(text) is None:
        raise refusal("is unknown")
    return text


def _event_type(text: str | None) -> str | None:
    if text is not None and text not in TYPES:
        raise refusal(f"must be one of {', '.join(TYPES)}")
    return text


def _web_address(text: str | None) -> str | None:
    if text is not None:
        try:
            check_url(text)
        except UrlRefusedError as error:
            raise refusal(f"is refused: {error}") from None
    return text


class _Body(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", hide_input_in_errors=True)


class Contact(_Body):
    """A person to call."""

    name: Text
    phone: Phone


class Location(_Body):
    """The place where a parcel is picked up."""

    address: Text
    contact: Contact
    notes: AnyText | None = None


class Dropoff(Location):
    """The place to which a parcel goes. In the sandbox its notes may choose a scenario."""

    notes: Scripted = None


class ParcelRequest(_Body):
    """The parcel."""

    description: Text
    weight_grams: Grams
    value_kzt: Money


class DeliveryRequest(_Body):
    """The body of `POST /v1/deliveries`."""

    external_order_id: Text
    pickup: Location
    dropoff: Dropoff
    parcel: ParcelRequest
    quote_id: Annotated[AnyText | None, AfterValidator(_quote)] = None
    proof: Proof | None = None
    skills: Skills | None = None
    failing: Failing | None = None


class QuoteStop(_Body):
    """A location with the fields that a price needs."""

    address: Text
    contact: Contact | None = None
    notes: AnyText | None = None


class QuoteParcel(_Body):
    """A parcel with the fields that a price needs."""

    weight_grams: Grams
    description: Text | None = None
    value_kzt: Money | None = None


class QuoteRequest(_Body):
    """The body of `POST /v1/quotes`."""

    pickup: QuoteStop
    dropoff: QuoteStop
    parcel: QuoteParcel


class CancelRequest(_Body):
    """The body of a cancellation. All its fields are optional."""

    reason: AnyText | None = None


class TestRequest(_Body):
    """The body of `POST /v1/webhooks/test`."""

    __test__ = False  # pytest would take the class for a test by its name

    url: Annotated[AnyText | None, AfterValidator(_web_address)] = None
    type: Annotated[AnyText | None, AfterValidator(_event_type)] = None
