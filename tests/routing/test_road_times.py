"""Ways along streets: what an engine is asked, what is remembered, what its failures cost."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from estafette.routing.engines import BLOCK, EngineKind
from estafette.routing.road_times import MOST_POINTS, RoadTimes
from estafette.routing.ways import LONGEST_WAY, Crow, Point, Table, Way

METRES_PER_SECOND = 6.0
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Engine:
    """An engine whose ways are a thousand times the difference of latitudes, in seconds."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []
        self.answers: Handler | None = None
        self.barred = Point(0.0, 9.0)

    async def osrm(self, request: web.Request) -> web.StreamResponse:
        if self.answers:
            return await self.answers(request)
        listed = request.match_info["points"].split(";")
        points = [Point(*map(float, reversed(one.split(",")))) for one in listed]
        query = parse_qs(request.query_string, separator="&")
        rows, columns = (
            [points[int(number)] for number in query[side][0].split(";")]
            for side in ("sources", "destinations")
        )
        assert len(points) <= 100
        table = self._table(rows, columns)
        distances = [[cell and cell * 10 for cell in row] for row in table]
        return web.json_response({"code": "Ok", "durations": table, "distances": distances})

    async def valhalla(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        sides = [[Point(one["lat"], one["lon"]) for one in body[s]] for s in ("sources", "targets")]
        assert len(sides[0]) * len(sides[1]) <= 2_500
        rows = [
            [{"time": cell, "distance": cell and cell / 100} for cell in row]
            for row in self._table(*sides)
        ]
        return web.json_response({"sources_to_targets": rows})

    def _table(self, rows: Sequence[Point], columns: Sequence[Point]) -> list[list[float | None]]:
        self.asked.append((len(rows), len(columns)))
        return [
            [
                None
                if self.barred in (one, other) and one != other
                else abs(one.latitude - other.latitude) * 1_000
                for other in columns
            ]
            for one in rows
        ]


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
async def url(engine: Engine) -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_get("/table/v1/driving/{points}", engine.osrm)
    application.router.add_post("/sources_to_targets", engine.valhalla)
    async with TestServer(application) as server:
        yield str(server.make_url("/"))


def column(count: int) -> list[Point]:
    """Points one hundredth of a degree apart."""
    return [Point(round(number / 100, 4), 1.0) for number in range(count)]


@pytest.mark.parametrize("kind", EngineKind)
async def test_an_engine_is_asked_in_blocks_and_for_what_is_new_alone(
    engine: Engine, url: str, kind: EngineKind
) -> None:
    points = column(BLOCK + 10)
    async with RoadTimes(url, kind, 30) as times:
        ways, trouble = await times.between(points, METRES_PER_SECOND, 1.0)
        assert trouble is None
        assert isinstance(ways, Table)
        assert ways.between(0, 7) == ways.between(7, 0) == Way(70, 700)
        assert ways.between(3, 3) == Way(0, 0)
        assert sorted(engine.asked) == [(10, 10), (10, BLOCK), (BLOCK, 10), (BLOCK, BLOCK)]
        engine.asked.clear()
        again, _ = await times.between([*reversed(points)], METRES_PER_SECOND, 0.5)
        assert engine.asked == []
        assert again.between(0, 7) == Way(140, 700)
        await times.between([engine.barred, *points], METRES_PER_SECOND, 1.0)
        assert sorted(engine.asked) == [(11, 11), (11, BLOCK), (BLOCK, 11)]


@pytest.mark.parametrize("kind", EngineKind)
async def test_what_cannot_be_reached_is_as_far_as_can_be(
    engine: Engine, url: str, kind: EngineKind
) -> None:
    async with RoadTimes(url, kind, 30) as times:
        ways, _ = await times.between([Point(0.0, 1.0), engine.barred], METRES_PER_SECOND, 1.0)
        assert ways.between(0, 1) == Way(LONGEST_WAY, LONGEST_WAY)


async def test_what_is_forgotten_for_others_is_there_for_whoever_reads_it(url: str) -> None:
    async with RoadTimes(url, EngineKind.OSRM, 30, most=MOST_POINTS**2) as times:

        async def ask_often() -> None:
            for number in range(5):
                few = [Point(50.0 + number, 1.0), Point(51.0 + number, 1.0)]
                await times.between(few, METRES_PER_SECOND, 1.0)

        many = times.between(column(5 * BLOCK), METRES_PER_SECOND, 1.0)
        (ways, trouble), _ = await asyncio.gather(many, ask_often())
    assert trouble is None
    assert ways.between(0, 7) == Way(70, 700)


async def _status(_: web.Request) -> web.StreamResponse:
    return web.Response(status=503)


async def _elsewhere(_: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("http://127.0.0.1:9/")


async def _no_json(_: web.Request) -> web.StreamResponse:
    return web.Response(text="<html>")


async def _too_long(_: web.Request) -> web.StreamResponse:
    return web.Response(body=b" " * 3_000_000)


def _says(answer: Any) -> Handler:
    async def answers(_: web.Request) -> web.StreamResponse:
        return web.Response(text=json.dumps(answer))

    return answers


@pytest.mark.parametrize(
    "answers",
    [
        _status,
        _elsewhere,
        _no_json,
        _too_long,
        _says([]),
        _says({"code": "TooBig"}),
        _says({"code": "Ok", "durations": [[0]], "distances": [[0]]}),
        _says({"code": "Ok", "durations": [["0"] * 2] * 2, "distances": [[0] * 2] * 2}),
        _says({"code": "Ok", "durations": 7, "distances": [[0] * 2] * 2}),
    ],
)
async def test_an_engine_that_fails_is_said_and_left_alone_after_the_third_time(
    engine: Engine, url: str, answers: Handler
) -> None:
    engine.answers, now = answers, 0.0
    points = column(2)
    async with RoadTimes(url, EngineKind.OSRM, 30, clock=lambda: now) as times:
        for _ in range(3):
            ways, trouble = await times.between(points, METRES_PER_SECOND, 0.5)
            assert ways == Crow(tuple(points), METRES_PER_SECOND)
            assert trouble is not None
            assert trouble.startswith("the routing engine failed: ")
        engine.answers = None
        _, trouble = await times.between(points, METRES_PER_SECOND, 1.0)
        assert trouble == "the routing engine is left alone for a while, because it failed"
        assert engine.asked == []
        now = 30.0
        assert (await times.between(points, METRES_PER_SECOND, 1.0)).trouble is None


async def test_an_engine_that_nobody_runs_or_that_is_slow_holds_nobody_up(
    engine: Engine, url: str
) -> None:
    async with RoadTimes("http://127.0.0.1:9", EngineKind.OSRM, 5) as times:
        _, trouble = await times.between(column(2), METRES_PER_SECOND, 1.0)
        assert trouble == "the routing engine failed: no answer"
    async with RoadTimes(url, EngineKind.OSRM, 0.000_1) as times:
        _, trouble = await times.between(column(2), METRES_PER_SECOND, 1.0)
        assert trouble == "the routing engine failed: it took too long"


async def test_of_too_many_places_no_engine_is_asked(engine: Engine, url: str) -> None:
    points = column(MOST_POINTS + 1)
    async with RoadTimes(url, EngineKind.OSRM, 5) as times:
        ways, trouble = await times.between(points, METRES_PER_SECOND, 1.0)
    assert trouble == f"{MOST_POINTS + 1} places are more than are asked about at once"
    assert isinstance(ways, Crow)
    assert engine.asked == []
