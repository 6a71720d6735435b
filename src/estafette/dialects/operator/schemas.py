"""What bodies may hold. Unknown fields are refused, so that an operator's mistake is reported."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, ValidationError

from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.event import NOTE_LIMIT
from estafette.core.deliveries.places import LONGEST_CORRECTION, LONGEST_POINT
from estafette.core.deliveries.windows import BOUNDS as OF_WINDOWS
from estafette.core.fleet.dispatching import BOUNDS
from estafette.core.fleet.driver import MOST_PARCELS
from estafette.core.fleet.message import LONGEST_MESSAGE
from estafette.core.money.sums import LARGEST_SUM
from estafette.core.people.permission import Role
from estafette.http.fields import (
    NAME_LIMIT,
    AnyText,
    Context,
    Failing,
    Money,
    Proof,
    Text,
    read,
    whole,
)
from estafette.http.refusals import Detail, InvalidRequest, shortened
from estafette.usecases.money.settle import REFERENCE_LENGTH

ANYWHERE: Final = Context("KZ", sandbox=False)
"""Bodies of this API hold no phone numbers and no scenarios."""

_INTEGER_LIMIT = 2**31 - 1

Slug = Annotated[str, Field(strict=True, min_length=1, max_length=63)]
Short = Annotated[str, Field(strict=True, min_length=1, max_length=NAME_LIMIT)]
Url = Annotated[str, Field(strict=True, min_length=1, max_length=2_000)]
Secret = Annotated[str, Field(strict=True, min_length=1, max_length=500)]
Whole = Annotated[int, Field(strict=True, ge=0, le=_INTEGER_LIMIT), BeforeValidator(whole)]
Positive = Annotated[int, Field(strict=True, ge=1, le=_INTEGER_LIMIT), BeforeValidator(whole)]
Paid = Annotated[int, Field(strict=True, ge=1, le=LARGEST_SUM), BeforeValidator(whole)]
Counted = Annotated[int, Field(strict=True, ge=0, le=LARGEST_SUM), BeforeValidator(whole)]
Reference = Annotated[str, Field(strict=True, min_length=1, max_length=REFERENCE_LENGTH)]
ModeText = Literal["live", "sandbox"]


class Closed(BaseModel):
    """A body without fields. Every other body is a subclass."""

    model_config = ConfigDict(extra="forbid")


Model = TypeVar("Model", bound=BaseModel)


def read_json(model: type[Model], value: Any, context: Context) -> Model:
    """Returns a decoded body as a `model`. Raises InvalidRequest, which names all bad fields."""
    try:
        return model.model_validate(value, context=context)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
    told: list[Detail] = []
    for problem in problems:
        field = ".".join(shortened(str(part)) for part in problem["loc"]) or "body"
        if problem["type"] == "extra_forbidden":
            told.append(Detail(field, "is not known"))
        elif problem["type"] in ("literal_error", "enum"):
            told.append(Detail(field, f"must be one of {problem.get('ctx', {}).get('expected')}"))
        elif problem["type"] == "string_too_short":
            told.append(Detail(field, "must not be empty"))
    if told:
        raise InvalidRequest(tuple(told))
    return read(model, value, context)


class NewAccount(Closed):
    """`POST /v1/accounts`."""

    name: Slug
    market: Short
    rate_per_second: Positive | None = None
    burst: Positive | None = None


class AccountChanges(Closed):
    """`PATCH /v1/accounts/{account}`. Fields that are left out stay as they are."""

    rate_per_second: Positive | None = None
    burst: Positive | None = None
    personal_data_days: Positive | None = None
    failing: Failing | None = None


class NewInvitation(Closed):
    """`POST /v1/organisations/{organisation}/invitations`."""

    email: Short
    role: Role
    name: AnyText = ""
    language: Short = "en"


class NewRole(Closed):
    """`PUT /v1/organisations/{organisation}/members/{person}/role`."""

    role: Role


class Bank(Closed):
    """The bank account for transfers to a company."""

    bank: Short | None = None
    iban: Short | None = None
    holder: Short | None = None


Span = Annotated[
    list[Annotated[str, Field(strict=True, max_length=5)]], Field(min_length=2, max_length=2)
]
Day = Annotated[list[Span], Field(max_length=10)]


def _bounded(name: str, bounds: Mapping[str, tuple[int, int]]) -> Any:
    least, most = bounds[name]
    return Field(strict=True, ge=least, le=most)


class Windows(Closed):
    """The windows in which a company tries again, and which recipients may choose."""

    hours: Annotated[int, _bounded("hours", OF_WINDOWS), BeforeValidator(whole)]
    days: Annotated[int, _bounded("days", OF_WINDOWS), BeforeValidator(whole)]
    changes: Annotated[int, _bounded("changes", OF_WINDOWS), BeforeValidator(whole)]


class CompanyFacts(Closed):
    """The facts of a courier company."""

    time_zone: Short | None = None
    phone: Short | None = None
    logo_url: Url | None = None
    service_zones: Annotated[list[Short], Field(max_length=200)] | None = None
    base_fee: Money | None = None
    base_eta_minutes: Whole | None = None
    hours: Annotated[dict[str, Day], Field(max_length=7)] | None = None
    bank_transfer_enabled: StrictBool | None = None
    bank: Bank | None = None
    require_delivery_pin: StrictBool | None = None
    parcel_types: Annotated[list[Short], Field(max_length=3)] | None = None
    max_weight_grams: Positive | None = None
    proof: Proof | None = None
    failing: Failing | None = None
    windows: Windows | None = None
    margin_percent: (
        Annotated[Decimal, Field(ge=0, le=1000, max_digits=7, decimal_places=3)] | None
    ) = None
    margin_fixed: Money | None = None
    active: StrictBool | None = None


class CompanyChanges(CompanyFacts):
    """`PATCH /v1/companies/{company}`. Fields that are left out stay as they are."""

    name: Short | None = None
    slug: Slug | None = None


class NewCompany(CompanyFacts):
    """`POST /v1/companies`."""

    market: Short
    name: Short
    slug: Slug
    connector: Literal["inhouse", "remote", "sandbox"]
    account_id: Short | None = None


class PlatformLink(Closed):
    """`PUT /v1/companies/{company}/platform`."""

    url: Url
    live_key: Secret | None = None
    sandbox_key: Secret | None = None
    live_webhook_secret: Secret | None = None
    sandbox_webhook_secret: Secret | None = None


class Noted(Closed):
    """A body that holds only a note for the history."""

    note: Text | None = None


class NewTransfer(Closed):
    """`POST /v1/accounts/{account}/settlements` and `…/payouts`."""

    mode: ModeText = "live"
    book: Literal["merchant", "company", "cash"]
    amount: Paid
    reference: Reference
    company_id: Short | None = None


Why = Annotated[str, Field(strict=True, max_length=500)]


class NewHandover(Closed):
    """`POST /v1/companies/{company}/handovers`."""

    driver_id: Short
    amount: Paid


class Count(Closed):
    """`POST /v1/companies/{company}/handovers/{handover}/count`."""

    counted: Counted
    reason: Why | None = None


class Reversal(Closed):
    """The reason for which something is taken back that was booked."""

    reason: Annotated[Why, Field(min_length=1)]


Vehicle = Literal["foot", "bicycle", "motorcycle", "car", "van"]


class NewDriver(Closed):
    """`POST /v1/companies/{company}/drivers`. The phone is in E.164."""

    name: Short
    phone: Short
    vehicle: Vehicle
    capacity_grams: Positive | None = None
    capacity_parcels: Positive | None = None
    skills: Annotated[list[Short], Field(max_length=20)] | None = None
    zones: Annotated[list[Short], Field(max_length=100)] | None = None
    cash_limit: Money | None = None
    mode: ModeText = "live"


class DriverChanges(Closed):
    """`PATCH /v1/companies/{company}/drivers/{driver}`. What is left out stays as it is."""

    name: Short | None = None
    phone: Short | None = None
    vehicle: Vehicle | None = None
    capacity_grams: Positive | None = None
    capacity_parcels: Positive | None = None
    skills: Annotated[list[Short], Field(max_length=20)] | None = None
    zones: Annotated[list[Short], Field(max_length=100)] | None = None
    cash_limit: Money | None = None
    paused: StrictBool | None = None


OfferSeconds = Annotated[int, Field(strict=True, ge=5, le=3_600), BeforeValidator(whole)]


class NewAssignment(Closed):
    """`POST /v1/companies/{company}/deliveries/{delivery}/assignments`."""

    driver_id: Short
    offer_seconds: OfferSeconds | None = None
    instead_of: Short | None = None
    took_over: StrictBool = False
    reason: Why | None = None


class OneOfMany(Closed):
    """A delivery and the driver who is to have it."""

    delivery_id: Short
    driver_id: Short
    instead_of: Short | None = None


class NewAssignments(Closed):
    """`POST /v1/companies/{company}/assignments`."""

    assignments: Annotated[list[OneOfMany], Field(min_length=1, max_length=200)]
    offer_seconds: OfferSeconds | None = None
    reason: Why | None = None


class TakenBack(Closed):
    """`POST /v1/companies/{company}/deliveries/{delivery}/take-back`."""

    driver_id: Short | None = None
    reason: Why | None = None


class Carriers(Closed):
    """`PUT /v1/accounts/{account}/carriers`."""

    choice: Literal["cheapest", "in_order"]
    companies: Annotated[list[Short], Field(min_length=1, max_length=50)]


class Dispatching(Closed):
    """`PUT /v1/companies/{company}/dispatching`."""

    automatic: StrictBool
    offer_seconds: Annotated[int, _bounded("offer_seconds", BOUNDS), BeforeValidator(whole)]
    rounds: Annotated[int, _bounded("rounds", BOUNDS), BeforeValidator(whole)]
    most_each: Annotated[int, _bounded("most_each", BOUNDS), BeforeValidator(whole)]
    vanish_minutes: Annotated[int, _bounded("vanish_minutes", BOUNDS), BeforeValidator(whole)]


class ManyTakenBack(Closed):
    """`POST /v1/companies/{company}/take-backs`."""

    deliveries: Annotated[list[Short], Field(min_length=1, max_length=200)]
    reason: Why | None = None


class StopInOrder(Closed):
    """One stop of a tour."""

    delivery_id: Short
    kind: Literal["pickup", "dropoff"]


class TourOrder(Closed):
    """`PUT /v1/companies/{company}/drivers/{driver}/tour`."""

    stops: Annotated[list[StopInOrder], Field(max_length=2 * MOST_PARCELS)]


class NewMessage(Closed):
    """`POST /v1/companies/{company}/drivers/{driver}/messages`."""

    text: Annotated[str, Field(strict=True, min_length=1, max_length=LONGEST_MESSAGE)]


class Correction(Closed):
    """`PUT /v1/companies/{company}/deliveries/{delivery}/place`."""

    driver_id: Short
    point: Annotated[str, Field(strict=True, min_length=1, max_length=LONGEST_POINT)]
    note: Annotated[str, Field(strict=True, max_length=LONGEST_CORRECTION)] | None = None


class Moved(Closed):
    """`POST /v1/deliveries/{delivery}/move`."""

    to: Status
    note: Annotated[str, Field(strict=True, max_length=NOTE_LIMIT)] | None = None
