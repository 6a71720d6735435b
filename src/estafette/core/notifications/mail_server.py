"""The mail server that letters are given to, as a setting names it."""

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

_PORTS = {"smtps": 465, "smtp": 587, "smtp+plain": 25}


@dataclass(frozen=True, slots=True)
class MailServer:
    """A mail server. `scheme` is `smtps` (TLS), `smtp` (STARTTLS) or `smtp+plain` (neither)."""

    scheme: str
    host: str
    port: int
    user: str | None
    password: str | None = field(repr=False)

    @classmethod
    def read(cls, url: str) -> "MailServer":
        """Returns the server of a URL. Raises ValueError, which shows nothing of it."""
        wrong = "must be smtps://USER:PASSWORD@HOST:PORT, or smtp:// for STARTTLS"
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise ValueError(wrong) from None
        is_more = parts.path.strip("/") or parts.query or parts.fragment
        if parts.scheme not in _PORTS or not parts.hostname or is_more:
            raise ValueError(wrong)
        if (parts.username is None) != (parts.password is None):
            raise ValueError("must have a user name and a password, or neither")
        if parts.scheme == "smtp+plain" and parts.username is not None:
            raise ValueError("smtp+plain:// encrypts nothing, and must have no password")
        return cls(
            parts.scheme,
            parts.hostname,
            port or _PORTS[parts.scheme],
            parts.username and unquote(parts.username),
            parts.password and unquote(parts.password),
        )
