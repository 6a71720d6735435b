"""What was agreed on a delivery besides its price: one JSON text, read with the delivery."""

from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from estafette.core.deliveries import failing
from estafette.core.deliveries.delivery import Delivery, is_sealed
from estafette.core.deliveries.failing import AttemptReason, FailedAttempt
from estafette.core.deliveries.windows import Window
from estafette.core.money.payment import BankAccount, Payment, PaymentMethod
from estafette.core.proofs.demand import NOTHING, as_words, from_words


def has_terms(delivery: Delivery) -> bool:
    """Returns whether anything was agreed on."""
    return (
        delivery.company_id is not None
        or delivery.metadata is not None
        or delivery.scheduled_pickup_at is not None
        or delivery.scheduled_delivery_at is not None
        or delivery.payment.method is not PaymentMethod.PREPAID
        or delivery.by_page
        or delivery.proof is not NOTHING
        or bool(delivery.skills)
        or delivery.failing is not None
        or bool(delivery.attempts)
        or delivery.window is not None
        or delivery.left_at_door
    )


def terms_json(delivery: Delivery) -> str | None:
    """Returns the terms as stored; None where there are none."""
    if not has_terms(delivery):
        return None
    payment, bank = delivery.payment, delivery.payment.bank
    fields = (
        ("company_name", delivery.company_name),
        ("company_fee", delivery.company_fee),
        ("remote", delivery.remote or None),
        ("method", payment.method),
        ("cash_collect", payment.cash_collect),
        ("bank", bank and [bank.bank, bank.iban, bank.holder]),
        ("due_at", payment.due_at),
        ("pickup_at", delivery.scheduled_pickup_at),
        ("delivery_at", delivery.scheduled_delivery_at),
        ("metadata", delivery.metadata),
        ("require_pin", delivery.require_pin or None),
        (_pin_name(delivery.pin), delivery.pin),
        ("by_page", delivery.by_page or None),
        ("proof", as_words(delivery.proof) or None),
        ("skills", delivery.skills or None),
        ("return_of", delivery.return_of and str(delivery.return_of)),
        ("return_id", delivery.return_id and str(delivery.return_id)),
        ("failing", delivery.failing and failing.as_words(delivery.failing)),
        ("attempts", [[*attempt] for attempt in delivery.attempts] or None),
        ("window", delivery.window and [*delivery.window]),
        ("changes", delivery.changes or None),
        ("left", delivery.left_at_door or None),
    )
    terms = {name: value for name, value in fields if value is not None}
    return orjson.dumps(terms).decode()


def read_terms(text: str | None) -> dict[str, Any]:
    """Returns the fields of a delivery that its terms hold."""
    if text is None:
        return {}
    terms: dict[str, Any] = orjson.loads(text)
    bank = terms.get("bank")
    return {
        "company_name": terms.get("company_name"),
        "company_fee": terms.get("company_fee"),
        "remote": terms.get("remote", False),
        "payment": Payment(
            PaymentMethod(terms["method"]),
            terms.get("cash_collect"),
            BankAccount(*bank) if bank else None,
            _moment(terms.get("due_at")),
        ),
        "scheduled_pickup_at": _moment(terms.get("pickup_at")),
        "scheduled_delivery_at": _moment(terms.get("delivery_at")),
        "metadata": terms.get("metadata"),
        "require_pin": terms.get("require_pin", False),
        "pin": terms.get("sealed_pin", terms.get("pin")),
        "by_page": terms.get("by_page", False),
        "proof": from_words(terms["proof"]) if "proof" in terms else NOTHING,
        "skills": tuple(terms.get("skills", ())),
        "return_of": _id(terms.get("return_of")),
        "return_id": _id(terms.get("return_id")),
        **_of_failing(terms),
    }


def _of_failing(terms: dict[str, Any]) -> dict[str, Any]:
    """Returns what stands there of failed attempts and other times; nothing for most."""
    read: dict[str, Any] = {}
    if "failing" in terms:
        read["failing"] = failing.from_words(terms["failing"])
    if "attempts" in terms:
        read["attempts"] = tuple(
            FailedAttempt(seq, AttemptReason(reason), datetime.fromisoformat(at))
            for seq, reason, at in terms["attempts"]
        )
    if "window" in terms:
        read["window"] = Window(*map(datetime.fromisoformat, terms["window"]))
    if "changes" in terms:
        read["changes"] = terms["changes"]
    if "left" in terms:
        read["left_at_door"] = terms["left"]
    return read


def _pin_name(pin: str | None) -> str:
    """Servers of the version before would tell a sealed PIN as if it were one."""
    return "sealed_pin" if pin is not None and is_sealed(pin) else "pin"


def with_pin(text: str, pin: str) -> str:
    """Stored terms with another PIN, and all else as it was."""
    terms: dict[str, Any] = orjson.loads(text)
    terms.pop("pin", None)
    terms.pop("sealed_pin", None)
    return orjson.dumps({**terms, _pin_name(pin): pin}).decode()


def _id(text: str | None) -> UUID | None:
    return UUID(text) if text else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
