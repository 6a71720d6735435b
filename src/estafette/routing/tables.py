"""Tables of ways as the solvers take them. Only the child needs them, and loads NumPy."""

import numpy as np
from numpy.typing import NDArray

from estafette.routing.ways import EARTH_METRES, LONGEST_WAY, Crow, Table, Ways

Matrix = NDArray[np.int64]


def tables(ways: Ways) -> tuple[Matrix, Matrix]:
    """Returns the seconds and the metres from each place (row) to each (column)."""
    if isinstance(ways, Table):
        shape = (ways.count, ways.count)
        measured = (
            np.asarray(ways.seconds, dtype=np.int64).reshape(shape),
            np.asarray(ways.metres, dtype=np.int64).reshape(shape),
        )
    elif isinstance(ways, Crow):
        measured = _crow(ways)
    else:
        raise TypeError(f"no table of {type(ways)}")
    for table in measured:
        np.clip(table, 0, LONGEST_WAY, out=table)
        np.fill_diagonal(table, 0)
    return measured


def _crow(ways: Crow) -> tuple[Matrix, Matrix]:
    points = np.radians(np.array(ways.points, dtype=np.float64).reshape(-1, 2))
    latitude, longitude = points[:, 0], points[:, 1]
    half_height = np.sin((latitude[:, None] - latitude[None, :]) / 2)
    half_width = np.sin((longitude[:, None] - longitude[None, :]) / 2)
    cosines = np.cos(latitude)[:, None] * np.cos(latitude)[None, :]
    chord = half_height**2 + cosines * half_width**2
    metres = 2 * EARTH_METRES * np.arcsin(np.minimum(1.0, np.sqrt(chord))) * ways.detour
    seconds = np.rint(metres / ways.metres_per_second)
    return seconds.astype(np.int64), np.rint(metres).astype(np.int64)
