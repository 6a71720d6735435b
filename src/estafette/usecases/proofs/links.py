"""Links to the pictures of proofs: signed by us, for a time, to be opened without signing in."""

import base64
import binascii
import struct
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from estafette.core.errors import Unavailable
from estafette.core.proofs.proof import Proof
from estafette.files import FilesUnavailableError
from estafette.store.proofs import table as proofs
from estafette.usecases.platform import Platform

LASTS: Final = timedelta(hours=1)
"""How long a link opens what it leads to."""

_ELSEWHERE_LASTS: Final = timedelta(minutes=1)
"""How long the address of a bucket lasts, to which a link leads on."""

_PURPOSE: Final = "links to proofs"
_WHAT: Final = struct.Struct(">I16s16s16s")
_SIGNATURE_BYTES: Final = 32
_LETTERS: Final = -(-(_WHAT.size + _SIGNATURE_BYTES) * 4 // 3)
_AWAY_SECONDS: Final = 5


def link_to(platform: Platform, account_id: UUID, proof: Proof) -> str | None:
    """Returns the address of a proof's picture, which opens it for an hour; None: it has none."""
    if proof.picture is None:
        return None
    until = int((datetime.now(UTC) + LASTS).timestamp())
    what = _WHAT.pack(until, account_id.bytes, proof.delivery_id.bytes, proof.id.bytes)
    signed = what + platform.cipher.sign(what, _PURPOSE)
    token = base64.urlsafe_b64encode(signed).rstrip(b"=").decode()
    return f"{platform.public_url}/files/{token}"


class OpenedFile(NamedTuple):
    """What a link leads to: the file, or the address where it can be fetched from for a minute."""

    name: str
    media_type: str
    body: bytes | None = None
    address: str | None = None


async def open_link(platform: Platform, token: str, visitor: str | None) -> OpenedFile | None:
    """Returns what a link leads to; None for a link that is forged or over, or whose file is gone.

    Nothing is read before the signature is found to be ours. `visitor` is the client's address.
    Raises Busy, or Unavailable while the place of the files is away.
    """
    named = _read(platform, token)
    if named is None:
        return None
    async with platform.connections.public(visitor) as connection:
        kept = await proofs.find_anywhere(connection, *named)
    picture = kept and kept.picture
    if kept is None or picture is None:
        return None
    name = f"{kept.stage.value}-{kept.kind.value}-{kept.id.hex[-8:]}.webp"
    try:
        address = await platform.files.address(picture.path, _ELSEWHERE_LASTS)
        if address is not None:
            return OpenedFile(name, picture.media_type, address=address)
        body = await platform.files.read(picture.path)
    except FilesUnavailableError as error:
        raise Unavailable(_AWAY_SECONDS) from error
    return None if body is None else OpenedFile(name, picture.media_type, body)


def _read(platform: Platform, token: str) -> tuple[UUID, UUID, UUID] | None:
    """Returns the account, the delivery and the proof of a link of ours that is not over."""
    if len(token) != _LETTERS or not token.isascii():
        return None
    try:
        signed = base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    what, signature = signed[: _WHAT.size], signed[_WHAT.size :]
    if not platform.cipher.is_signed(what, signature, _PURPOSE):
        return None
    until, account_id, delivery_id, id = _WHAT.unpack(what)
    if datetime.fromtimestamp(until, UTC) < datetime.now(UTC):
        return None
    return UUID(bytes=account_id), UUID(bytes=delivery_id), UUID(bytes=id)
