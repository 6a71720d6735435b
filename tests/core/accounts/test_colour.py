import pytest

from estafette.core.accounts.colour import VISIBLE, brand_colours, contrast

SHEETS = ("#ffffff", "#161924")
ENOUGH = 4.5
"""What the guidelines (WCAG 2.2, AA) ask of text."""


@pytest.mark.parametrize(
    "colour",
    [
        "#ffcc00",
        "#ffffff",
        "#000000",
        "#161924",
        "#777777",
        "#808080",
        "#0000ff",
        "#ff0000",
        "#1b4d3e",
    ],
)
def test_every_colour_can_be_read_and_told_from_the_page_by_day_and_by_night(colour: str) -> None:
    made = brand_colours(colour)
    assert made.fill == colour
    assert contrast(made.fill, made.ink) >= ENOUGH
    assert contrast(made.edge_light, SHEETS[0]) >= VISIBLE
    assert contrast(made.edge_dark, SHEETS[1]) >= VISIBLE


def test_a_colour_that_can_be_told_from_the_page_is_its_own_edge() -> None:
    assert brand_colours("#2b46b8").edge_light == "#2b46b8"
    assert brand_colours("#ffcc00").edge_dark == "#ffcc00"


def test_contrast_is_that_of_the_guidelines() -> None:
    assert round(contrast("#000000", "#ffffff"), 2) == 21
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48
