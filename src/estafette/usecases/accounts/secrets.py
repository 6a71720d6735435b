"""Secrets that must be read back, encrypted at rest; keys that need not, hashed."""

import base64
import hashlib
import hmac
import os
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12
_KEY_BYTES = 32
_ID_BYTES = 2


class WrongSecretKeyError(ValueError):
    """A stored secret was encrypted with another key."""

    def __init__(self) -> None:
        """Says what to do about it."""
        super().__init__(
            "a stored secret cannot be read with this secret key: "
            "set ESTAFETTE_SECRET_KEY to the key it was written with, or name that one among"
            " ESTAFETTE_OTHER_SECRET_KEYS; if it is lost, see `estafette secret-key accept --help`"
        )


class _Key:
    """One key. Its id begins the nonces that it makes, so that what it wrote tells its key.

    The id is two bytes, which leaves 80 random bits: a thousand million texts under one key share
    a nonce with a chance of one in a million. What versions before wrote has a nonce of random bits
    alone, and an id is a hint no more: the seal decides.
    """

    def __init__(self, text: str) -> None:
        try:
            raw = base64.urlsafe_b64decode(text)
        except ValueError as error:
            raise ValueError("the secret key is not base 64") from error
        if len(raw) != _KEY_BYTES:
            raise ValueError(f"the secret key has {len(raw)} bytes instead of {_KEY_BYTES}")
        self.id = hashlib.sha256(b"estafette secret key" + raw).digest()[:_ID_BYTES]
        self._aead = AESGCM(raw)
        self._raw = raw

    def encrypt(self, text: str, belongs_to: bytes) -> bytes:
        nonce = self.id + os.urandom(_NONCE_BYTES - _ID_BYTES)
        return nonce + self._aead.encrypt(nonce, text.encode(), belongs_to)

    def decrypt(self, data: bytes, belongs_to: bytes) -> str | None:
        """Returns the text, or None when another key wrote it, or it belongs to something else."""
        try:
            return self._aead.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], belongs_to).decode()
        except (InvalidTag, ValueError):  # ValueError: it is too short for either
            return None

    def sign(self, message: bytes, purpose: str) -> bytes:
        derived = hmac.digest(self._raw, b"estafette signs " + purpose.encode(), "sha256")
        return hmac.digest(derived, message, "sha256")


class Cipher:
    """AES-256-GCM under the key of the settings; each text is bound to what it belongs to.

    While keys are changed there are others besides, with which texts are read and none is written.
    """

    def __init__(self, key: str, *others: str) -> None:
        """Each key is 32 bytes in URL-safe base 64, as `new_cipher_key` makes them.

        Raises ValueError when one is anything else.
        """
        self._key = _Key(key)
        self._keys = (self._key, *map(_Key, others))

    @property
    def key_id(self) -> str:
        """By what the key that writes is told from others, in the audit for instance."""
        return self._key.id.hex()

    def encrypt(self, text: str, belongs_to: bytes) -> bytes:
        """Returns the text, readable only with the same key and for the same owner."""
        return self._key.encrypt(text, belongs_to)

    def decrypt(self, data: bytes, belongs_to: bytes) -> str:
        """Returns the text of `encrypt`. Raises WrongSecretKeyError for other keys or owners."""
        named = [key for key in self._keys if data.startswith(key.id)]
        others = [key for key in self._keys if key not in named]
        for key in (*named, *others):
            if (text := key.decrypt(data, belongs_to)) is not None:
                return text
        raise WrongSecretKeyError

    def renewed(self, data: bytes, belongs_to: bytes) -> bytes | None:
        """Returns the same text under the key that writes; None when it is so already.

        Raises WrongSecretKeyError.
        """
        if self._key.decrypt(data, belongs_to) is not None:
            return None
        return self.encrypt(self.decrypt(data, belongs_to), belongs_to)

    def sign(self, message: bytes, purpose: str) -> bytes:
        """Returns a signature of 32 bytes, by a key that is derived for this purpose alone."""
        return self._key.sign(message, purpose)

    def is_signed(self, message: bytes, signature: bytes, purpose: str) -> bool:
        """Returns whether `sign` made the signature, with any of the keys that are read with.

        The time that it takes reveals nothing of the signature.
        """
        made = [hmac.compare_digest(key.sign(message, purpose), signature) for key in self._keys]
        return any(made)


def new_cipher_key() -> str:
    """Returns a fresh key for `Cipher`."""
    return base64.urlsafe_b64encode(os.urandom(_KEY_BYTES)).decode()


def new_token(prefix: str) -> str:
    """Returns a fresh random secret of 200 bits behind a prefix that tells what it is."""
    return prefix + base64.b32encode(secrets.token_bytes(25)).decode().lower()


_PIN_DIGITS = 6


def new_pin() -> str:
    """Returns a fresh random PIN for a recipient: six digits."""
    return f"{secrets.randbelow(10**_PIN_DIGITS):0{_PIN_DIGITS}d}"


def key_hash(key: str) -> bytes:
    """Returns the SHA-256 under which an API key is stored; random keys need no salt."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
