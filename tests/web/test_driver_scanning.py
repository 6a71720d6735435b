"""Codes on labels, read by a phone whose browser has no detector of its own: camera and photos."""

import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from playwright.async_api import FilePayload, async_playwright, expect

from estafette.web.console.deliveries_labels import bars, squares
from tests.chromium import EXECUTABLE
from tests.serving import running
from tests.web.browser import PHONE, look
from tests.web.drivers import DriverStage, driver_stage

_COMPILE = """WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))
  .then(() => true, () => false)"""


@pytest.fixture
async def stage(postgres_dsn: str) -> AsyncIterator[DriverStage]:
    async with running(postgres_dsn, public_url="http://127.0.0.1") as server:
        yield await driver_stage(server)


def drawn(path: str, module: int = 8, high: int = 1) -> Image.Image:
    """A code of a label as a picture: its path has squares, or bars `high` modules high."""
    picture = Image.new("L", (640, 480), 255)
    pen = ImageDraw.Draw(picture)
    for part in path.split("z")[:-1]:
        at, _, rest = part.removeprefix("M").partition("h")
        x, y = (int(each) for each in at.split())
        left, top = 40 + x * module, 40 + y * module
        wide = int(rest.partition("v")[0]) * module
        pen.rectangle((left, top, left + wide - 1, top + high * module - 1), fill=0)
    return picture


def photo(picture: Image.Image) -> FilePayload:
    """A photo as a phone has it."""
    written = io.BytesIO()
    picture.convert("RGB").save(written, "JPEG", quality=80)
    return FilePayload(name="code.jpg", mimeType="image/jpeg", buffer=written.getvalue())


def film(picture: Image.Image) -> bytes:
    """What a camera sees that looks at a picture: one frame, YUV 4:2:0."""
    frame = picture.tobytes() + b"\x80" * (640 * 480 // 2)
    return b"YUV4MPEG2 W640 H480 F10:1 Ip A1:1 C420\nFRAME\n" + frame


async def test_a_label_is_read_by_camera_and_photo_without_a_detector_of_the_browsers(
    stage: DriverStage, tmp_path: Path
) -> None:
    ze = await stage.driver_at_phone()
    given = await stage.given(ze.driver)
    (stop, _) = (await ze.day())["stops"]
    shown = stop["codes"][1]
    own = drawn(squares(f"https://delivery.example/track/{shown}")["path"])
    other = drawn(squares("https://delivery.example/track/another")["path"])
    (tmp_path / "camera.y4m").write_bytes(film(own))
    arguments = [
        *("--no-sandbox", "--disable-gpu", "--use-fake-ui-for-media-stream"),
        *("--use-fake-device-for-media-stream",),
        f"--use-file-for-fake-video-capture={tmp_path / 'camera.y4m'}",
    ]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=EXECUTABLE, args=arguments)
        context = await browser.new_context(viewport=PHONE, permissions=["camera"])
        url = ze.server.url
        await context.add_cookies(
            [{"name": name, "value": value, "url": url} for name, value in ze.cookies.items()]
        )
        asked: list[str] = []
        context.on("request", lambda request: asked.append(request.url))
        page = await context.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: faults.append(said.text) if "Polic" in said.text else None)
        await page.goto(f"{url}/driver#pick-up/{given.id}")
        assert not await page.evaluate("'BarcodeDetector' in window"), "this tries the other way"
        await page.wait_for_function("navigator.serviceWorker.ready.then(() => true)")
        await expect(page.get_by_role("button", name="Scan the code")).to_be_visible()
        assert not [each for each in asked if "zxing" in each], "nothing of it in a first visit"
        await page.get_by_role("button", name="Scan the code").click()
        code = page.get_by_label("Code on the label")
        await expect(page.locator("#scanned")).to_have_text("The code fits.", timeout=60_000)
        assert (await code.input_value()).endswith(shown)
        await expect(page.locator("video")).to_be_hidden()
        assert [each for each in asked if each.endswith("zxing.wasm")]
        await look(page, "driver-scanned")
        # WebAssembly is allowed to the thread that reads codes, and not to the page.
        assert await page.evaluate(_COMPILE) is False
        faults.clear()
        choose = page.locator("#code-photo")
        alert = page.get_by_role("alert")
        await choose.set_input_files(photo(other))
        await expect(alert).to_contain_text("This is another parcel")
        await choose.set_input_files(photo(Image.new("L", (640, 480), 200)))
        await expect(alert).to_contain_text("No code can be read in this photo")
        number = drawn(bars(stop["reference"])["path"], module=3, high=60)
        await choose.set_input_files(photo(number))
        await context.set_offline(True)  # what reads codes is kept on the phone by now
        await expect(page.locator("#scanned")).to_have_text("The code fits.")
        await expect(code).to_have_value(stop["reference"])
        await page.reload()
        await choose.set_input_files(photo(own))
        await expect(page.locator("#scanned")).to_have_text("The code fits.")
        assert faults == []
        await browser.close()
