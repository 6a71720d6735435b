"""A brand's colour as it can be read and seen on a page (WCAG 2.2)."""

from colorsys import hls_to_rgb, rgb_to_hls
from typing import NamedTuple

VISIBLE = 3.0
"""The contrast that the edge of a button has to have with the page (1.4.11)."""

_LIGHT, _DARK = "#ffffff", "#161924"
"""What the tracking page's sheet is, by day and by night."""
_INKS = ("#ffffff", "#000000")
_STEPS = 100


class BrandColours(NamedTuple):
    """A brand's colour as a button has it: what is written on it, and its edge on either page."""

    fill: str
    ink: str
    edge_light: str
    edge_dark: str


def brand_colours(colour: str) -> BrandColours:
    """Returns how a colour ("#rrggbb") is shown so that it can be read and seen on either page.

    White or dark letters can be read on any colour. Where it is too near to the page's own, its
    edge is the nearest darker or lighter one that can be told from the page.
    """
    ink = max(_INKS, key=lambda ink: contrast(ink, colour))
    return BrandColours(colour, ink, _visible(colour, _LIGHT), _visible(colour, _DARK))


def contrast(one: str, other: str) -> float:
    """Returns the contrast of two colours, from 1 to 21."""
    lights = sorted((_luminance(one), _luminance(other)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def _visible(colour: str, sheet: str) -> str:
    """Returns the colour, darker on a light sheet or lighter on a dark one as far as needed."""
    if contrast(colour, sheet) >= VISIBLE:
        return colour
    hue, lightness, saturation = rgb_to_hls(*_parts(colour))
    end = 0.0 if sheet == _LIGHT else 1.0
    steps = (lightness + (end - lightness) * step / _STEPS for step in range(1, _STEPS + 1))
    nearer = (_text(hls_to_rgb(hue, each, saturation)) for each in steps)
    return next(each for each in nearer if contrast(each, sheet) >= VISIBLE)


def _luminance(colour: str) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in _parts(colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _parts(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _text(parts: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in parts)
