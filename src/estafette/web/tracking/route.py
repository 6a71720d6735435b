"""The line on the page from city to city: its curve, and where on it the courier stands."""

from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise
from math import hypot

Point = tuple[float, float]

_CURVES: tuple[tuple[Point, Point, Point, Point], ...] = (
    ((40.0, 118.0), (78.0, 62.0), (128.0, 58.0), (176.0, 92.0)),
    ((176.0, 92.0), (228.0, 128.0), (296.0, 112.0), (350.0, 56.0)),
)
"""Cubic Bézier curves that join smoothly, in the units of the drawing (400 × 190)."""

_SAMPLES = 64
"""Points of each curve that measure its length; the error is far below a pixel."""


@dataclass(frozen=True, slots=True)
class PlaceOnMap:
    """A place on the line: `share` of its length (0 to 100) and the point in the drawing."""

    share: float
    x: float
    y: float


def _bezier(curve: tuple[Point, Point, Point, Point], t: float) -> Point:
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
    return (
        sum(weight * point[0] for weight, point in zip(weights, curve, strict=True)),
        sum(weight * point[1] for weight, point in zip(weights, curve, strict=True)),
    )


_POINTS: tuple[Point, ...] = (
    *(_bezier(curve, step / _SAMPLES) for curve in _CURVES for step in range(_SAMPLES)),
    _CURVES[-1][-1],
)
_LENGTHS: list[float] = [0.0]
for _start, _end in pairwise(_POINTS):
    _LENGTHS.append(_LENGTHS[-1] + hypot(_end[0] - _start[0], _end[1] - _start[1]))


def _path() -> str:
    (x, y), *_ = _CURVES[0]
    drawn = [f"M{x:g} {y:g}"]
    for _, first, second, end in _CURVES:
        drawn.append("C" + ",".join(f"{x:g} {y:g}" for x, y in (first, second, end)))
    return "".join(drawn)


PATH = _path()
"""The line as an SVG path."""


def place(share: float) -> PlaceOnMap:
    """Returns the place after `share` (0 to 100) of the line's length."""
    index = min(bisect_left(_LENGTHS, share / 100 * _LENGTHS[-1]), len(_POINTS) - 1)
    x, y = _POINTS[index]
    return PlaceOnMap(share, round(x, 1), round(y, 1))
