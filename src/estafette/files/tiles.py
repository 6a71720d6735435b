"""Map tiles: one file in the format PMTiles (version 3), of which browsers read parts.

The file is whatever the operator puts there, and may be replaced while servers run: it is looked at
again a few seconds later. A read takes the part that is asked for, whatever the size of the file.
"""

import os
import time
from pathlib import Path
from typing import Final, NamedTuple

_HEAD: Final = 127
_MAGIC: Final = b"PMTiles\x03"
_KINDS: Final = {1: "vector", 2: "raster", 3: "raster", 4: "raster", 5: "raster"}
"""Of tiles that a map draws, by the header's number: MVT; PNG, JPEG, WebP, AVIF."""

_PACKED: Final = frozenset({1, 2})
"""Compressions that every browser undoes: none, and gzip."""

_LOOKED_EVERY_SECONDS: Final = 5.0

LONGEST_PART: Final = 1 << 20
"""How many bytes are read at once at most: a tile has some tens of thousands."""


class NotTilesError(Exception):
    """The file is none that maps can be drawn by; the message says why, and what to do."""


class TilesFacts(NamedTuple):
    """What a file says of itself. `edition` differs for each file that is put there."""

    edition: str
    size: int
    kind: str
    zooms: tuple[int, int]


class TileArchive:
    """The file of tiles at a path."""

    def __init__(self, path: Path) -> None:
        """Takes the path; nothing is read before it is asked for."""
        self.path = path
        self._looked_at = -_LOOKED_EVERY_SECONDS
        self._found: TilesFacts | None = None

    def found(self) -> TilesFacts | None:
        """Returns what is there now, as of a few seconds ago; None: nothing that can be used."""
        if time.monotonic() - self._looked_at >= _LOOKED_EVERY_SECONDS:
            try:
                self._found = self.look()
            except NotTilesError:
                self._found = None
            self._looked_at = time.monotonic()
        return self._found

    def look(self) -> TilesFacts:
        """Returns what is there. Raises NotTilesError."""
        try:
            with self.path.open("rb") as file:
                about = os.fstat(file.fileno())
                head = file.read(_HEAD)
        except OSError as error:
            reason = f"{self.path} cannot be read: {error.strerror or type(error).__name__}"
            raise NotTilesError(reason) from None
        if len(head) < _HEAD or head[:8] != _MAGIC:
            raise NotTilesError(f"{self.path} is no PMTiles file of version 3")
        spans = [_number(head, at) + _number(head, at + 8) for at in (8, 24, 40, 56)]
        if max(spans) > about.st_size:
            raise NotTilesError(f"{self.path} is not whole: {max(spans)} bytes were written to it")
        if head[97] not in _PACKED or head[98] not in _PACKED:
            raise NotTilesError(f"{self.path} is compressed in a way that browsers do not undo")
        kind = _KINDS.get(head[99])
        if kind is None:
            raise NotTilesError(f"{self.path} has tiles of a kind that no map here draws")
        return TilesFacts(_edition(about), about.st_size, kind, (head[100], head[101]))

    def read(self, of: TilesFacts, begin: int, length: int) -> bytes:
        """Returns a part of the file that was found, of LONGEST_PART at most.

        Raises NotTilesError, also where another file is there by now.
        """
        try:
            with self.path.open("rb", buffering=0) as file:
                if _edition(os.fstat(file.fileno())) != of.edition:
                    raise NotTilesError(f"{self.path} was replaced")
                return os.pread(file.fileno(), min(length, LONGEST_PART), begin)
        except OSError as error:
            raise NotTilesError(f"{self.path} cannot be read: {error.strerror}") from None


def _edition(about: os.stat_result) -> str:
    return f"{about.st_mtime_ns:x}-{about.st_size:x}-{about.st_ino:x}"


def _number(head: bytes, at: int) -> int:
    return int.from_bytes(head[at : at + 8], "little")
