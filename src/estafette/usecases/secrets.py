"""Secrets that must be read back, encrypted at rest; keys that need not, hashed."""

import base64
import hashlib
import os
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12
_KEY_BYTES = 32


class WrongSecretKeyError(ValueError):
    """A stored secret was encrypted with another key."""

    def __init__(self) -> None:
        """Says what to do about it."""
        super().__init__(
            "a stored secret cannot be read with this secret key: "
            "set ESTAFETTE_SECRET_KEY to the key it was written with"
        )


class Cipher:
    """AES-256-GCM under the key of the settings; each text is bound to what it belongs to."""

    def __init__(self, key: str) -> None:
        """`key` is 32 bytes in URL-safe base 64, as `new_cipher_key` makes them.

        Raises ValueError when it is anything else.
        """
        try:
            raw = base64.urlsafe_b64decode(key)
        except ValueError as error:
            raise ValueError("the secret key is not base 64") from error
        if len(raw) != _KEY_BYTES:
            raise ValueError(f"the secret key has {len(raw)} bytes instead of {_KEY_BYTES}")
        self._aead = AESGCM(raw)

    def encrypt(self, text: str, belongs_to: bytes) -> bytes:
        """The text, readable only with the same key and for the same owner."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, text.encode(), belongs_to)

    def decrypt(self, data: bytes, belongs_to: bytes) -> str:
        """The text of `encrypt`. Raises WrongSecretKeyError for another key or another owner."""
        try:
            opened = self._aead.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], belongs_to)
        except InvalidTag as error:
            raise WrongSecretKeyError from error
        return opened.decode()


def new_cipher_key() -> str:
    """A fresh key for `Cipher`."""
    return base64.urlsafe_b64encode(os.urandom(_KEY_BYTES)).decode()


def new_token(prefix: str) -> str:
    """A fresh random secret of 200 bits behind a prefix that tells what it is."""
    return prefix + base64.b32encode(secrets.token_bytes(25)).decode().lower()


_PIN_DIGITS = 6


def new_pin() -> str:
    """A fresh random PIN for a recipient: six digits."""
    return f"{secrets.randbelow(10**_PIN_DIGITS):0{_PIN_DIGITS}d}"


def key_hash(key: str) -> bytes:
    """The SHA-256 under which an API key is kept. Keys are random: no salt or stretching needed."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
