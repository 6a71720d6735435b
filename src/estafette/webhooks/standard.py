"""Standard Webhooks (https://www.standardwebhooks.com), for endpoints that chose its signature.

The body stays the dialect's. The endpoint's own secret is used: the text after `whsec_` is decoded
as base 64 and gives the key. While a secret is rotated, both secrets sign.
"""

import base64
import hmac
from collections.abc import Iterator, Mapping
from typing import Final

from estafette.webhooks.message import Message, Rendered

NAME: Final = "standard"
"""The name by which an endpoint chooses this format."""

_PREFIX: Final = "whsec_"


def signed_headers(
    format: str, message: Message, rendered: Rendered, now_unix_seconds: int
) -> dict[str, str]:
    """Returns the headers of a request, signed in the endpoint's `format` or the dialect's own.

    Raises ValueError for a secret that this format cannot read.
    """
    by = _signature(message, rendered, now_unix_seconds) if format == NAME else rendered.signature
    return {**rendered.headers, **by}


def _signature(message: Message, rendered: Rendered, now_unix_seconds: int) -> Mapping[str, str]:
    signed = b"%b.%d.%b" % (rendered.id.encode(), now_unix_seconds, rendered.body)
    return {
        "webhook-id": rendered.id,
        "webhook-timestamp": str(now_unix_seconds),
        "webhook-signature": " ".join(_signatures(message, signed)),
    }


def _signatures(message: Message, signed: bytes) -> Iterator[str]:
    for secret in (message.secret, message.next_secret):
        if secret is not None:
            made = hmac.digest(_key(secret), signed, "sha256")
            yield f"v1,{base64.b64encode(made).decode()}"


def _key(secret: str) -> bytes:
    if not secret.startswith(_PREFIX):
        raise ValueError(f"the secret does not begin with {_PREFIX}")
    return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
