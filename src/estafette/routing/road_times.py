"""Ways along streets, by a routing engine over HTTP; as the crow flies while it fails.

Pairs of points are remembered: most of them are asked for again a few seconds later. After three
failures in a row the engine is left alone for half a minute, then twice as long each time.
"""

import asyncio
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Self

import aiohttp
import orjson

from estafette.routing.engines import BLOCK, EngineKind, ask, read
from estafette.routing.travel_times import CrowTimes, Measured
from estafette.routing.ways import LONGEST_WAY, Point, Table, Way

MOST_POINTS: Final = 600
"""How many points are asked about at once: of more, ways are as the crow flies."""

_MOST_REMEMBERED: Final = 2_000_000
_MOST_ANSWER_BYTES: Final = 2 * 1024 * 1024
_AT_ONCE: Final = 4
_FAILURES: Final = 3
_FIRST_REST, _LONGEST_REST = 30.0, 300.0
_PLACES_OF_DEGREES: Final = 4
"""Points are the same that are within eleven metres."""


_EXPECTED: Final = (aiohttp.ClientError, OSError, ValueError)
"""What an engine that fails, or is none, makes of a request."""

Known = dict[tuple[Point, Point], Way]
"""The ways that are remembered."""

Block = tuple[Sequence[Point], Sequence[Point]]
"""Some points, and those to which the ways from each of them are asked for."""


class RoadTimes:
    """A routing engine; use it with `async with`, which closes its connections."""

    def __init__(
        self,
        url: str,
        kind: EngineKind,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        most: int = _MOST_REMEMBERED,
    ) -> None:
        """`url` is the engine's address, `seconds` how long all of a question may take.

        At most so many pairs of points are remembered.
        """
        self._url = url.rstrip("/")
        self._kind = kind
        self._seconds = seconds
        self._clock = clock
        self._crow = CrowTimes()
        self._most = most
        self._known: Known = {}
        self._failures = 0
        self._rests_until = 0.0
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Begins; a connection is opened with the first question."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Closes all connections."""
        if self._session is not None:
            await self._session.close()

    @property
    def along_streets(self) -> bool:
        """The engine knows them."""
        return True

    async def between(
        self, points: Sequence[Point], metres_per_second: float, traffic: float
    ) -> Measured:
        """Returns the engine's ways; without them those as the crow flies, and why."""
        rounded = [_rounded(point) for point in points]
        if len(self._known) > self._most - MOST_POINTS**2:
            self._known = {}  # whoever reads the ways that were remembered goes on with them
        known = self._known
        trouble = await self._learn(known, list(dict.fromkeys(rounded)))
        if trouble is not None:
            crow = await self._crow.between(points, metres_per_second, traffic)
            return Measured(crow.ways, trouble)
        return Measured(await _table(known, rounded, traffic))

    async def _learn(self, known: Known, points: Sequence[Point]) -> str | None:
        """Asks for what is not known of the points; returns why that failed."""
        if len(points) > MOST_POINTS:
            return f"{len(points)} places are more than are asked about at once"
        if self._clock() < self._rests_until:
            return "the routing engine is left alone for a while, because it failed"
        blocks = await _missing(known, points)
        try:
            async with asyncio.timeout(self._seconds):
                room = asyncio.Semaphore(_AT_ONCE)
                async with asyncio.TaskGroup() as group:
                    for block in blocks:
                        group.create_task(self._ask(known, room, *block))
        except TimeoutError:
            return self._failed("it took too long")
        except ExceptionGroup as errors:
            if errors.split(_EXPECTED)[1] is not None:
                raise
            is_wrong = any(isinstance(error, ValueError) for error in errors.exceptions)
            return self._failed("its answer is none" if is_wrong else "no answer")
        self._failures = 0
        return None

    def _failed(self, why: str) -> str:
        self._failures += 1
        if self._failures >= _FAILURES:
            rest = _FIRST_REST * 2.0 ** (self._failures - _FAILURES)
            self._rests_until = self._clock() + min(rest, _LONGEST_REST)
        return f"the routing engine failed: {why}"

    async def _ask(
        self,
        known: Known,
        room: asyncio.Semaphore,
        origins: Sequence[Point],
        destinations: Sequence[Point],
    ) -> None:
        async with room:
            answer = await self._answer(*ask(self._kind, origins, destinations))
        ways = read(self._kind, answer, len(origins), len(destinations))
        for origin, row in zip(origins, ways, strict=True):
            for destination, way in zip(destinations, row, strict=True):
                known[origin, destination] = way

    async def _answer(self, path: str, body: Any) -> Any:
        if self._session is None:
            self._session = aiohttp.ClientSession(auto_decompress=False)
        method = "GET" if body is None else "POST"
        sent = None if body is None else orjson.dumps(body)
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        async with self._session.request(
            method, self._url + path, data=sent, headers=headers, allow_redirects=False
        ) as response:
            if response.status != 200:
                raise ValueError(f"the engine answers {response.status}")
            read_so_far = bytearray()
            async for part in response.content.iter_chunked(65_536):
                read_so_far += part
                if len(read_so_far) > _MOST_ANSWER_BYTES:
                    raise ValueError("the engine's answer is too long")
        return orjson.loads(read_so_far)


async def _missing(known: Known, points: Sequence[Point]) -> list[Block]:
    """The blocks of ways of which one is not known: those of new points, if these come last."""
    ordered = sorted(points, key=lambda one: (one, one) not in known)
    missing: list[Block] = []
    for block in _blocks(ordered):
        if any((one, other) not in known for one in block[0] for other in block[1]):
            missing.append(block)
        await asyncio.sleep(0)  # the process has other work besides
    return missing


async def _table(known: Known, points: Sequence[Point], traffic: float) -> Table:
    """The ways between points; the engine's times are of streets without traffic."""
    seconds, metres = array("I"), array("I")
    for one in points:
        ways = [known[one, other] for other in points]
        seconds.extend([min(round(way.seconds / traffic), LONGEST_WAY) for way in ways])
        metres.extend([way.metres for way in ways])
        await asyncio.sleep(0)
    return Table(len(points), seconds, metres)


def _rounded(point: Point) -> Point:
    return Point(*(round(degrees, _PLACES_OF_DEGREES) for degrees in point))


def _blocks(points: Sequence[Point]) -> Iterator[Block]:
    for row in range(0, len(points), BLOCK):
        for column in range(0, len(points), BLOCK):
            yield points[row : row + BLOCK], points[column : column + BLOCK]
