"""What the audit keeps of facts."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from estafette.core.audit import (
    LONGEST_TEXT,
    MOST_CHANGES,
    By,
    ByKind,
    bounded,
    difference,
    ending,
)


def test_a_difference_tells_what_was_and_what_is() -> None:
    before = {"rate": 1, "burst": 2, "gone": "x"}
    after = {"rate": 1, "burst": 3, "new": "y"}
    assert difference(before, after) == {"burst": [2, 3], "gone": ["x", None], "new": [None, "y"]}


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        ("AO93999900000000000001429", "…1429"),
        ("123456789012", "…9012"),
        ("12345678901", "…"),
        ("", None),
        (None, None),
    ],
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


def test_who_acted_is_a_key_with_its_address_a_user_of_the_system_or_a_process() -> None:
    key_id = UUID(int=7)
    assert By.key(key_id, "203.0.113.9") == By(ByKind.KEY, str(key_id), "203.0.113.9")
    assert By.command("operator") == By(ByKind.COMMAND, "operator", None)
    assert By.process("watch") == By(ByKind.PROCESS, "watch", None)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("x" * LONGEST_TEXT, "x" * LONGEST_TEXT),
        ("x" * (LONGEST_TEXT + 1), "x" * (LONGEST_TEXT - 1) + "…"),
        ("a\0b\ud800", "a\ufffdb?"),
        (("a", ["b"]), ["a", ["b"]]),
        ([0] * (MOST_CHANGES + 1), [0] * MOST_CHANGES),
        (b"x", "b'x'"),
        (UUID(int=1), str(UUID(int=1))),
        (1.5, 1.5),
    ],
)
def test_a_fact_is_kept_as_a_person_reads_it(value: Any, kept: Any) -> None:
    assert bounded({"fact": value}) == {"fact": kept}


def test_the_name_of_a_fact_is_bounded_too() -> None:
    assert bounded({"n" * (LONGEST_TEXT + 1): 1}) == {"n" * LONGEST_TEXT: 1}
