"""The recipients' PINs: encrypt them for the database, bound to their delivery, and decrypt them.

A delivery that was read from the database has its PIN in encrypted form. Earlier versions stored
PINs in clear text. Those are read too, until `usecases.accounts.secret_key.rotate` or a worker has
encrypted them.
"""

import base64
import binascii
import secrets
from dataclasses import replace
from uuid import UUID

from estafette.core.deliveries.delivery import SEAL as _SEAL
from estafette.core.deliveries.delivery import Delivery, is_sealed
from estafette.usecases.accounts.secrets import Cipher, WrongSecretKeyError


def seal(cipher: Cipher, pin: str, delivery_id: UUID) -> str:
    """Returns a PIN in encrypted form, as a delivery keeps it."""
    return _SEAL + base64.b64encode(cipher.encrypt(pin, _owner(delivery_id))).decode()


def open_pin(cipher: Cipher, delivery: Delivery) -> str | None:
    """Returns a delivery's PIN in clear text, None without one. Raises WrongSecretKeyError."""
    pin = delivery.pin
    return pin if pin is None or not is_sealed(pin) else _opened(cipher, pin, delivery.id)


def opened(cipher: Cipher, delivery: Delivery) -> Delivery:
    """Returns the delivery with its PIN in clear text. Raises WrongSecretKeyError."""
    pin = open_pin(cipher, delivery)
    return delivery if pin == delivery.pin else replace(delivery, pin=pin)


def opened_if_demanded(cipher: Cipher, delivery: Delivery) -> Delivery:
    """Returns the delivery with its PIN in clear text where its merchant demanded proof.

    For a dialect that shows a PIN to nobody else. Raises WrongSecretKeyError.
    """
    return opened(cipher, delivery) if delivery.proof else delivery


def is_right(cipher: Cipher, delivery: Delivery, given: str) -> bool:
    """Returns whether `given` is the delivery's PIN. The time that it takes reveals nothing."""
    known = open_pin(cipher, delivery)
    return known is not None and secrets.compare_digest(
        given.encode("utf-8", "surrogatepass"), known.encode("utf-8", "surrogatepass")
    )


def renewed(cipher: Cipher, pin: str, delivery_id: UUID) -> str | None:
    """Returns a stored PIN encrypted with the current key; None when it already is.

    `pin` may be in clear text. Raises WrongSecretKeyError.
    """
    if not is_sealed(pin):
        return seal(cipher, pin, delivery_id)
    new = cipher.renewed(_box(pin), _owner(delivery_id))
    return None if new is None else _SEAL + base64.b64encode(new).decode()


def _opened(cipher: Cipher, pin: str, delivery_id: UUID) -> str:
    return cipher.decrypt(_box(pin), _owner(delivery_id))


def _box(pin: str) -> bytes:
    try:
        return base64.b64decode(pin.removeprefix(_SEAL), validate=True)
    except binascii.Error as error:
        raise WrongSecretKeyError from error


def _owner(delivery_id: UUID) -> bytes:
    return delivery_id.bytes + b"pin"
