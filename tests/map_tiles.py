"""A small PMTiles archive, written here: one tile of vectors or of a colour for each zoom.

The format is at https://github.com/protomaps/PMTiles, that of a tile's vectors at
https://github.com/mapbox/vector-tile-spec.
"""

import gzip
import io
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

ATTRIBUTION = '<a href="https://www.openstreetmap.org/copyright">© OpenStreetMap</a>'
_MVT, _PNG = 1, 2
_NOTHING, _GZIP = 1, 2
_EXTENT = 4096

Ring = Sequence[tuple[int, int]]


def write_vectors(path: Path, place: tuple[float, float], zooms: range) -> None:
    """Writes an archive around a place (latitude, longitude): land, water, a road, a name."""
    layers = [
        _layer("earth", 3, [[(0, 0), (_EXTENT, 0), (_EXTENT, _EXTENT), (0, _EXTENT)]]),
        _layer("water", 3, [[(0, 0), (_EXTENT // 3, 0), (_EXTENT // 3, _EXTENT), (0, _EXTENT)]]),
        _layer("roads", 2, [[(0, 2048), (_EXTENT, 2048)]], {"kind": "major_road"}),
        _layer("places", 1, [[(3000, 1500)]], {"name": "Ingombota"}),
    ]
    tile = gzip.compress(b"".join(layers), mtime=0)
    names = ("earth", "water", "roads", "places")
    listed: list[dict[str, Any]] = [{"id": name, "fields": {}} for name in names]
    _write(path, place, zooms, _MVT, tile, {"vector_layers": listed})


def write_pictures(path: Path, place: tuple[float, float], zooms: range, colour: str) -> None:
    """Writes an archive of tiles of one colour."""
    written = io.BytesIO()
    Image.new("RGB", (256, 256), colour).save(written, "PNG")
    _write(path, place, zooms, _PNG, written.getvalue(), {})


def _write(
    path: Path,
    place: tuple[float, float],
    zooms: range,
    kind: int,
    tile: bytes,
    about: dict[str, Any],
) -> None:
    ids = sorted(id for zoom in zooms for id in _around(zoom, place))
    entries = _varint(len(ids))
    entries += b"".join(_varint(id - before) for id, before in zip(ids, [0, *ids], strict=False))
    entries += _varint(1) * len(ids)  # one tile each
    entries += _varint(len(tile)) * len(ids)
    entries += _varint(1) * len(ids)  # all of them are the same bytes, at the beginning
    root = gzip.compress(entries, mtime=0)
    said = gzip.compress(json.dumps({"attribution": ATTRIBUTION, **about}).encode(), mtime=0)
    at = 127 + len(root)
    spans = [127, len(root), at, len(said), at + len(said), 0, at + len(said), len(tile)]
    head = b"PMTiles\x03" + b"".join(number.to_bytes(8, "little") for number in spans)
    head += b"".join(number.to_bytes(8, "little") for number in (len(ids), len(ids), 1))
    compressed = _GZIP if kind == _MVT else _NOTHING
    head += bytes([1, _GZIP, compressed, kind, zooms[0], zooms[-1]])
    corners = (-180.0, -85.0, 180.0, 85.0)
    head += b"".join(_degrees(each) for each in corners)
    head += bytes([zooms[0]]) + _degrees(place[1]) + _degrees(place[0])
    assert len(head) == 127
    path.write_bytes(head + root + said + tile)


def _degrees(value: float) -> bytes:
    return round(value * 10_000_000).to_bytes(4, "little", signed=True)


def _around(zoom: int, place: tuple[float, float]) -> set[int]:
    """The ids of the tile that a place is in, and of those around it."""
    count = 1 << zoom
    north = math.asinh(math.tan(math.radians(place[0])))
    x = int((place[1] + 180) / 360 * count)
    y = int((1 - north / math.pi) / 2 * count)
    near = range(-2, 3)
    return {
        _id(zoom, x + dx, y + dy)
        for dx in near
        for dy in near
        if 0 <= x + dx < count and 0 <= y + dy < count
    }


def _id(zoom: int, x: int, y: int) -> int:
    """The place of a tile on the Hilbert curve of its zoom, behind all smaller zooms."""
    id, side = ((1 << (2 * zoom)) - 1) // 3, 1 << zoom
    step = side // 2
    while step:
        right, below = int(x & step > 0), int(y & step > 0)
        id += step * step * ((3 * right) ^ below)
        if not below:
            if right:
                x, y = side - 1 - x, side - 1 - y
            x, y = y, x
        step //= 2
    return id


def _layer(
    name: str, kind: int, rings: Sequence[Ring], said: dict[str, str] | None = None
) -> bytes:
    said = said or {}
    tags = b"".join(_varint(each) for number in range(len(said)) for each in (number, number))
    shape = b"".join(_ring(ring, kind) for ring in rings)
    feature = (_field(2, tags) if tags else b"") + b"\x18" + _varint(kind) + _field(4, shape)
    body = _field(1, name.encode()) + _field(2, feature)
    body += b"".join(_field(3, key.encode()) for key in said)
    body += b"".join(_field(4, _field(1, value.encode())) for value in said.values())
    body += b"\x28" + _varint(_EXTENT) + b"\x78" + _varint(2)
    return _field(3, body)


def _ring(points: Ring, kind: int) -> bytes:
    """A point, a line or a ring as commands: move, line, close."""
    written, at = b"", (0, 0)
    for number, point in enumerate(points):
        if number < 2:
            length = 1 if number == 0 else len(points) - 1
            written += _varint((length << 3) | (number + 1))
        written += b"".join(_varint(_zigzag(new - old)) for new, old in zip(point, at, strict=True))
        at = point
    return written + (_varint((1 << 3) | 7) if kind == 3 else b"")


def _zigzag(value: int) -> int:
    return value << 1 if value >= 0 else ((-value) << 1) - 1


def _field(number: int, body: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(body)) + body


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 127:
        written.append(value & 127 | 128)
        value >>= 7
    return bytes([*written, value])
