"""What pictures may be, and what the child that reads them may use."""

from enum import StrEnum
from typing import Final

MOST_BYTES: Final = 5 * 1024 * 1024
MOST_MEGAPIXELS: Final = 25
FORMATS: Final = ("PNG", "JPEG", "WEBP")
CHILD_SECONDS: Final = 15.0
CHILD_PROCESSOR_SECONDS: Final = 8
CHILD_MEMORY_BYTES: Final = 768 * 1024 * 1024
"""Address space: the interpreter's, and a picture of so many pixels a few times over."""


class PictureRefusal(StrEnum):
    """Why a file is not kept as a picture."""

    TOO_LARGE = "too_large"
    NO_PICTURE = "no_picture"
    HEIC = "heic"
    TOO_MANY_PIXELS = "too_many_pixels"
    UNREADABLE = "unreadable"
    BUSY = "busy"


REFUSALS: Final = {
    PictureRefusal.TOO_LARGE: f"The file is larger than {MOST_BYTES // 1024 // 1024} MB.",
    PictureRefusal.NO_PICTURE: "This is no PNG, JPEG or WebP picture. SVG is not taken.",
    PictureRefusal.HEIC: "This is a HEIC or AVIF picture: send it as a JPEG.",
    PictureRefusal.TOO_MANY_PIXELS: f"The picture has more than {MOST_MEGAPIXELS} megapixels.",
    PictureRefusal.UNREADABLE: "The picture cannot be read: it is damaged, or takes too long.",
    PictureRefusal.BUSY: "Too many pictures are being read. Send it again in a few seconds.",
}
"""What is said of each, in English."""
