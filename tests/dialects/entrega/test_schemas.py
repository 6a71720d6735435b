"""What a merchant may send to Entrega, and what is told of what they may not."""

import json
from pathlib import Path
from typing import Any

import orjson
import pytest

from estafette.dialects.entrega.errors import InvalidBody
from estafette.dialects.entrega.schemas import read_delivery, read_quote
from estafette.http.fields import Context

_ORDER = json.loads((Path(__file__).parent / "golden" / "order.json").read_text("utf-8"))
_CONTEXT = Context("AO", sandbox=True)


def _refused(value: Any) -> tuple[str | None, dict[str, str]]:
    with pytest.raises(InvalidBody) as refused:
        read_delivery(value, _CONTEXT)
    return refused.value.code, dict(refused.value.details)


def _nested(levels: int) -> Any:
    value: Any = {}
    for _ in range(levels - 1):
        value = {"in": value}
    return value


def _listed(levels: int) -> Any:
    value: Any = []
    for _ in range(levels - 2):
        value = [value]
    return {"n": value}


@pytest.mark.parametrize(
    ("changes", "code", "field", "reason"),
    [
        ({"quote_id": None}, "quote_id_required", "quote_id", "must be a string"),
        ({"quote_id": ""}, "quote_id_required", "quote_id", "must be a UUID"),
        ({"quote_id": 7}, "quote_not_found", "quote_id", "must be a string"),
        ({"quote_id": "q1"}, "quote_not_found", "quote_id", "must be a UUID"),
        ({"company_id": "c1"}, None, "company_id", "must be a UUID"),
        (
            {"courier_fee_aoa": 2500},
            "courier_fee_aoa_not_accepted",
            "courier_fee_aoa",
            "is not accepted: the fee is the quote's",
        ),
        (
            {"cash_collect_aoa": None},
            "cash_collect_aoa_required",
            "cash_collect_aoa",
            "is required with payment_method cod",
        ),
        (
            {"payment_method": "prepaid"},
            None,
            "cash_collect_aoa",
            "is accepted with payment_method cod alone",
        ),
        (
            {"scheduled_pickup_at": "2026-02-01T09:30:00"},
            None,
            "scheduled_pickup_at",
            "must be an ISO 8601 time with its zone, such as 2026-02-01T09:30:00Z",
        ),
        (
            {"scheduled_delivery_at": 1769900000},
            None,
            "scheduled_delivery_at",
            "must be an ISO 8601 time with its zone, such as 2026-02-01T09:30:00Z",
        ),
        ({"options": {"metadata": []}}, None, "options.metadata", "must be an object"),
        (
            {"options": {"metadata": _nested(6)}},
            None,
            "options.metadata",
            "must not be nested deeper than 5 levels",
        ),
        (
            {"options": {"metadata": _listed(6)}},
            None,
            "options.metadata",
            "must not be nested deeper than 5 levels",
        ),
        (
            {"options": {"metadata": {"n": 2**64}}},
            None,
            "options.metadata",
            "contains an integer of more than 64 bits",
        ),
        (
            {"options": {"metadata": {"n": "x" * (16 * 1024 - 7)}}},
            None,
            "options.metadata",
            "must be at most 16384 bytes long",
        ),
    ],
)
def test_a_fault_of_an_order_is_told_with_its_field_and_code(
    changes: dict[str, Any], code: str | None, field: str, reason: str
) -> None:
    assert _refused(_ORDER | changes) == (code, {field: reason})


def test_an_unknown_way_to_pay_is_told_with_those_there_are() -> None:
    code, details = _refused(_ORDER | {"payment_method": "card"})
    assert code is None
    assert details == {
        "payment_method": "must be one of prepaid, bank_transfer, cod",
        "cash_collect_aoa": "is accepted with payment_method cod alone",
    }


def test_of_several_faults_the_gravest_gives_the_code_and_all_are_told() -> None:
    bad = {"courier_fee_aoa": 1, "quote_id": None, "cash_collect_aoa": None}
    code, details = _refused(_ORDER | bad)
    assert code == "courier_fee_aoa_not_accepted"
    assert list(details) == ["courier_fee_aoa", "quote_id", "cash_collect_aoa"]
    assert _refused(_ORDER | {"quote_id": None, "cash_collect_aoa": None})[0] == "quote_id_required"
    assert _refused(_ORDER | {"quote_id": "q1", "parcel": {}})[0] is None


@pytest.mark.parametrize("value", [None, [], "order", 7])
def test_what_is_no_object_is_no_order(value: Any) -> None:
    code, details = _refused(value)
    assert code is None
    assert list(details.values()) == ["must be an object"]
    with pytest.raises(InvalidBody) as refused:
        read_quote(value, _CONTEXT)
    assert [detail.reason for detail in refused.value.details] == ["must be an object"]
    assert refused.value.code is None


@pytest.mark.parametrize(
    "metadata", [{}, _nested(5), _listed(5), {"n": "x" * (16 * 1024 - 8)}, {"n": -(2**63)}]
)
def test_metadata_is_kept_as_it_was_sent_up_to_its_bounds(metadata: dict[str, Any]) -> None:
    wanted = read_delivery(_ORDER | {"options": {"metadata": metadata}}, _CONTEXT)
    assert wanted.metadata == metadata
    assert len(orjson.dumps(metadata)) <= 16 * 1024


def test_a_sandbox_scenario_is_named_in_the_description_of_the_parcel() -> None:
    for described, scenario in (("Livros, sandbox:slow", "slow"), ("Livros", None)):
        parcel = _ORDER["parcel"] | {"description": described}
        assert read_delivery(_ORDER | {"parcel": parcel}, _CONTEXT).scenario == scenario
    parcel = _ORDER["parcel"] | {"description": "sandbox:nothing"}
    _, details = _refused(_ORDER | {"parcel": parcel})
    assert list(details) == ["parcel.description"]
    live = read_delivery(_ORDER | {"parcel": parcel}, Context("AO", sandbox=False))
    assert live.scenario is None
