"""The operator's map tiles, where there are any."""

from pathlib import Path
from typing import NamedTuple

from estafette.files.tiles import LONGEST_PART, NotTilesError, TileArchive, TilesFacts
from estafette.usecases.platform import Platform

__all__ = [
    "LONGEST_PART",
    "NotTilesError",
    "Part",
    "TilesGone",
    "examine_tiles",
    "part_of_tiles",
    "tiles_edition",
]


class TilesGone(Exception):  # noqa: N818 - it is answered
    """There are no tiles now, or they cannot be read."""


class Part(NamedTuple):
    """A part of a file of `size` bytes, which begins with the byte `first`."""

    first: int
    size: int
    body: bytes


def examine_tiles(path: Path) -> TilesFacts:
    """Returns what a file of tiles says of itself. Raises NotTilesError, which says why not."""
    return TileArchive(path).look()


def tiles_edition(platform: Platform) -> str | None:
    """Returns what the tiles that are there now are known by; None: there are none."""
    found = platform.tiles and platform.tiles.found()
    return found.edition if found else None


def part_of_tiles(platform: Platform, first: int | None, last: int | None) -> Part:
    """Returns the bytes from `first` to `last`, or as many of them as are read at once.

    `first` None: so many as `last` says from the end; `last` None: all that follow. Where there are
    no such bytes it is empty. Reads the disk. Raises TilesGone.
    """
    found = platform.tiles and platform.tiles.found()
    if platform.tiles is None or not found:
        raise TilesGone
    if first is None:
        first, last = max(0, found.size - (last or 0)), None
    end = found.size if last is None else min(found.size, last + 1)
    if first >= end:
        return Part(first, found.size, b"")
    try:
        return Part(first, found.size, platform.tiles.read(found, first, end - first))
    except NotTilesError:
        raise TilesGone from None
