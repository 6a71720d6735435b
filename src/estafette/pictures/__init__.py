"""Pictures that others send: read and written anew in a process of their own, or refused.

What is kept is never what was sent: a picture is decoded and encoded again without its metadata, so
that a file that is a script or a page besides being a picture is a picture alone.
"""

import asyncio
import sys
from contextlib import suppress
from typing import Final, NamedTuple
from weakref import WeakKeyDictionary

from estafette.pictures.limits import (
    CHILD_SECONDS,
    MOST_BYTES,
    MOST_MEGAPIXELS,
    REFUSALS,
    PictureRefusal,
)

__all__ = ["MOST_BYTES", "MOST_MEGAPIXELS", "Picture", "PictureRefusal", "PictureRefusedError"]
__all__ += ["read_picture"]

_AT_ONCE: Final = 2
_MOST_WAITING: Final = 20
_rooms: Final = WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore]()
_waiting: Final = list[None]()
_HEIC_BRANDS: Final = frozenset(
    (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis")
)
"""What the files of an iPhone, and others of their family, begin with (ISO/IEC 23008-12)."""


class PictureRefusedError(ValueError):
    """A file is not kept as a picture. The message says why, and what is taken."""

    def __init__(self, refusal: PictureRefusal) -> None:
        """`refusal` tells the reasons apart."""
        self.refusal = refusal
        super().__init__(REFUSALS[refusal])


class Picture(NamedTuple):
    """A picture as it is kept: WebP, without metadata."""

    body: bytes
    media_type: str = "image/webp"


async def read_picture(sent: bytes, longest_side: int) -> Picture:
    """Returns the picture anew, its longer side at most so many pixels. Raises PictureRefusedError.

    It is decoded by a child with little memory and little time: whatever a file does to the
    decoder, it does there.
    """
    if len(sent) > MOST_BYTES:
        raise PictureRefusedError(PictureRefusal.TOO_LARGE)
    if sent[4:8] == b"ftyp" and sent[8:12] in _HEIC_BRANDS:
        raise PictureRefusedError(PictureRefusal.HEIC)
    if len(_waiting) >= _AT_ONCE + _MOST_WAITING:
        raise PictureRefusedError(PictureRefusal.BUSY)
    _waiting.append(None)
    try:
        return await _by_a_child(sent, longest_side)
    finally:
        _waiting.pop()


async def _by_a_child(sent: bytes, longest_side: int) -> Picture:
    room = _rooms.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(_AT_ONCE))
    async with room:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-m", "estafette.pictures.child", str(longest_side)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={},
        )
        try:
            async with asyncio.timeout(CHILD_SECONDS):
                written, _ = await child.communicate(sent)
        except TimeoutError:
            raise PictureRefusedError(PictureRefusal.UNREADABLE) from None
        finally:
            with suppress(ProcessLookupError):
                child.kill()
            await child.wait()
    if child.returncode == 0:
        return Picture(written)
    word = written.decode("ascii", "replace")
    known = {refusal.value: refusal for refusal in PictureRefusal}
    raise PictureRefusedError(known.get(word, PictureRefusal.UNREADABLE))
