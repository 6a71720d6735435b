"""Figures: how a value compares with its reach, and the table and the file of a run."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple


@dataclass(frozen=True)
class Figure:
    """One measured figure.

    `value` is None where it could not be measured; `missing` says what to do about it. `reach` is
    what is to be reached: at least that much for a ratio, less than that for the others (`unit`).
    `detail` are the figures behind it, `shown` the same in a few words.
    """

    name: str
    value: float | None
    reach: float
    unit: str = "ratio"
    detail: Mapping[str, Any] = field(default_factory=dict[str, Any])
    shown: str = ""
    missing: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the reach is reached."""
        if self.value is None:
            return False
        return self.value >= self.reach if self.unit == "ratio" else self.value < self.reach

    def as_json(self) -> dict[str, Any]:
        """The figure as it stands in the file."""
        shown: dict[str, Any] = {"value": self.value, "reach": self.reach, "ok": self.ok}
        if self.missing:
            shown["missing"] = self.missing
        return {**shown, **self.detail}


class Pair(NamedTuple):
    """What one round measured of ours and of what it is compared with, both a second."""

    ours: float
    theirs: float

    @property
    def ratio(self) -> float:
        """Ours to theirs."""
        return self.ours / self.theirs


def compared(name: str, reach: float, pairs: Sequence[Pair], detail: Mapping[str, Any]) -> Figure:
    """The median of the rounds' ratios: neighbours in time share the noise of the machine."""
    ratios = sorted(pair.ratio for pair in pairs)
    ours = statistics.median(pair.ours for pair in pairs)
    theirs = statistics.median(pair.theirs for pair in pairs)
    return Figure(
        name,
        round(statistics.median(ratios), 3),
        reach,
        detail={
            "lowest": round(ratios[0], 3),
            "highest": round(ratios[-1], 3),
            "ours_per_second": round(ours),
            "theirs_per_second": round(theirs),
            "rounds": [[round(pair.ours), round(pair.theirs)] for pair in pairs],
            **detail,
        },
        shown=f"{ours:,.0f}/s against {theirs:,.0f}/s; {ratios[0]:.2f} to {ratios[-1]:.2f}",
    )


def table(figures: Sequence[Figure]) -> str:
    """The figures for a person, one a line."""
    rows = [("figure", "value", "reach", "", "behind it")]
    for figure in figures:
        rows.append(
            (
                figure.name,
                _number(figure.value, figure.unit),
                f"{'≥' if figure.unit == 'ratio' else '<'} {_number(figure.reach, figure.unit)}",
                "reached" if figure.ok else "MISSED",
                figure.missing or figure.shown,
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]])
        for row in rows
    )


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    if unit == "ratio":
        return f"{value:.2f}"
    return f"{value:.2f} {unit}" if unit == "times" else f"{value:.0f} {unit}"


def write(path: Path, figures: Sequence[Figure]) -> None:
    """Puts the figures into a file, under their names."""
    found = {figure.name: figure.as_json() for figure in figures}
    path.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
