"""Who was signed in on this device last, in a sealed cookie: what they type is kept for them alone.

It opens nothing. A session that is over is gone; who had it is not to be read from anything else.
"""

import base64
from typing import Final
from uuid import UUID

from starlette.responses import Response
from starlette.types import Scope

from estafette.usecases.accounts.secrets import WrongSecretKeyError
from estafette.usecases.platform import Platform
from estafette.web.session import Cookies

COOKIE: Final = "person"
_SECONDS: Final = 90 * 86_400
_SEAL: Final = b"last person of a device"


def keep(platform: Platform, cookies: Cookies, response: Response, person_id: UUID) -> None:
    """Has the browser keep who has signed in."""
    sealed = platform.cipher.encrypt(person_id.hex, _SEAL)
    value = base64.urlsafe_b64encode(sealed).decode().rstrip("=")
    cookies.set(response, COOKIE, value, _SECONDS)


def read(platform: Platform, cookies: Cookies, scope: Scope) -> UUID | None:
    """Returns who signed in here last; None where nobody did, or somebody wrote the cookie."""
    value = cookies.read(scope, COOKIE)
    if value is None:
        return None
    try:
        sealed = base64.urlsafe_b64decode((value + "=" * (-len(value) % 4)).encode())
        return UUID(platform.cipher.decrypt(sealed, _SEAL))
    except (ValueError, WrongSecretKeyError):
        return None
