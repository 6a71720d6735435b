"""Take a proof that a driver sends: the file first, then the row, each once.

Whoever sends it makes its id, and sends it again under this id until it is answered. What was
answered is kept. A file without a row, which a process that died leaves behind, is removed later
(`sweep.py`).
"""

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from estafette.core.accounts.account import Scope
from estafette.core.deliveries.delivery import Delivery, Status, Stop
from estafette.core.deliveries.personal_data import ERASED
from estafette.core.errors import Busy, DeliveryNotFound, Unavailable
from estafette.core.point import Point, metres_between
from estafette.core.proofs.proof import (
    LATE,
    LONGEST_SAID,
    MOST_PROOFS,
    OF_STAGE,
    PICTURES,
    Picture,
    Proof,
    ProofKind,
    ProofStage,
    believed,
)
from estafette.core.proofs.refusals import (
    PictureUnfit,
    ProofDiffers,
    ProofsFull,
    ProofTooLate,
    ProofUnfit,
)
from estafette.files import FilesUnavailableError
from estafette.pictures import MOST_BYTES, PictureRefusal, PictureRefusedError, read_picture
from estafette.pictures import Picture as WrittenPicture
from estafette.store import pool
from estafette.store.deliveries import table as deliveries
from estafette.store.pool import Connection
from estafette.store.proofs import table as proofs
from estafette.store.proofs.table import NewProof
from estafette.usecases.deliveries.advance import lock_one
from estafette.usecases.platform import Platform
from estafette.usecases.proofs.places import place_of

__all__ = ["FORM_LIMIT", "SentProof", "add", "point"]

FORM_LIMIT: Final = MOST_BYTES + 64 * 1024
"""How long the form of one proof may be, in bytes, the picture included."""

LONGEST_SIDE: Final = 1_600
"""Pixels of the longer side of a picture as it is kept."""

_OLDEST: Final = 120
_TRY_AGAIN_SECONDS: Final = 5
_BEFORE_A_COURIER: Final = frozenset({Status.AWAITING_PAYMENT, Status.PENDING, Status.CANCELLED})


@dataclass(frozen=True, slots=True)
class SentProof:
    """A proof as somebody sends it; see `core.proofs.proof.Proof`. `picture` is a file."""

    id: UUID
    kind: ProofKind
    stage: ProofStage
    taken_at: datetime
    said: str | None = None
    picture: bytes | None = None
    at: Point | None = None
    driver_id: UUID | None = None


def point(latitude: float | None, longitude: float | None) -> Point | None:
    """Returns the place of these degrees; None where one is missing or there is no such place."""
    if latitude is None or longitude is None:
        return None
    if not (math.isfinite(latitude) and math.isfinite(longitude)):
        return None
    is_on_earth = -90 <= latitude <= 90 and -180 <= longitude <= 180
    return Point(latitude, longitude) if is_on_earth else None


async def add(platform: Platform, scope: Scope, delivery_id: UUID, sent: SentProof) -> Proof:
    """Keeps a proof of a delivery; returns it, and the same again when it is sent again.

    The caller has made sure that who sends it carries the delivery. When this returns, the picture
    and the row survive whatever happens. Raises DeliveryNotFound, a ProofRefusal, Busy or
    Unavailable; after these two the proof can be sent again.
    """
    _check(sent)
    digest = _digest(sent)
    async with platform.connections.account(scope.account_id) as connection:
        if kept := await _kept(connection, scope, delivery_id, sent, digest):
            return kept
        delivery = await deliveries.find(connection, scope, delivery_id)
        if delivery is None:
            raise DeliveryNotFound(delivery_id)
        await _check_delivery(connection, delivery)
    picture = await _keep_picture(platform, scope, delivery_id, sent, digest)
    async with (
        platform.connections.account(scope.account_id) as connection,
        connection.transaction(),
    ):
        delivery = await lock_one(connection, scope, delivery_id)
        if kept := await _kept(connection, scope, delivery_id, sent, digest):
            return kept
        now = await _check_delivery(connection, delivery)
        stop = delivery.pickup if sent.stage is ProofStage.PICKUP else delivery.dropoff
        proof = Proof(
            id=sent.id,
            delivery_id=delivery_id,
            kind=sent.kind,
            stage=sent.stage,
            taken_at=believed(sent.taken_at, delivery.created_at, now),
            received_at=now,
            said=sent.said,
            picture=picture,
            at=sent.at,
            metres=_metres(stop, sent.at),
            driver_id=sent.driver_id,
        )
        await proofs.insert(connection, [NewProof(scope, proof, digest)])
    return proof


def _check(sent: SentProof) -> None:
    """Raises ProofUnfit for what is no proof of its kind."""
    if sent.kind is ProofKind.PIN:
        raise ProofUnfit("a PIN is told with the handing over, and is no proof to send")
    if sent.kind not in OF_STAGE[sent.stage]:
        raise ProofUnfit(f"there is no {sent.kind.value} at the {sent.stage.value}")
    if sent.kind in PICTURES:
        if not sent.picture:
            raise ProofUnfit(f"a {sent.kind.value} is a picture")
        if sent.said is not None:
            raise ProofUnfit(f"a {sent.kind.value} has no text")
        return
    if sent.picture is not None:
        raise ProofUnfit(f"a {sent.kind.value} has no picture")
    said = sent.said or ""
    if not said.strip() or len(said) > LONGEST_SAID or not said.isprintable():
        raise ProofUnfit(f"a {sent.kind.value} is a text of 1 to {LONGEST_SAID} characters")
    if sent.kind is ProofKind.AGE and not (
        said.isascii() and said.isdecimal() and len(said) <= 3 and 1 <= int(said) <= _OLDEST
    ):
        raise ProofUnfit(f"an age is a number of years from 1 to {_OLDEST}")


def _digest(sent: SentProof) -> bytes:
    """Returns a digest of what was sent. The phone's time and place may differ when it repeats."""
    said = repr((sent.kind.value, sent.stage.value, sent.said, sent.picture is None))
    whole = hashlib.sha256(said.encode("utf-8", "surrogatepass"))
    whole.update(hashlib.sha256(sent.picture or b"").digest())
    return whole.digest()


async def _kept(
    connection: Connection, scope: Scope, delivery_id: UUID, sent: SentProof, digest: bytes
) -> Proof | None:
    """Returns the proof that is kept under this id. Raises ProofDiffers if it is another."""
    found = await proofs.find(connection, scope, delivery_id, sent.id)
    if found is not None and found.sent_digest != digest:
        raise ProofDiffers
    return found and found.proof


async def _check_delivery(connection: Connection, delivery: Delivery) -> datetime:
    """Returns the time. Raises ProofTooLate, ProofUnfit or ProofsFull."""
    now = await pool.clock(connection)
    is_over = delivery.progress.is_final and now - delivery.updated_at > LATE
    is_erased = delivery.progress.is_final and delivery.dropoff.address == ERASED
    if delivery.status in _BEFORE_A_COURIER or is_over or is_erased:
        raise ProofTooLate(delivery.status)
    if len(await proofs.of_delivery(connection, delivery.scope, delivery.id)) >= MOST_PROOFS:
        raise ProofsFull
    return now


async def _keep_picture(
    platform: Platform, scope: Scope, delivery_id: UUID, sent: SentProof, digest: bytes
) -> Picture | None:
    if sent.picture is None:
        return None
    try:
        written = await read_picture(sent.picture, LONGEST_SIDE)
    except PictureRefusedError as refused:
        if refused.refusal is PictureRefusal.BUSY:
            raise Busy(_TRY_AGAIN_SECONDS) from None
        raise PictureUnfit(refused.refusal.value, str(refused)) from None
    return await _put(platform, place_of(scope, delivery_id, sent.id, digest), written)


async def _put(platform: Platform, path: str, written: WrittenPicture) -> Picture:
    try:
        await platform.files.put(path, written.body, written.media_type)
    except FilesUnavailableError as error:
        raise Unavailable(_TRY_AGAIN_SECONDS) from error
    digest = hashlib.sha256(written.body).digest()
    return Picture(path, written.media_type, len(written.body), digest)


def _metres(stop: Stop, at: Point | None) -> int | None:
    """Returns how far from a stop something was, in metres; None where either is not known."""
    there = point(stop.latitude, stop.longitude)
    return None if at is None or there is None else round(metres_between(there, at))
