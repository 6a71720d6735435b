"""The keyed hash with which the bodies of webhooks are signed.

What is hashed and how the signature is written into a header belong to the dialects.
"""

import hmac
from functools import lru_cache
from typing import Final

_KNOWN_SECRETS: Final = 4096


def hmac_sha256_hex(secret: bytes, message: bytes) -> str:
    """Returns the HMAC-SHA256 of `message` under `secret`, as 64 lower-case hexadecimal digits."""
    signing = _keyed(secret).copy()
    signing.update(message)
    return signing.hexdigest()


@lru_cache(maxsize=_KNOWN_SECRETS)
def _keyed(secret: bytes) -> hmac.HMAC:
    """Returns a hash that is keyed with the secret, to be copied for each of many messages."""
    return hmac.new(secret, digestmod="sha256")
