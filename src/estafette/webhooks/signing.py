"""The keyed hash with which the bodies of webhooks are signed.

What is hashed and how the signature is written into a header belong to the dialects.
"""

import hmac


def hmac_sha256_hex(secret: bytes, message: bytes) -> str:
    """Return the HMAC-SHA256 of `message` under `secret`, as 64 lower-case hexadecimal digits."""
    return hmac.digest(secret, message, "sha256").hex()
