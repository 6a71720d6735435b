"""Skills: which names are one, what a driver lacks, and what is no name."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.skills import fault_of, keys_of, lacking, read_skills
from estafette.core.fleet.driver import USUAL, Driver, Vehicle, checked
from estafette.core.ids import new_id
from estafette.core.people.person import FieldError

NFD, NFC = "ca\u0302mara", "c\u00e2mara"
DRIVER = Driver(
    new_id(), new_id(), "Zé", "+244923000001", Vehicle.CAR, USUAL[Vehicle.CAR], datetime.now(UTC)
)


def test_capital_letters_spaces_and_the_way_of_writing_an_accent_make_no_other_skill() -> None:
    assert read_skills([" Cold  box", "cold BOX", NFD, NFC, "Straße", "STRASSE"]) == (
        "Cold box",
        NFD,
        "Straße",
    )
    assert keys_of(["Cold box"]) != keys_of(["Coldbox"])


def test_what_is_lacking_is_named_as_it_was_demanded() -> None:
    assert lacking(("COLD box", NFC, "Age"), ("cold  box", NFD)) == ("Age",)
    assert lacking((), ()) == ()


@pytest.mark.parametrize(
    "names", [[""], [" "], ["a\nb\u0000"], ["a\u202eb"], ["x" * 41], list(map(str, range(21)))]
)
def test_what_is_no_name_is_none_of_a_drivers_nor_of_a_deliverys(names: list[str]) -> None:
    with pytest.raises(FieldError, match=r"a skill is one line|there are at most 20 skills"):
        checked(replace(DRIVER, skills=tuple(names)))
    assert fault_of(names) is not None


def test_a_driver_has_one_skill_once_and_a_simulated_one_has_all() -> None:
    driver = checked(replace(DRIVER, skills=("Cold", " cold ")))
    assert driver.skills == ("Cold",)
    assert driver.lacks(("cold", "age")) == ("age",)
    simulated = replace(driver, mode=Mode.SANDBOX)
    assert simulated.lacks(("cold", "age")) == ()
    assert simulated.skill_keys is None
