"""The child that reads one picture from its standard input and writes it anew.

It ends with code 0 and the picture as WebP, or with 1 and the word of a `PictureRefusal`. It takes
its own memory and time away before it looks at the first byte.
"""

import resource
import sys
import warnings
from io import BytesIO
from typing import NoReturn

from estafette.pictures.limits import (
    CHILD_MEMORY_BYTES,
    CHILD_PROCESSOR_SECONDS,
    FORMATS,
    MOST_BYTES,
    MOST_MEGAPIXELS,
    PictureRefusal,
)


def _bound() -> None:
    for limit, most in (
        (resource.RLIMIT_AS, CHILD_MEMORY_BYTES),
        (resource.RLIMIT_CPU, CHILD_PROCESSOR_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))


def _refuse(refusal: PictureRefusal) -> NoReturn:
    sys.stdout.write(refusal.value)
    sys.exit(1)


def _anew(sent: bytes, longest_side: int) -> bytes:
    from PIL import Image, ImageOps, UnidentifiedImageError

    warnings.simplefilter("ignore")  # of decompression bombs: the size is judged here
    Image.MAX_IMAGE_PIXELS = None
    try:
        picture = Image.open(BytesIO(sent), formats=FORMATS)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        _refuse(PictureRefusal.NO_PICTURE)
    if picture.width * picture.height > MOST_MEGAPIXELS * 1_000_000:
        _refuse(PictureRefusal.TOO_MANY_PIXELS)
    picture.draft("RGB", (longest_side, longest_side))  # a JPEG is decoded no larger than needed
    upright = ImageOps.exif_transpose(picture)
    has_alpha = upright.has_transparency_data
    plain = upright.convert("RGBA" if has_alpha else "RGB")
    plain.thumbnail((longest_side, longest_side))
    kept = Image.frombytes(plain.mode, plain.size, plain.tobytes())  # the pixels, nothing besides
    out = BytesIO()
    kept.save(out, "WEBP", quality=90, method=4)
    return out.getvalue()


def main() -> None:
    """Reads a picture, and writes it."""
    _bound()
    sent = sys.stdin.buffer.read(MOST_BYTES + 1)
    try:
        kept = _anew(sent, int(sys.argv[1]))
    except Exception:  # whatever the decoder stumbles over, the file is at fault
        _refuse(PictureRefusal.UNREADABLE)
    sys.stdout.buffer.write(kept)


if __name__ == "__main__":
    main()
