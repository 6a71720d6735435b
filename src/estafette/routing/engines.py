"""The two routing engines that are understood, OSRM and Valhalla: what is asked, what is answered.

A table is asked for in blocks, since both limit it: OSRM to 100 places of both sides together,
Valhalla to 2,500 pairs.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

from estafette.routing.ways import LONGEST_WAY, Point, Way

BLOCK: Final = 50
"""How many places of each side are asked for at a time."""

_UNREACHABLE: Final = Way(LONGEST_WAY, LONGEST_WAY)


class EngineKind(StrEnum):
    """A routing engine."""

    OSRM = "osrm"
    VALHALLA = "valhalla"


class Ask(NamedTuple):
    """A request: a path below the engine's address, and a body where it is a POST."""

    path: str
    body: Mapping[str, Any] | None = None


def ask(kind: EngineKind, origins: Sequence[Point], destinations: Sequence[Point]) -> Ask:
    """Returns the request for the ways from some points to others, by car."""
    if kind is EngineKind.VALHALLA:
        sides = {"sources": _places(origins), "targets": _places(destinations)}
        return Ask("/sources_to_targets", {**sides, "costing": "auto", "units": "kilometers"})
    every = ";".join(f"{one.longitude:.6f},{one.latitude:.6f}" for one in (*origins, *destinations))
    first = ";".join(map(str, range(len(origins))))
    second = ";".join(map(str, range(len(origins), len(origins) + len(destinations))))
    what = f"annotations=duration,distance&sources={first}&destinations={second}"
    return Ask(f"/table/v1/driving/{every}?{what}")


def read(kind: EngineKind, answer: Any, rows: int, columns: int) -> list[list[Way]]:
    """Returns the ways in an answer, row by row. Raises ValueError where it has not all of them."""
    try:
        if kind is EngineKind.VALHALLA:
            told = [[(one["time"], one["distance"]) for one in row] for row in _valhalla(answer)]
            scale = 1_000.0
        else:
            if answer["code"] != "Ok":
                raise ValueError(f"the engine says {str(answer['code'])[:40]!r}")
            pairs = zip(answer["durations"], answer["distances"], strict=True)
            told = [list(zip(*pair, strict=True)) for pair in pairs]
            scale = 1.0
        ways = [[_way(seconds, length, scale) for seconds, length in row] for row in told]
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"the engine's answer is no table: {type(error).__name__}") from None
    if len(ways) != rows or any(len(row) != columns for row in ways):
        raise ValueError("the engine's table has another size")
    return ways


def _valhalla(answer: Any) -> Any:
    return answer["sources_to_targets"]


def _places(points: Sequence[Point]) -> list[dict[str, float]]:
    return [{"lat": round(one.latitude, 6), "lon": round(one.longitude, 6)} for one in points]


def _way(seconds: Any, length: Any, scale: float) -> Way:
    """A way; null where there is none. Raises TypeError for what is no number."""
    if seconds is None or length is None:
        return _UNREACHABLE
    if isinstance(seconds, bool) or isinstance(length, bool):
        raise TypeError
    metres = length * scale
    if not (0 <= seconds < LONGEST_WAY and 0 <= metres < LONGEST_WAY):
        return _UNREACHABLE
    return Way(round(seconds), round(metres))
