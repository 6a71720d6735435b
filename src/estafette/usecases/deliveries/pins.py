"""The recipients' PINs: encrypted in the database, bound to their delivery, opened to be told.

A delivery that was read from the database holds its PIN sealed. Versions before kept PINs in clear
text: those are read too, until `usecases.secret_key.rotate` or a worker has sealed them.
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
    """Returns a PIN as a delivery keeps it."""
    return _SEAL + base64.b64encode(cipher.encrypt(pin, _owner(delivery_id))).decode()


def open_pin(cipher: Cipher, delivery: Delivery) -> str | None:
    """Returns the PIN of a delivery in clear text. Raises WrongSecretKeyError."""
    pin = delivery.pin
    return pin if pin is None or not is_sealed(pin) else _opened(cipher, pin, delivery.id)


def opened(cipher: Cipher, delivery: Delivery) -> Delivery:
    """Returns the delivery with its PIN in clear text, to be told. Raises WrongSecretKeyError."""
    pin = open_pin(cipher, delivery)
    return delivery if pin == delivery.pin else replace(delivery, pin=pin)


def is_right(cipher: Cipher, delivery: Delivery, given: str) -> bool:
    """Returns whether somebody was told the delivery's PIN, in a time that tells nothing of it."""
    known = open_pin(cipher, delivery)
    return known is not None and secrets.compare_digest(
        given.encode("utf-8", "surrogatepass"), known.encode("utf-8", "surrogatepass")
    )


def renewed(cipher: Cipher, pin: str, delivery_id: UUID) -> str | None:
    """Returns a stored PIN, sealed or not, under the key that writes; None when it is so already.

    Raises WrongSecretKeyError.
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
