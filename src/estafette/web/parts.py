"""What the parts of pages (`web/templates/parts.html`) are told: columns, paging, plots."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Literal

Sorted = Literal["", "ascending", "descending"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    `kind` says how its cells are set: `number`, `time`, `quiet`, `tools` or as text. One that can
    be sorted by has the address that does it (`sort_href`), and says how it is `sorted` now.
    """

    name: str
    label: str
    kind: Literal["", "number", "time", "quiet", "tools"] = ""
    sort_href: str = ""
    sorted: Sorted = ""


@dataclass(frozen=True, slots=True)
class Paging:
    """The neighbours of a page of a list, as addresses; "" for none. `text` is shown."""

    previous: str = ""
    next: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a plot: its place along it as a label, and the value as a text beside."""

    label: str
    value: float
    text: str


@dataclass(frozen=True, slots=True)
class Series:
    """The values of one thing that a plot shows."""

    name: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Mark:
    """A line of a plot's scale: how high it is drawn, and what it says."""

    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a plot, and what it says to a pointer that rests on it."""

    x: float
    y: float
    width: float
    height: float
    series: int
    text: str


@dataclass(frozen=True, slots=True)
class Plot:
    """Values over an axis, drawn by the server; the same figures stand in a table beside it.

    All series have the same labels. Values are not negative.
    """

    title: str
    series: Sequence[Series]
    kind: Literal["bars", "lines"] = "bars"
    width: int = 640
    height: int = 190

    LEFT, RIGHT, TOP, BOTTOM = 40, 6, 8, 22

    @property
    def top(self) -> float:
        """The value at the upper end of the scale: one, two or five times a power of ten."""
        if self.kind == "bars":
            values = ([point.value for point in one.points] for one in self.series)
            columns = zip(*values, strict=True)
            highest = max((sum(column) for column in columns), default=0.0)
        else:
            highest = max((point.value for one in self.series for point in one.points), default=0.0)
        return _round_up(highest)

    @property
    def marks(self) -> list[Mark]:
        """The lines of the scale, from the lowest."""
        from estafette.http.formats import number

        top = self.top
        steps = 4 if top % 4 == 0 else 2 if top % 2 == 0 else 1
        return [Mark(self._y(top * i / steps), number(top * i / steps)) for i in range(steps + 1)]

    @property
    def labels(self) -> list[tuple[float, str]]:
        """Where along the axis which label stands: at most eight of them."""
        points = self.series[0].points if self.series else ()
        every = max(1, ceil(len(points) / 8))
        return [(self._x(i), point.label) for i, point in enumerate(points) if i % every == 0]

    @property
    def bars(self) -> list[Bar]:
        """The bars, those of several series upon each other."""
        found: list[Bar] = []
        count = len(self.series[0].points) if self.series else 0
        width = self._step * 0.68
        for i in range(count):
            below = 0.0
            for number, one in enumerate(self.series):
                point = one.points[i]
                top = self._y(below + point.value)
                text = f"{point.label}: {point.text}"
                if len(self.series) > 1:
                    text = f"{point.label}, {one.name}: {point.text}"
                height = self._y(below) - top
                if height > 0:
                    found.append(Bar(self._x(i) - width / 2, top, width, height, number, text))
                below += point.value
        return found

    @property
    def lines(self) -> list[tuple[str, str]]:
        """For each series the path of its line, and of the area below it."""
        drawn: list[tuple[str, str]] = []
        base = self._y(0)
        for one in self.series:
            dots = [f"{self._x(i):.1f} {self._y(p.value):.1f}" for i, p in enumerate(one.points)]
            line = "M" + "L".join(dots) if dots else ""
            end = self._x(len(dots) - 1)
            area = f"{line}L{end:.1f} {base:.1f}L{self._x(0):.1f} {base:.1f}Z" if dots else ""
            drawn.append((line, area))
        return drawn

    @property
    def _step(self) -> float:
        count = len(self.series[0].points) if self.series else 0
        return (self.width - self.LEFT - self.RIGHT) / max(1, count)

    def _x(self, i: int) -> float:
        return self.LEFT + self._step * (i + 0.5)

    def _y(self, value: float) -> float:
        room = self.height - self.TOP - self.BOTTOM
        return self.TOP + room * (1 - value / self.top)


def _round_up(value: float) -> float:
    if value <= 4:
        return 4.0
    power = 10.0 ** floor(log10(value))
    return next(step * power for step in (1, 2, 4, 6, 8, 10) if step * power >= value)
