"""A zone that names no place of the market is most likely a slip, and is remarked on."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from tests.cli.stage import Command

_NEW = ("--market", "AO", "--json")


@pytest.fixture
def create(over_fresh_database: Command, fresh_database: str) -> Callable[..., Any]:
    assert "cities of AO" in over_fresh_database("migrate")
    return partial(over_fresh_database, "couriers", "create", f"c-{uuid4().hex[:8]}", *_NEW)


@pytest.mark.parametrize("zone", ["Luanda", "Kwanza Sul", "Província da Huíla", "Lobito"])
def test_a_city_or_province_by_any_spelling_is_no_slip(
    create: Callable[..., Any], zone: str
) -> None:
    assert "warnings" not in create("--zone", zone)


def test_a_zone_that_is_no_place_is_remarked_on_and_kept(create: Callable[..., Any]) -> None:
    made = create("--zone", "Atlantis", "--zone", "Luannda", "--zone", "Benguela")
    assert made["service_zones"] == ["Atlantis", "Luannda", "Benguela"]
    assert made["warnings"] == [
        "no city or province of AO is called 'Atlantis': only addresses that say so are served",
        "no city or province of AO is called 'Luannda'; did you mean Luanda?",
    ]


def test_an_unknown_market_is_refused_by_every_command(over_database: Command) -> None:
    for arguments in (
        ("list", "--market", "XX"),
        ("create", "c", "--market", "XX"),
        ("update", "c", "--market", "XX"),
        ("activate", "c", "--market", "XX"),
        ("tariffs", "c", "--market", "XX"),
    ):
        told = over_database("couriers", *arguments, code=2)
        assert "there is no market 'XX'; there are AO, KZ" in told
