"""Pictures that drivers might send."""

from io import BytesIO

from PIL import Image


def photo(colour: str = "#3366aa", size: tuple[int, int] = (64, 48)) -> bytes:
    """A small JPEG."""
    out = BytesIO()
    Image.new("RGB", size, colour).save(out, "JPEG")
    return out.getvalue()
