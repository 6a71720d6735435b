"""The types of a body's fields that all dialects share: texts, weights, sums, phone numbers."""

from typing import Annotated, Any, Final, NamedTuple, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationError
from pydantic import ValidationInfo as ValidationInfo
from pydantic_core import ErrorDetails, PydanticCustomError

from estafette.core.accounts.account import Credential, Mode
from estafette.core.deliveries import failing, skills
from estafette.core.deliveries.failing import FailurePolicy
from estafette.core.money.sums import LARGEST_SUM
from estafette.core.proofs.demand import NOTHING, Demand, fault_of, from_words
from estafette.core.sandbox.scenario import SCENARIOS, mentioned
from estafette.http.phones import PHONE_LIMIT, e164, example
from estafette.http.refusals import Detail, InvalidRequest, shortened

TEXT_LIMIT = 500
"""How long a text may be, in characters."""

NAME_LIMIT = 200
"""How long the name of a person, a city or a province may be, in characters."""

WEIGHT_LIMIT = 1_000_000
"""How heavy a parcel may be, in grams."""


class Context(NamedTuple):
    """The facts besides the body that decide how the body is read.

    `region` is the country of phone numbers without a country code. `sandbox` says whether a text
    may choose a scenario.
    """

    region: str
    sandbox: bool

    @classmethod
    def of(cls, credential: Credential) -> "Context":
        """Returns the context of requests that are made with a credential."""
        return cls(credential.account.market.phone_region, credential.mode is Mode.SANDBOX)


_OURS: Final = "refused"


def refusal(reason: str) -> PydanticCustomError:
    """Returns the error for a validator to raise. `reason` continues a sentence after the field."""
    return PydanticCustomError(_OURS, "{reason}", {"reason": reason})


def context_of(info: ValidationInfo) -> Context:
    """Returns the context of a validation."""
    context = info.context
    if not isinstance(context, Context):
        raise TypeError("a body is read within a Context")
    return context


def _said(text: str) -> str:
    if not text or text.isspace():
        raise refusal("must not be empty")
    return text


def whole(value: Any) -> Any:
    """Returns 1200.0 as the integer 1200, as in a JSON schema, and all other values unchanged."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _phone(text: str, info: ValidationInfo) -> str:
    region = context_of(info).region
    if e164(text, region) is None:
        raise refusal(f"must be a phone number, such as {example(region)}")
    return text


def _scenario(text: str | None, info: ValidationInfo) -> str | None:
    name = mentioned(text) if context_of(info).sandbox else None
    if name is not None and name not in SCENARIOS:
        known = ", ".join(SCENARIOS)
        raise refusal(
            f"must name a known scenario, not sandbox:{shortened(name)}; known are {known}"
        )
    return text


AnyText = Annotated[str, Field(strict=True, max_length=TEXT_LIMIT)]
"""A text, which may be empty."""

Text = Annotated[AnyText, AfterValidator(_said)]
"""A text that is not blank."""

AnyName = Annotated[str, Field(strict=True, max_length=NAME_LIMIT)]
"""A name, which may be empty."""

Name = Annotated[AnyName, AfterValidator(_said)]
"""A name that is not blank."""

Scripted = Annotated[AnyText | None, AfterValidator(_scenario)]
"""A text that may name a scenario in the sandbox."""

Phone = Annotated[
    str, Field(strict=True, max_length=PHONE_LIMIT), AfterValidator(_said), AfterValidator(_phone)
]
"""A phone number, kept as it was written."""

Grams = Annotated[int, Field(strict=True, ge=1, le=WEIGHT_LIMIT), BeforeValidator(whole)]
"""A weight in grams."""

Money = Annotated[int, Field(strict=True, ge=0, le=LARGEST_SUM), BeforeValidator(whole)]
"""A sum in whole units of the market's currency."""


def _demand(value: Any) -> Demand:
    fault = fault_of(value)
    if fault is not None:
        stage, reason = fault
        raise refusal(f"is wrong at {stage}, which {reason}" if stage else reason)
    return from_words(value) or NOTHING


Proof = Annotated[Demand, BeforeValidator(_demand)]
"""Which proofs are demanded: an object of lists by stage."""


def _skills(value: Any) -> tuple[str, ...]:
    if reason := skills.fault_of(value):
        raise refusal(reason)
    return skills.read_skills(value)


Skills = Annotated[tuple[str, ...], BeforeValidator(_skills)]
"""Which skills are demanded of the driver: a list of names."""


def _policy(value: Any) -> FailurePolicy:
    fault = failing.fault_of(value)
    if fault is not None:
        field, reason = fault
        raise refusal(f"is wrong at {field}, which {reason}" if field else reason)
    return failing.from_words(value)


Failing = Annotated[FailurePolicy, BeforeValidator(_policy)]
"""What becomes of a parcel that cannot be handed over: an object of attempts and then."""

Model = TypeVar("Model", bound=BaseModel)


def read(model: type[Model], value: Any, context: Context) -> Model:
    """Returns a decoded body as a `model`. Raises InvalidRequest, which names all bad fields."""
    try:
        return model.model_validate(value, context=context)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
    raise InvalidRequest(tuple(_detail(problem) for problem in problems))


_REASONS = {
    "missing": "is required",
    "string_type": "must be a string",
    "int_type": "must be an integer",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
}


def _detail(problem: ErrorDetails) -> Detail:
    field = ".".join(map(str, problem["loc"])) or "body"
    facts = problem.get("ctx", {})
    kind = problem["type"]
    if kind == "string_too_long":
        return Detail(field, f"must be at most {facts['max_length']} characters long")
    if kind == "too_long":
        return Detail(field, f"must hold at most {facts['max_length']}")
    if kind == "too_short":
        return Detail(field, f"must hold at least {facts['min_length']}")
    if kind == "greater_than_equal":
        return Detail(field, f"must be at least {facts['ge']:g}")
    if kind == "less_than_equal":
        return Detail(field, f"must be at most {facts['le']}")
    if kind == _OURS:
        return Detail(field, problem["msg"])
    return Detail(field, _REASONS.get(kind, "cannot be read"))
