"""What the command line says of a courier company, and how its texts are read."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Annotated, Any

from cyclopts import Parameter

from estafette.cli.output import misused
from estafette.core.accounts.account import MARKETS
from estafette.core.couriers.company import PARCEL_TYPES, Company, Hours
from estafette.core.couriers.hours_text import HoursTextError, read_hours
from estafette.core.deliveries.failing import AfterAttempts, FailurePolicy
from estafette.core.deliveries.windows import WindowRules
from estafette.core.proofs.demand import NOTHING, Demand, fault_of, from_words
from estafette.core.proofs.proof import ProofKind
from estafette.http.phones import e164

_Zone = Annotated[
    list[str] | None,
    Parameter(name="--zone", help="A city or province; give several. None: the whole market."),
]
_Types = Annotated[
    str | None, Parameter(help=f"Of {', '.join(PARCEL_TYPES)}, with commas between; or all.")
]
_Hours = Annotated[
    str | None, Parameter(help="Such as 'mon-fri 08:00-18:00, sat 09:00-13:00', or always.")
]
_Pin = Annotated[
    bool | None, Parameter(name="--pin", negative="--no-pin", help="A PIN to hand over.")
]
_THEN = ", ".join(AfterAttempts)
_Proof = Annotated[
    str | None,
    Parameter(help="What its drivers show, such as 'pickup:name dropoff:photo,signature'; none."),
]
_Failing = Annotated[
    str | None,
    Parameter(help=f"Attempts to deliver and what follows, such as 2,return ({_THEN}); none."),
]
_Windows = Annotated[
    str | None,
    Parameter(help="Hours of a window, days ahead and changes by a recipient, such as 4,3,2."),
]
_Transfers = Annotated[
    bool | None,
    Parameter(name="--transfers", negative="--no-transfers", help="Takes bank transfers."),
]
_Weight = Annotated[
    int | None, Parameter(name="--max-weight", help="The most that it carries, in grams; 0: any.")
]
_Percent = Annotated[str | None, Parameter(name="--margin-percent", help="Added to its fees.")]
_Fixed = Annotated[int | None, Parameter(name="--margin-fixed", help="Added besides.")]


@Parameter(name="*")
@dataclass(frozen=True)
class CompanyOptions:
    """What a company is like; what is not given stays as it is."""

    name: Annotated[str | None, Parameter(help="As merchants see it.")] = None
    zone: _Zone = None
    base_fee: Annotated[int | None, Parameter(help="What it advertises.")] = None
    base_eta: Annotated[int | None, Parameter(help="The same, in minutes.")] = None
    time_zone: Annotated[str | None, Parameter(help="Such as Africa/Luanda.")] = None
    hours: _Hours = None
    logo_url: Annotated[str | None, Parameter(help="Its address; an empty text: none.")] = None
    phone: Annotated[
        str | None, Parameter(help="Whom its drivers call; an empty text: nobody.")
    ] = None
    pin: _Pin = None
    proof: _Proof = None
    failing: _Failing = None
    windows: _Windows = None
    transfers: _Transfers = None
    bank: Annotated[str | None, Parameter(help="The bank's name.")] = None
    iban: str | None = None
    holder: Annotated[str | None, Parameter(help="The holder of the bank account.")] = None
    parcel_types: _Types = None
    max_weight: _Weight = None
    margin_percent: _Percent = None
    margin_fixed: _Fixed = None


def changed(company: Company, wanted: CompanyOptions) -> Company:
    """Returns the company with what was given. Raises CommandError for what cannot be read."""
    able, bank, margin = company.capabilities, company.capabilities.bank, company.margin
    types = able.parcel_types
    if wanted.parcel_types is not None:
        types = None if wanted.parcel_types == "all" else tuple(wanted.parcel_types.split(","))
    return replace(
        company,
        name=_or(wanted.name, company.name),
        service_zones=company.service_zones if wanted.zone is None else tuple(wanted.zone),
        base_fee=_or(wanted.base_fee, company.base_fee),
        base_eta_minutes=_or(wanted.base_eta, company.base_eta_minutes),
        time_zone=_or(wanted.time_zone, company.time_zone),
        hours=company.hours if wanted.hours is None else _read_hours(wanted.hours),
        logo_url=_or(wanted.logo_url, company.logo_url) or None,
        phone_e164=company.phone_e164
        if wanted.phone is None
        else _read_phone(wanted.phone, company.market),
        capabilities=replace(
            able,
            require_delivery_pin=_or(wanted.pin, able.require_delivery_pin),
            bank_transfer_enabled=_or(wanted.transfers, able.bank_transfer_enabled),
            bank=replace(
                bank,
                bank=_or(wanted.bank, bank.bank),
                iban=_or(wanted.iban, bank.iban),
                holder=_or(wanted.holder, bank.holder),
            ),
            parcel_types=types,
            max_weight_grams=_or(wanted.max_weight, able.max_weight_grams) or None,
            proof=able.proof if wanted.proof is None else _read_demand(wanted.proof),
            failing=able.failing if wanted.failing is None else _read_failing(wanted.failing),
            windows=able.windows if wanted.windows is None else _read_windows(wanted.windows),
        ),
        margin=replace(
            margin,
            percent=margin.percent
            if wanted.margin_percent is None
            else _percent(wanted.margin_percent),
            fixed=_or(wanted.margin_fixed, margin.fixed),
        ),
    )


def _read_phone(text: str, market: str) -> str | None:
    if not text.strip():
        return None
    number = e164(text, MARKETS[market].phone_region)
    if number is None:
        raise misused(f"{text!r} is not a phone number")
    return number


def _or(given: Any, known: Any) -> Any:
    return known if given is None else given


def _percent(text: str) -> Decimal:
    try:
        percent = Decimal(text)
        if not percent.is_finite():
            raise ArithmeticError
    except ArithmeticError:
        raise misused(f"{text!r} is not a percentage such as 7.5") from None
    return percent


def _read_failing(text: str) -> FailurePolicy | None:
    if text.strip() == "none":
        return None
    attempts, _, then = text.partition(",")
    try:
        return FailurePolicy(int(attempts), AfterAttempts(then.strip()))
    except ValueError as error:
        raise misused(f"--failing is attempts and {_THEN}: {error}") from None


def _read_windows(text: str) -> WindowRules:
    try:
        hours, days, changes = map(int, text.split(","))
        return WindowRules(hours, days, changes)
    except ValueError as error:
        raise misused(f"--windows is hours,days,changes: {error}") from None


def _read_demand(text: str) -> Demand:
    if text.strip() == "none":
        return NOTHING
    parts = [part.partition(":") for part in text.split()]
    demand = {stage: kinds.split(",") for stage, _, kinds in parts}
    if fault := fault_of(demand):
        raise misused(" ".join(("--proof", *fault)))
    read = from_words(demand)
    if ProofKind.PIN in read.dropoff:
        raise misused("--proof may hold no pin: that is --pin")
    return read


def _read_hours(text: str) -> Hours | None:
    try:
        return read_hours(text)
    except HoursTextError as error:
        raise misused(str(error)) from None
