"""The tracking page over HTTP."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace

import aiohttp
import pytest
from yarl import URL

from estafette.core.accounts.branding import Branding
from estafette.core.deliveries.delivery import Status
from estafette.core.ids import new_id
from estafette.web.tracking.app import TrackingPages
from estafette.web.tracking.render import FILES
from estafette.web.tracking.texts import LANGUAGES
from tests.web.tracking_samples import Shelf, advanced, delivery, public, served


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        yield session


async def _next_event(response: aiohttp.ClientResponse) -> dict[str, str]:
    """The next event of a stream that is no pulse; a repeated field is joined by line breaks."""
    fields: dict[str, list[str]] = {}
    async for raw in response.content:
        line = raw.decode().rstrip("\n")
        if line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields.setdefault(name, []).append(value)
        elif fields.get("event") == ["pulse"]:
            del fields["event"], fields["data"]
        elif not line and "event" in fields:
            return {name: "\n".join(values) for name, values in fields.items()}
    return {name: "\n".join(values) for name, values in fields.items()}


async def _cleared(pages: TrackingPages, *, tasks: int | None = None) -> None:
    """Wait until no connection is open, and no more than so many tasks are left."""
    async with asyncio.timeout(60):
        # nothing announces that a connection has been cleared away
        while pages.watched.crowd.open_streams or len(asyncio.all_tasks()) > (tasks or 1000):  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def _assert_guarded(headers: Mapping[str, str]) -> None:
    assert headers["Content-Security-Policy"].startswith("default-src 'none';")
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Robots-Tag"] == "noindex, nofollow"


async def test_the_page_speaks_the_language_of_the_browser(client: aiohttp.ClientSession) -> None:
    found = delivery(Status.IN_TRANSIT)
    async with served(Shelf(found).pages()) as base:
        url = f"{base}/{public(found.id)}"
        for code, texts in LANGUAGES.items():
            answer = await client.get(url, headers={"Accept-Language": f"de, {code};q=0.4"})
            assert answer.status == 200
            assert answer.headers["Content-Language"] == code
            assert texts.statuses[Status.IN_TRANSIT].headline in await answer.text()
        asked = await client.get(f"{url}?lang=kk", headers={"Accept-Language": "pt"})
        assert asked.headers["Content-Language"] == "kk"
        unknown = await client.get(f"{url}?lang=xx", headers={"Accept-Language": "pt"})
        assert unknown.headers["Content-Language"] == "pt"
        unstated = await client.get(url)
        assert unstated.headers["Content-Language"] == "ru"


async def test_pages_are_guarded_and_not_kept(client: aiohttp.ClientSession) -> None:
    found = delivery(Status.IN_TRANSIT)
    async with served(Shelf(found).pages()) as base:
        for path in (public(found.id), public(new_id()), "a/b/c", f"{public(found.id)}/events"):
            answer = await client.head(f"{base}/{path}")
            _assert_guarded(answer.headers)
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["Vary"] == "Accept-Language"


async def test_whatever_is_not_there_is_answered_alike(client: aiohttp.ClientSession) -> None:
    async with served(Shelf().pages()) as base:
        bodies: set[str] = set()
        for path in (public(new_id()), "dlv_short", "%00", "x" * 5000, "a/b/c", "..%2f..", "💌"):
            for suffix in ("", "/events"):
                answer = await client.get(
                    f"{base}/{path}{suffix}", headers={"Accept-Language": "pt"}
                )
                assert answer.status == 404
                bodies.add(await answer.text())
        assert len(bodies) == 1
        assert LANGUAGES["pt"].page.missing_title in bodies.pop()


async def test_another_method_is_told_which_there_are(client: aiohttp.ClientSession) -> None:
    found = delivery(Status.IN_TRANSIT)
    async with served(Shelf(found).pages()) as base:
        answer = await client.post(f"{base}/{public(found.id)}")
        assert answer.status == 405
        assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD"}
        _assert_guarded(answer.headers)


async def test_a_fault_of_ours_is_told_kindly_and_tells_nothing(
    client: aiohttp.ClientSession,
) -> None:
    async def broken(_: object, _address: object) -> None:
        raise ConnectionError("password=hunter2")

    found = delivery(Status.IN_TRANSIT)
    pages = Shelf(found).pages()
    pages = type(pages)(broken, pages.watched, public_id=lambda _: found.id)
    async with served(pages) as base:
        answer = await client.get(f"{base}/any", headers={"Accept-Language": "en"})
        assert answer.status == 500
        _assert_guarded(answer.headers)
        body = await answer.text()
    assert LANGUAGES["en"].page.trouble_title in body
    assert "hunter2" not in body


async def test_the_files_of_the_page_may_be_kept_for_ever(client: aiohttp.ClientSession) -> None:
    async with served(Shelf().pages()) as base:
        for name, asset in FILES.items():
            answer = await client.get(f"{base}/static/{FILES.edition}/{name}")
            assert await answer.read() == asset.body
            assert "immutable" in answer.headers["Cache-Control"]
            _assert_guarded(answer.headers)
        older = await client.get(f"{base}/static/0123456789ab/tracking.css")
        assert older.headers["Cache-Control"] == "no-store"
        assert (await client.get(f"{base}/static/{FILES.edition}/../app.py")).status == 404
        assert (await client.get(f"{base}/static/{FILES.edition}/README.md")).status == 404


def test_the_style_sheet_names_only_files_that_the_page_serves() -> None:
    named = re.findall(r"url\(([^)#]+)\)", FILES["tracking.css"].body.decode())
    assert len(named) == 3
    assert [name for name in named if name not in FILES] == []


async def test_the_first_visit_of_the_page_is_small_in_every_language(
    client: aiohttp.ClientSession,
) -> None:
    found = delivery(Status.OUT_FOR_DELIVERY)
    files = ["tracking.css", "tracking.js", "emblem.svg", "onest-latin-wght-normal.woff2"]
    files += [
        "onest-cyrillic-wght-normal.woff2",
        "onest-cyrillic-ext-wght-normal.woff2",
    ]  # Kazakh loads all three
    headers = {"Accept-Encoding": "gzip"}
    async with served(Shelf(found).pages()) as base:
        paths = [f"/{public(found.id)}?lang=kk"]
        paths += [f"/static/{FILES.edition}/{name}" for name in files]
        sent = 0
        for path in paths:
            async with client.get(base + path, headers=headers) as answer:
                assert answer.status == 200
                sent += int(answer.headers["Content-Length"])
    assert sent < 60_000


async def test_an_expired_link_says_so_and_whom_to_ask(client: aiohttp.ClientSession) -> None:
    sender = Branding(name="Altyn", phone="+77272223344")
    found = replace(delivery(Status.DELIVERED), is_erased=True, sender=sender)
    async with served(Shelf(found).pages()) as base:
        async with client.get(f"{base}/{public(found.id)}?lang=en") as answer:
            page = await answer.text()
            assert answer.status == 410
            _assert_guarded(answer.headers)
        async with client.get(f"{base}/{public(found.id)}/events") as answer:
            assert answer.status == 204
    assert "This journey is over" in page
    assert 'href="tel:+77272223344"' in page
    assert "Алматы" not in page


async def test_a_wrong_link_says_what_to_do(client: aiohttp.ClientSession) -> None:
    async with (
        served(Shelf().pages()) as base,
        client.get(f"{base}/{public(new_id())}?lang=ru") as answer,
    ):
        page = await answer.text()
    assert answer.status == 404
    assert all(step in page for step in LANGUAGES["ru"].page.missing_steps)


async def test_a_shared_link_is_previewed_without_anything_of_the_delivery(
    client: aiohttp.ClientSession,
) -> None:
    found = delivery(Status.IN_TRANSIT)
    pages = Shelf(found).pages(origin="https://d.example")
    async with served(pages) as base:
        async with client.get(f"{base}/{public(found.id)}?lang=en") as answer:
            page = await answer.text()
        shown = dict(re.findall(r'<meta property="og:(\w+)" content="([^"]*)"', page))
        assert shown["title"] == "Your delivery"
        assert shown["description"] == "See where the parcel is and when it comes."
        assert shown["image"].startswith("https://d.example/track/static/")
        async with client.get(base + shown["image"].partition("/track")[2]) as picture:
            assert picture.status == 200
            assert picture.content_type == "image/png"
    assert not {"url", "locale"} & shown.keys()


async def test_a_page_can_stand_on_a_home_screen(client: aiohttp.ClientSession) -> None:
    found = delivery(Status.IN_TRANSIT)
    async with served(Shelf(found).pages()) as base:
        async with client.get(f"{base}/{public(found.id)}/page.webmanifest?lang=kk") as answer:
            manifest = await answer.json(content_type="application/manifest+json")
            _assert_guarded(answer.headers)
        assert manifest["start_url"] == f"/track/{public(found.id)}?lang=kk"
        assert manifest["name"] == LANGUAGES["kk"].page.title
        for icon in manifest["icons"]:
            async with client.get(base + icon["src"].removeprefix("/track")) as picture:
                assert picture.status == 200
        async with client.get(f"{base}/nobody/page.webmanifest") as answer:
            assert answer.status == 404


async def test_the_worker_of_the_page_reaches_no_further_than_the_page(
    client: aiohttp.ClientSession,
) -> None:
    async with served(Shelf().pages()) as base, client.get(f"{base}/worker.js") as answer:
        script = await answer.text()
        assert answer.content_type == "text/javascript"
        assert "Service-Worker-Allowed" not in answer.headers
        _assert_guarded(answer.headers)
    assert f'EDITION = "{FILES.edition}"' in script


@pytest.mark.parametrize(
    ("path", "status"),
    [
        *(("/colour/ffcc00.css", 200), ("/colour/FFCC00.css", 404), ("/colour/red.css", 404)),
        *(("/colour/ffcc00}x.css", 404), ("/logo/" + "a" * 32 + ".webp", 200)),
        *(("/logo/" + "b" * 32 + ".webp", 404), ("/logo/..%2f.webp", 404)),
    ],
)
async def test_colours_and_logos_are_served_by_their_names_alone(
    client: aiohttp.ClientSession, path: str, status: int
) -> None:
    async def logo(digest: str, _visitor: str) -> bytes | None:
        return b"RIFF" if digest == "a" * 32 else None

    async with (
        served(Shelf().pages(logo=logo)) as base,
        client.get(URL(base + path, encoded=True)) as answer,
    ):
        assert answer.status == status
        _assert_guarded(answer.headers)
        if status == 200:
            assert "immutable" in answer.headers["Cache-Control"]


async def test_a_stream_tells_of_each_step_and_ends_with_the_delivery(
    client: aiohttp.ClientSession,
) -> None:
    found = delivery(Status.OUT_FOR_DELIVERY)
    shelf = Shelf(found)
    pages = shelf.pages()
    async with served(pages) as base:
        url = f"{base}/{public(found.id)}/events?lang=en"
        async with client.get(url) as stream:
            assert stream.content_type == "text/event-stream"
            first = await _next_event(stream)
            assert first["event"] == "update"
            assert int(first["retry"]) >= 2000
            assert "Almost at your door" in first["data"]
            shelf.put(advanced(found, Status.DELIVERED))
            second = await _next_event(stream)
            assert "It’s here!" in second["data"]
            assert (await _next_event(stream))["event"] == "end"
            assert await stream.content.read() == b""
        await _cleared(pages)
        again = await client.get(url, headers={"Last-Event-ID": second["id"]})
        assert again.status == 204


async def test_a_reader_who_has_the_latest_is_sent_only_what_is_new(
    client: aiohttp.ClientSession,
) -> None:
    found = delivery(Status.ASSIGNED)
    shelf = Shelf(found)
    async with served(shelf.pages()) as base:
        url = f"{base}/{public(found.id)}/events?lang=ru"
        async with client.get(url) as stream:
            seen = (await _next_event(stream))["id"]
        async with client.get(url, headers={"Last-Event-ID": seen}) as stream:
            shelf.put(advanced(found, Status.IN_TRANSIT))
            update = await _next_event(stream)
            assert update["id"] != seen
            assert LANGUAGES["ru"].statuses[Status.IN_TRANSIT].headline in update["data"]


async def test_a_reader_who_leaves_leaves_nothing_behind(client: aiohttp.ClientSession) -> None:
    found = delivery(Status.ASSIGNED)
    pages = Shelf(found).pages()
    async with served(pages) as base:
        before = len(asyncio.all_tasks())
        async with aiohttp.ClientSession() as visitor:
            stream = await visitor.get(f"{base}/{public(found.id)}/events")
            await _next_event(stream)
            assert pages.watched.crowd.open_streams == 1
            stream.close()
        await _cleared(pages, tasks=before)
        assert not pages.watched.hub.is_looking


@pytest.mark.parametrize(
    "end",
    [
        *("", "/", ".", ")", ").", "%29", ",", "%E2%80%9D", "...", "!", "*", "%20", "%E2%80%8B"),
        *("%0A", "%0D%0A", "%0A%0A", ".%0A", "/%0A", "/.", "/)", "%2F", "%5D", "%3E", "%22"),
        *("%C2%A0", "%E2%80%A8", "%09", "%20%20", "%F0%9F%93%A6", "%00", "//", "/%20"),
    ],
)
@pytest.mark.parametrize("written", [str, str.upper])
async def test_a_link_opens_the_page_as_chats_and_codes_make_it(
    client: aiohttp.ClientSession, end: str, written: Callable[[str], str]
) -> None:
    found = delivery(Status.ASSIGNED)
    async with served(Shelf(found).pages()) as base:
        url = URL(f"{base}/{written(public(found.id))}{end}", encoded=True)
        page = await client.get(url, allow_redirects=False)
        assert page.status == 200
        assert f'data-page="/track/{public(found.id)}?' in await page.text()


async def test_a_crowd_is_turned_away_for_a_while(client: aiohttp.ClientSession) -> None:
    found = delivery(Status.ASSIGNED)
    shelf = Shelf(found)
    async with served(shelf.pages(shelf.watched(most_each=1))) as base:
        url = f"{base}/{public(found.id)}/events"
        async with client.get(url) as stream:
            await _next_event(stream)
            refused = await client.get(url)
            assert refused.status == 503
            assert int(refused.headers["Retry-After"]) > 0
            _assert_guarded(refused.headers)


async def test_open_streams_do_not_hold_up_a_shutdown(client: aiohttp.ClientSession) -> None:
    found = delivery(Status.ASSIGNED)
    async with asyncio.timeout(60):
        async with served(Shelf(found).pages()) as base:
            stream = await client.get(f"{base}/{public(found.id)}/events")
            await _next_event(stream)
        assert await stream.content.read() == b""
