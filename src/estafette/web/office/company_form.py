"""A courier company as the fields of a form, and back."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Final

from estafette.core.accounts.account import MARKETS
from estafette.core.couriers.company import (
    PARCEL_TYPES,
    Capabilities,
    Company,
    Margin,
)
from estafette.core.couriers.hours_text import ALWAYS, HoursTextError, hours_text, read_hours
from estafette.core.deliveries.failing import FailurePolicy
from estafette.core.deliveries.windows import WindowRules
from estafette.core.money.payment import BankAccount
from estafette.core.money.sums import LARGEST_SUM
from estafette.core.proofs.demand import Demand, as_words, from_words
from estafette.core.proofs.proof import OF_STAGE, ProofKind, ProofStage
from estafette.http.phones import e164, readable
from estafette.http.texts import N_, gettext
from estafette.usecases.couriers.companies import LARGEST_MARGIN, LARGEST_NUMBER
from estafette.web import failing
from estafette.web.forms import Form
from estafette.web.office.reading import Reading

_FAULTS: Final[Mapping[str, str]] = {
    "market": N_("Choose one of the markets."),
    "slug": N_("1 to 63 lower-case letters, digits and -, and no other company's."),
    "name": N_("A name has 1 to 200 characters."),
    "logo_url": N_("Write an address such as https://example.com/logo.svg."),
    "phone": N_("Write a phone number with the code of its country, such as +244 923 000 001."),
    "service_zones": N_("Write names of cities and provinces, at most 200, one a line."),
    "time_zone": N_("Write the name of a time zone, such as Africa/Luanda."),
    "bank": N_("Bank transfers need the bank's name, the IBAN and the account holder."),
    "parcel_types": N_("Choose among the types of parcels."),
    "attempts": N_("Choose among what is offered."),
    "margin": N_("Write a percentage from 0 to 1000, such as 7.5."),
    "hours": N_("Write hours such as mon-fri 08:00-18:00, sat 09:00-13:00; or always."),
}
"""What is wrong with a field, by its name in the form."""


def fault_of(field: str) -> str:
    """Returns the sentence for a field that a company cannot have so."""
    return gettext(_FAULTS.get(field, N_("This value is too small or too large.")))


def fields_of(company: Company) -> dict[str, str]:
    """Returns what the text fields of the form say of a company."""
    able, bank = company.capabilities, company.capabilities.bank
    return {
        "name": company.name,
        "logo_url": company.logo_url or "",
        "phone": readable(company.phone_e164) if company.phone_e164 else "",
        "service_zones": "\n".join(company.service_zones),
        "time_zone": company.time_zone,
        "hours": hours_text(company.hours),
        "base_fee": _text(company.base_fee),
        "base_eta_minutes": _text(company.base_eta_minutes),
        "max_weight_grams": _text(able.max_weight_grams),
        "margin": f"{company.margin.percent.normalize():f}",
        "margin_fixed": str(company.margin.fixed),
        "bank_name": bank.bank or "",
        "iban": bank.iban or "",
        "holder": bank.holder or "",
        **failing.fields_of(able.failing),
        **failing.window_values(able.windows),
    }


def ticked_in(company: Company) -> dict[str, list[str]]:
    """Returns which boxes of the form are ticked for a company, by the name of the field."""
    able = company.capabilities
    demanded = as_words(able.proof)
    return {
        "parcel_types": list(PARCEL_TYPES if able.parcel_types is None else able.parcel_types),
        **{f"proof_{stage.value}": demanded.get(stage, []) for stage in ProofStage},
        "require_delivery_pin": ["yes"] if able.require_delivery_pin else [],
        "bank_transfer_enabled": ["yes"] if able.bank_transfer_enabled else [],
    }


def company_in(form: Form, company: Company) -> tuple[Company, dict[str, str]]:
    """Returns a company as the form says that it shall be, and what is wrong with the form."""
    reading = Reading(form)
    types = tuple(name for name in PARCEL_TYPES if name in form.values("parcel_types"))
    if not types:
        reading.faults["parcel_types"] = fault_of("parcel_types")
    phone = form.value("phone")
    wanted = replace(
        company,
        name=form.value("name"),
        phone_e164=e164(phone, MARKETS[company.market].phone_region) if phone else None,
        logo_url=form.value("logo_url") or None,
        service_zones=tuple(
            dict.fromkeys(
                zone for line in form.value("service_zones").split("\n") if (zone := line.strip())
            )
        ),
        time_zone=form.value("time_zone"),
        base_fee=reading.whole_or_none("base_fee", 0, LARGEST_SUM),
        base_eta_minutes=reading.whole_or_none("base_eta_minutes", 1, LARGEST_NUMBER),
        margin=Margin(
            _percent(reading), reading.whole("margin_fixed", 0, LARGEST_SUM, otherwise=0)
        ),
        capabilities=Capabilities(
            bank_transfer_enabled=form.has("bank_transfer_enabled"),
            bank=BankAccount(
                form.value("bank_name") or None,
                form.value("iban") or None,
                form.value("holder") or None,
            ),
            require_delivery_pin=form.has("require_delivery_pin"),
            parcel_types=None if len(types) == len(PARCEL_TYPES) else types,
            max_weight_grams=reading.whole_or_none("max_weight_grams", 1, LARGEST_NUMBER),
            proof=_demand_in(form),
            failing=_policy_in(reading),
            windows=_windows_in(reading, company),
        ),
    )
    if phone and wanted.phone_e164 is None:
        reading.faults["phone"] = fault_of("phone")
    try:
        wanted = replace(wanted, hours=read_hours(form.value("hours") or ALWAYS))
    except HoursTextError:
        reading.faults["hours"] = fault_of("hours")
    return wanted, reading.faults


def _policy_in(reading: Reading) -> FailurePolicy | None:
    try:
        return failing.policy_in(reading.form)
    except ValueError:
        reading.faults["attempts"] = fault_of("attempts")
        return None


def _windows_in(reading: Reading, company: Company) -> WindowRules:
    windows, faults = failing.windows_in(reading.form)
    reading.faults.update(faults)
    return company.capabilities.windows if windows is None else windows


_SHOWN: Final = {
    ProofKind.SIGNATURE: N_("Signature"),
    ProofKind.PHOTO: N_("Photo"),
    ProofKind.NAME: N_("Name of the person"),
    ProofKind.DOCUMENT: N_("Document looked at"),
    ProofKind.AGE: N_("Age checked"),
}
"""What a company may demand; a PIN has a box of its own."""


def proofs_at(stage: ProofStage) -> list[tuple[str, str]]:
    """Returns the boxes of a stage: their values and names."""
    return [(kind.value, gettext(name)) for kind, name in _SHOWN.items() if kind in OF_STAGE[stage]]


def _demand_in(form: Form) -> Demand:
    return from_words(
        {
            stage.value: [
                kind for kind, _ in proofs_at(stage) if kind in form.values(f"proof_{stage.value}")
            ]
            for stage in ProofStage
        }
    )


def _percent(reading: Reading) -> Decimal:
    text = reading.form.value("margin").replace(",", ".") or "0"
    try:
        percent = Decimal(text) if len(text) <= 10 and text.isascii() else Decimal("NaN")
        if not percent.is_nan() and 0 <= percent <= LARGEST_MARGIN:
            return percent
    except InvalidOperation:
        pass
    reading.faults["margin"] = fault_of("margin")
    return Decimal(0)


def _text(number: int | None) -> str:
    return "" if number is None else str(number)
