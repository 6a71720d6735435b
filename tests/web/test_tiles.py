"""The operator's map tiles: served in parts, explained where they are none, drawn under maps."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.async_api import Browser, expect

from estafette.core.accounts.account import Mode
from estafette.core.fleet.position import Position, PositionSource
from estafette.core.people.permission import Role
from estafette.files.tiles import LONGEST_PART, NotTilesError, TileArchive
from estafette.store.fleet import positions
from estafette.usecases.platform import clock
from tests.map_tiles import write_pictures, write_vectors
from tests.serving import Server, running
from tests.usecases.angola import new_shop
from tests.web.board_stage import Stage
from tests.web.browser import LOOKS, axe, look, opened, overflow
from tests.web.drivers import driver_stage
from tests.web.people import sign_in_at_company

LUANDA = (-8.83, 13.24)
_READ = """performance.getEntriesByType("resource")
  .filter((one) => one.name.includes("/tiles/")).length > 1"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "luanda.pmtiles"
    write_vectors(path, LUANDA, range(15))
    return path


@pytest.fixture
async def server(postgres_dsn: str, file: Path) -> AsyncIterator[Server]:
    async with running(postgres_dsn, tiles=TileArchive(file)) as server:
        yield server


async def test_parts_of_the_file_are_served_and_no_more_than_a_bound(
    server: Server, file: Path
) -> None:
    with file.open("ab") as more:
        more.truncate(3 * LONGEST_PART)
    whole = file.read_bytes()
    path = f"/tiles/{TileArchive(file).look().edition}"

    async def part(asked: str, **headers: str) -> tuple[int, bytes, str]:
        answer = await server.request("GET", path, None, {"Range": asked, **headers})
        return answer.status, answer.body, answer.headers.get("content-range", "")

    first = await server.request("GET", path, None, {"Range": "bytes=0-126"})
    assert (first.status, first.body) == (206, whole[:127])
    assert first.headers["content-range"] == f"bytes 0-126/{len(whole)}"
    assert "immutable" in first.headers["cache-control"]
    assert first.headers["accept-ranges"] == "bytes"
    same = {"If-None-Match": first.headers["etag"]}
    assert (await server.request("GET", path, None, same)).status == 304
    assert await part("bytes=-5") == (
        206,
        whole[-5:],
        f"bytes {len(whole) - 5}-{len(whole) - 1}/{len(whole)}",
    )
    assert (await part(f"bytes={len(whole) - 2}-{len(whole) + 9}"))[1] == whole[-2:]
    assert len((await part("bytes=1-"))[1]) == LONGEST_PART
    assert len((await part("bytes=0-999999999999"))[1]) == LONGEST_PART
    assert await part(f"bytes={len(whole)}-") == (416, b"", f"bytes */{len(whole)}")
    assert (await part("Bytes=9-5"))[0] == 416
    assert (await part("bytes=-0"))[0] == 416
    for odd in ("bytes=0-1,5-6", "lines=0-1", "bytes=-", "bytes=a-b", f"bytes={'9' * 40}-"):
        assert (await part(odd))[0] == 400, odd
    assert (await server.request("GET", path)).status == 400, "never the whole file"
    assert (await server.request("GET", f"{path}0", None, {"Range": "bytes=0-1"})).status == 404
    assert (await server.request("POST", path, b"")).status == 405
    write_pictures(file, LUANDA, range(3), "#ffffff")
    assert (await part("bytes=0-1"))[0] == 404, "what is kept for ever is of one file alone"


async def test_what_is_no_file_of_tiles_is_explained_and_serves_nothing(
    postgres_dsn: str, file: Path, tmp_path: Path
) -> None:
    good = file.read_bytes()
    for bad, why in (
        (b"<html>", "no PMTiles file"),
        (b"PMTiles\x02" + good[8:], "version 3"),
        (good[:-1], "not whole"),
        (good[:99] + b"\x09" + good[100:], "of a kind"),
        (good[:98] + b"\x04" + good[99:], "compressed"),
    ):
        file.write_bytes(bad)
        with pytest.raises(NotTilesError, match=why):
            TileArchive(file).look()
    missing = TileArchive(tmp_path / "missing.pmtiles")
    with pytest.raises(NotTilesError, match="No such file"):
        missing.look()
    assert missing.found() is None
    async with running(postgres_dsn, tiles=missing) as server:
        asked = await server.request("GET", "/tiles/x", None, {"Range": "bytes=0-1"})
        assert asked.status == 404


async def _board(server: Server) -> Stage:
    """A board with one driver who was seen."""
    shop = await new_shop(server.platform)
    company = await shop.company(f"kianda-{uuid4().hex[:8]}")
    dispatcher = await sign_in_at_company(server, company.id, Role.DISPATCHER, mode=Mode.LIVE)
    stage = Stage(server, shop, company.id, dispatcher)
    driver, now = await stage.driver("Ana"), clock()
    async with server.platform.pool.acquire() as connection:
        of = (company.id, driver.id, now, now)
        await positions.keep(connection, [Position(*of, *LUANDA, PositionSource.PAGE)])
    return stage


@pytest.mark.parametrize("kind", ["vector", "raster", "none"])
async def test_a_map_lies_over_the_tiles_where_there_are_some(
    postgres_dsn: str, file: Path, browser: Browser, kind: str
) -> None:
    if kind == "raster":
        write_pictures(file, LUANDA, range(15), "#88aacc")
    tiles = None if kind == "none" else TileArchive(file)
    async with running(postgres_dsn, tiles=tiles) as server:
        stage = await _board(server)
        url, cookies = server.url, stage.dispatcher.cookies.items()
        for _, size, scheme in (LOOKS[1], LOOKS[2])[: 1 if kind == "none" else 2]:
            context = await browser.new_context(viewport=size, color_scheme=scheme)
            await context.add_cookies(
                [{"name": name, "value": value, "url": url} for name, value in cookies]
            )
            asked: list[str] = []
            context.on("request", lambda request, asked=asked: asked.append(request.url))
            async with opened(browser, url + stage.dispatcher.home, context=context) as page:
                await expect(page.locator("#map canvas")).to_be_visible()
                if kind == "none":
                    assert not [each for each in asked if "pmtiles" in each or "/tiles/" in each]
                    continue
                await expect(page.locator(".map-credit")).to_have_text("© OpenStreetMap")
                await page.wait_for_function(_READ)
                assert await axe(page) == []
                await look(page, f"board-tiles-{kind}-{scheme}", whole=False)
            await context.close()


async def test_a_recipients_map_lies_over_the_tiles_too(server: Server, browser: Browser) -> None:
    stage = await driver_stage(server)
    ze = await stage.driver_at_phone()
    given = await stage.given(ze.driver)
    for kind in ("picked_up", "on_the_way"):
        assert await ze.tap(kind, given.id) == ("done", "")
    now = clock()
    async with server.platform.pool.acquire() as connection:
        of = (stage.company_id, ze.driver.id, now, now)
        await positions.keep(connection, [Position(*of, *LUANDA, PositionSource.PAGE)])
    url = f"{server.url}/track/{given.delivery_id}?lang=en"
    for name, size, scheme in LOOKS[:2]:
        async with opened(browser, url, size, scheme=scheme) as page:
            await expect(page.locator(".map-credit")).to_have_text("© OpenStreetMap")
            await expect(page.locator(".map-courier")).to_be_visible()
            await page.wait_for_function(_READ)
            assert (await axe(page), await overflow(page)) == ([], [])
            await look(page, f"track-tiles-{name}", whole=False)
