"""What the audit keeps of facts."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from estafette.core.audit import LONGEST_TEXT, MOST_CHANGES, bounded, difference, ending


def test_a_difference_tells_what_was_and_what_is() -> None:
    before = {"rate": 1, "burst": 2, "gone": "x"}
    after = {"rate": 1, "burst": 3, "new": "y"}
    assert difference(before, after) == {"burst": [2, 3], "gone": ["x", None], "new": [None, "y"]}


@pytest.mark.parametrize(
    ("secret", "shown"),
    [("AO93999900000000000001429", "…1429"), ("12345678901", "…"), ("", None), (None, None)],
)
def test_of_an_account_number_only_its_end_is_told(secret: str | None, shown: str | None) -> None:
    assert ending(secret) == shown


@pytest.mark.parametrize(
    "value", ["a" * 100_000, "\0\ud800" * 10_000, ["x" * 10_000] * 10_000, ("́" * 10_000,) * 3]
)
def test_what_is_kept_has_a_bound_and_can_be_stored(value: Any) -> None:
    kept = bounded({f"fact {number}": value for number in range(1_000)})
    assert len(kept) == MOST_CHANGES
    written = json.dumps(kept)
    assert len(written) < MOST_CHANGES**2 * (6 * LONGEST_TEXT + 10)
    assert "\\u0000" not in written
    assert "\\ud800" not in written


def test_facts_are_kept_as_json_knows_them() -> None:
    at = datetime(2026, 1, 2, tzinfo=UTC)
    kept = bounded({"n": 1, "b": True, "none": None, "at": at, "list": ("a", 2)})
    assert kept == {"n": 1, "b": True, "none": None, "at": at.isoformat(), "list": ["a", 2]}
