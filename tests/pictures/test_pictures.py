"""Pictures that others send are written anew, or refused with words that a person understands."""

import asyncio
import struct
import zlib
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from estafette.pictures import MOST_BYTES, PictureRefusal, PictureRefusedError, read_picture


def picture(format: str = "PNG", size: tuple[int, int] = (600, 300), **options: Any) -> bytes:
    out = BytesIO()
    mode = "RGB" if format == "JPEG" else "RGBA"
    Image.new(mode, size, "#ffcc00").save(out, format, **options)
    return out.getvalue()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(width: int, height: int) -> bytes:
    """A PNG of some kilobytes that would take gigabytes."""
    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    pixels = zlib.compress(bytes(4 * 1024 * 1024), 9)
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + _chunk(b"IHDR", head) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
async def test_a_picture_is_written_anew_and_small(format: str) -> None:
    kept = await read_picture(picture(format), 256)
    found = Image.open(BytesIO(kept.body))
    assert (found.format, found.size, kept.media_type) == ("WEBP", (256, 128), "image/webp")


async def test_nothing_of_a_file_is_kept_but_its_pixels() -> None:
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    exif[0x0112] = 6  # it lies on its side
    sent = picture("JPEG", exif=exif, comment=b"<script>") + b"<script>alert(1)</script>"
    kept = await read_picture(sent, 256)
    assert not any(trace in kept.body for trace in (b"script", b"home", b"Exif"))
    assert Image.open(BytesIO(kept.body)).size == (128, 256)  # and it stands upright


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<html><script>alert(1)</script></html>",
        b"GIF89a" + bytes(100),
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n",
        b"\x89PNG\r\n\x1a\n",
        bytes(1000),
    ],
)
async def test_what_is_no_picture_of_the_three_kinds_is_refused(sent: bytes) -> None:
    with pytest.raises(PictureRefusedError, match="no PNG, JPEG or WebP") as refused:
        await read_picture(sent, 256)
    assert refused.value.refusal is PictureRefusal.NO_PICTURE


@pytest.mark.parametrize("size", [(50_000, 50_000), (5_001, 5_000), (2**31 - 1, 1)])
async def test_too_many_pixels_are_refused_before_they_are_decoded(size: tuple[int, int]) -> None:
    with pytest.raises(PictureRefusedError, match="25 megapixels"):
        await read_picture(bomb(*size), 256)


async def test_a_picture_of_the_most_pixels_is_taken() -> None:
    kept = await read_picture(picture(size=(5_000, 5_000)), 256)
    assert Image.open(BytesIO(kept.body)).size == (256, 256)


async def test_a_damaged_picture_is_refused() -> None:
    whole = picture("PNG", size=(2_000, 2_000))
    with pytest.raises(PictureRefusedError, match="cannot be read"):
        await read_picture(whole[: len(whole) // 2], 256)


async def test_a_text_that_unpacks_to_gigabytes_costs_nothing() -> None:
    whole = picture("PNG")
    text = _chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(200 * 1024 * 1024), 9))
    at = whole.index(b"IDAT") - 4
    with pytest.raises(PictureRefusedError):
        await read_picture(whole[:at] + text + whole[at:], 256)


async def test_a_file_that_is_too_large_is_refused_unread() -> None:
    with pytest.raises(PictureRefusedError, match="5 MB"):
        await read_picture(bytes(MOST_BYTES + 1), 256)


async def test_of_a_picture_that_moves_the_first_is_kept() -> None:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    out = BytesIO()
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:])
    kept = Image.open(BytesIO((await read_picture(out.getvalue(), 256)).body))
    assert getattr(kept, "n_frames", 1) == 1


async def test_a_picture_of_an_iphone_is_refused_with_what_to_do() -> None:
    with pytest.raises(PictureRefusedError, match="send it as a JPEG") as refused:
        await read_picture(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100), 256)
    assert refused.value.refusal is PictureRefusal.HEIC


async def test_more_pictures_than_can_wait_are_put_off_and_not_kept_in_memory() -> None:
    sent = picture(size=(40, 40))
    ends = await asyncio.gather(
        *(read_picture(sent, 20) for _ in range(30)), return_exceptions=True
    )
    put_off = [end for end in ends if isinstance(end, PictureRefusedError)]
    assert {end.refusal for end in put_off} == {PictureRefusal.BUSY}
    assert 0 < len(put_off) < len(ends)
