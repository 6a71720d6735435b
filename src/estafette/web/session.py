"""The cookie of a person who has signed in, and whether a request comes from a page of ours."""

from ipaddress import ip_address
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from starlette.responses import Response
from starlette.types import Scope

from estafette.http.request import header_values

SESSION: Final = "session"
"""The cookie that holds the token of a session."""

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})

_LONGEST_COOKIES: Final = 16 * 1024
_LONGEST_VALUE: Final = 600


class Cookies(NamedTuple):
    """How this server names and sets its cookies, by the address at which the world reaches it.

    Over TLS they are `__Host-` cookies: a browser takes those from this host alone, sends them to
    no other, and never without TLS. Over plain HTTP, as on the machine itself, the name holds the
    port, for a browser gives the cookies of one port to all others of the host.
    """

    public_url: str

    @property
    def is_secure(self) -> bool:
        """Whether they are sent only over TLS."""
        return self.public_url.startswith("https://")

    def name(self, of: str) -> str:
        """Returns the name of the cookie `of` something, such as `session`."""
        if self.is_secure:
            return f"__Host-estafette-{of}"
        return f"estafette-{of}-{urlsplit(self.public_url).port or 80}"

    def read(self, scope: Scope, of: str) -> str | None:
        """Returns the value of a cookie; None where there is none, or two that differ."""
        name = self.name(of)
        found: set[str] = set()
        for header in header_values(scope, b"cookie"):
            for part in header[:_LONGEST_COOKIES].decode("latin-1").split(";"):
                named, _, value = part.strip().partition("=")
                if named == name and 0 < len(value) <= _LONGEST_VALUE:
                    found.add(value)
        return found.pop() if len(found) == 1 else None

    def has_any(self, scope: Scope) -> bool:
        """Returns whether a request carries any cookie at all."""
        return bool(header_values(scope, b"cookie"))

    def set(self, response: Response, of: str, value: str, seconds: int) -> None:
        """Makes the browser keep a cookie for so many seconds; no script can read it."""
        response.set_cookie(
            self.name(of),
            value,
            max_age=seconds,
            path="/",
            secure=self.is_secure,
            httponly=True,
            samesite="lax",
        )

    def drop(self, response: Response, of: str) -> None:
        """Makes the browser forget a cookie."""
        self.set(response, of, "", 0)


def is_from_our_page(scope: Scope, public_url: str) -> bool:
    """Returns whether an unsafe request was made by a page of this server, or by no page at all.

    `Sec-Fetch-Site` says so in every browser of these years, over TLS; else `Origin` does, which is
    compared with our own address, or with the host that was asked for. A request that has neither
    is let through where it carries no cookie: then nobody's power is borrowed.
    """
    sites = header_values(scope, b"sec-fetch-site")
    if sites:
        return sites in ([b"same-origin"], [b"none"])
    origins = header_values(scope, b"origin")
    if origins:
        return len(origins) == 1 and _is_ours(origins[0].decode("latin-1"), scope, public_url)
    return not header_values(scope, b"cookie")


def _is_ours(origin: str, scope: Scope, public_url: str) -> bool:
    if origin.lower() == public_url.lower():
        return True
    hosts = header_values(scope, b"host")
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    if len(hosts) != 1 or parts.netloc.lower() != hosts[0].decode("latin-1").lower():
        return False
    # Somebody on the way could answer for our name without TLS; on the machine itself nobody can.
    is_tls = public_url.startswith("https://")
    return parts.scheme == "https" or not is_tls or _is_loopback(parts.hostname or "")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def safe_path(text: str | None, otherwise: str) -> str:
    """Returns where to go after signing in: a path of this server, and never another's.

    What a browser might read as another host is refused: two slashes, or one of either kind, at the
    beginning, and control characters.
    """
    if text is None or len(text) > 2_000 or not text.startswith("/"):
        return otherwise
    if text.startswith(("//", "/\\")) or "\\" in text or not text.isprintable():
        return otherwise
    parts = urlsplit(text)
    return otherwise if parts.scheme or parts.netloc else text
