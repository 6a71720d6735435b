"""What is demanded as proof is written as it was read, and has no proof where there is none."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estafette.core.proofs.demand import NOTHING, Demand, as_words, fault_of, from_words
from estafette.core.proofs.proof import (
    OF_STAGE,
    ProofKind,
    ProofStage,
)

demands = st.builds(
    Demand, *(st.frozensets(st.sampled_from(sorted(OF_STAGE[stage]))) for stage in ProofStage)
)


@given(demands, demands)
def test_a_demand_is_read_as_it_was_written_and_two_are_both(one: Demand, other: Demand) -> None:
    assert from_words(as_words(one)) == one
    assert fault_of(as_words(one)) is None
    assert bool(one) is (one != NOTHING)
    for stage in ProofStage:
        assert (one | other).at(stage) == one.at(stage) | other.at(stage)


def test_only_a_recipient_has_a_pin_and_is_asked_for_a_document() -> None:
    for kind in (ProofKind.PIN, ProofKind.DOCUMENT, ProofKind.AGE):
        with pytest.raises(ValueError, match="at the pickup"):
            Demand(pickup=frozenset({kind}))
    assert Demand(dropoff=frozenset(ProofKind))


WRONG: list[tuple[Any, str]] = [
    ([], ""),
    ({"door": []}, ""),
    ({"dropoff": "photo"}, "dropoff"),
    ({"dropoff": ["selfie"]}, "dropoff"),
    ({"pickup": ["pin"]}, "pickup"),
    ({"return": [{}]}, "return"),
    ({"dropoff": ["photo"] * 1000}, "dropoff"),
]


@pytest.mark.parametrize(("wrong", "field"), WRONG)
def test_what_is_no_demand_is_told_with_its_field(wrong: object, field: str) -> None:
    fault = fault_of(wrong)
    assert fault is not None
    assert fault[0] == field
