"""Who gets the metrics, and how often they are computed."""

import asyncio
import threading

import aiohttp

from estafette.http.limiter import AddressLimits
from estafette.scraping import Measurements, scraped
from tests.processes import free_port
from tests.serving import running

_TOKEN = "a-token-of-the-tests"
_BEARER = {"Authorization": f"Bearer {_TOKEN}"}


async def test_the_public_port_tells_metrics_to_whoever_shows_the_token(postgres_dsn: str) -> None:
    limits = AddressLimits(failures_per_second=0.2, clock=lambda: 0.0)
    async with running(postgres_dsn, metrics_token=_TOKEN, limits=limits) as server:
        told = await server.request("GET", "/metrics", None, _BEARER)
        assert told.status == 200
        assert b"estafette_" in told.body
        assert told.headers["cache-control"] == "no-store"
        for wrong in ({}, {"Authorization": f"Bearer {_TOKEN}x"}, {"Authorization": _TOKEN}):
            refused = await server.request("GET", "/metrics", None, wrong)
            assert (refused.status, refused.headers["www-authenticate"]) == (401, "Bearer")
            assert b"estafette_" not in refused.body
        for _ in range(3):
            refused = await server.request("GET", "/metrics")
        assert refused.status == 429
        assert (await server.request("GET", "/metrics", None, _BEARER)).status == 200


async def test_without_a_token_the_public_port_tells_nobody(postgres_dsn: str) -> None:
    async with running(postgres_dsn) as server:
        for headers in ({}, _BEARER, {"Authorization": "Bearer "}):
            assert (await server.request("GET", "/metrics", None, headers)).status == 404


async def test_a_port_of_its_own_tells_them_and_asks_for_the_token_where_there_is_one() -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with aiohttp.ClientSession() as session:
        async with scraped("127.0.0.1", port, None), session.get(f"{url}/metrics") as told:
            assert told.status == 200
            assert "python_info" in await told.text()
            async with session.get(f"{url}/") as other:
                assert other.status == 404
            for answer in (told, other):
                assert answer.headers["x-content-type-options"] == "nosniff"
                assert answer.headers.getall("cache-control") == ["no-store"]
        async with scraped("127.0.0.1", port, _TOKEN):
            async with session.get(f"{url}/metrics") as refused:
                assert refused.status == 401
            async with session.get(f"{url}/metrics", headers=_BEARER) as told:
                assert told.status == 200


async def test_metrics_are_computed_once_a_second_however_many_ask() -> None:
    now, made = [100.0], list[int]()

    def make() -> bytes:
        made.append(threading.get_ident())
        return b"%d" % len(made)

    measurements = Measurements(make, clock=lambda: now[0])
    assert set(await asyncio.gather(*(measurements.text() for _ in range(50)))) == {b"1"}
    now[0] += 0.9
    assert await measurements.text() == b"1"
    now[0] += 0.2
    assert set(await asyncio.gather(*(measurements.text() for _ in range(50)))) == {b"2"}
    assert threading.get_ident() not in made  # the event loop serves others meanwhile
