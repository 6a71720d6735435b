"""How the value of a setting is read, as it is written in the environment, a file or an option.

Each reader raises ValueError for what is none of its kind, with the reason.
"""

import json
import re
from collections.abc import Callable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from estafette.core.accounts.origin import OriginPatternError, read_pattern
from estafette.core.notifications.letter import is_address
from estafette.core.notifications.mail_server import MailServer

LOOPBACK = ("127.0.0.1", "::1", "localhost")
_MOST_OTHER_KEYS = 5

Network = IPv4Network | IPv6Network
N = TypeVar("N", int, float)


def whole(least: int, most: int) -> Callable[[object], int]:
    """Reads whole numbers within the bounds."""
    return _numbers(int, f"must be a whole number from {least} to {most}", least, most)


def number(least: float, most: float) -> Callable[[object], float]:
    """Reads numbers within the bounds."""
    return _numbers(float, f"must be a number from {least} to {most}", least, most)


def _numbers(kind: type[N], reason: str, least: N, most: N) -> Callable[[object], N]:
    def read(value: object) -> N:
        try:
            found = kind(cast("Any", value))
        except (TypeError, ValueError, OverflowError):
            raise ValueError(reason) from None
        is_exact = isinstance(value, str) or (found == value and not isinstance(value, bool))
        if not (is_exact and least <= found <= most):  # what is no number is not within them
            raise ValueError(reason)
        return found

    return read


_FLAGS = {
    **dict.fromkeys(("1", "true", "t", "yes", "y", "on"), True),
    **dict.fromkeys(("0", "false", "f", "no", "n", "off"), False),
}


def flag(value: object) -> bool:
    """Reads whether something shall be so."""
    found = _FLAGS.get(str(value).strip().lower())
    if found is None:
        raise ValueError("must be true or false")
    return found


def one_of(*words: str) -> Callable[[object], Any]:
    """Reads one of some words of small letters, in whatever case."""

    def read(value: object) -> str:
        found = str(value).lower()
        if found not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return found

    return read


def text(least: int = 0, most: int | None = None) -> Callable[[object], str]:
    """Reads a text of that many characters."""

    def read(value: object) -> str:
        if not isinstance(value, str):
            raise ValueError("must be a text")
        if len(value) < least or (most is not None and len(value) > most):
            raise ValueError(f"must have {least} to {most} characters")
        return value

    return read


def folder(value: object) -> Path:
    """Reads the path of a folder."""
    return value if isinstance(value, Path) else Path(text()(value))


def file(value: object) -> Path | None:
    """Reads the path of a file; nothing is none."""
    return value if isinstance(value, Path) else Path(given) if (given := text()(value)) else None


def public_url(value: object) -> str:
    """Reads an address of Estafette: what it means, without a slash at the end; nothing is none."""
    given = text()(value)
    if not given:
        return given
    try:
        origin = read_pattern(given.strip().rstrip("/"))
    except OriginPatternError:
        origin = "*"
    if "*" in origin:  # it is told without the value, which may hold a password
        raise ValueError(_no_public_url(given))
    return origin


def http_url(value: object) -> str:
    """Reads a template of an address of HTTP."""
    given = text(1, 2_000)(value)
    try:
        parts = urlsplit(given)
        is_one = parts.scheme in ("http", "https") and parts.hostname is not None
    except ValueError:
        is_one = False
    if not is_one or not given.isascii() or not given.isprintable() or " " in given:
        raise ValueError("must be an http:// or https:// URL")
    return given


def bucket(value: object) -> str:
    """Reads the address of a bucket."""
    from estafette.files import read_bucket  # loaded only where it is set

    given = text(1, 500)(value)
    read_bucket(given)
    return given


def mail_server(value: object) -> str:
    """Reads the address of a mail server."""
    given = text(1, 1_000)(value)
    MailServer.read(given)
    return given


def mail_address(value: object) -> str:
    """Reads an e-mail address."""
    given = text()(value)
    if not is_address(given):
        raise ValueError("must be an e-mail address such as deliveries@example.com")
    return given


_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_MOST_HEADERS = 20
_LONGEST_HEADER = 4_000


def headers(value: object) -> tuple[tuple[str, str], ...]:
    """Reads headers from a JSON object, or from a table of TOML; none from an empty list."""
    wrong = 'must be a JSON object of headers, such as {"Authorization": "Bearer …"}'
    if value == ():
        return ()
    try:
        found: Any = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError(wrong) from None
    if not isinstance(found, Mapping):
        raise ValueError(wrong)
    given = cast("Mapping[object, object]", found)
    if len(given) > _MOST_HEADERS:
        raise ValueError(f"must have at most {_MOST_HEADERS} headers")
    read: list[tuple[str, str]] = []
    for name, content in given.items():
        if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
            raise ValueError(wrong)
        if not isinstance(content, str) or len(content) > _LONGEST_HEADER:
            raise ValueError(wrong)
        if not (content.isascii() and content.isprintable()):
            raise ValueError(wrong)
        read.append((name, content))
    return tuple(read)


def _no_public_url(value: str) -> str:
    """Returns why this is no address of Estafette."""
    example = "https://delivery.example.com"
    try:
        parts = urlsplit(value.strip())
    except ValueError:
        return f"must be an http:// or https:// URL with a host, such as {example}"
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        return f"must be an http:// or https:// URL with a host, such as {example}"
    if parts.query or parts.fragment or "@" in parts.netloc:
        return "must be a URL without user name, query and fragment"
    if parts.path.strip("/"):
        return f"must have no path: Estafette needs a host of its own, such as {example}"
    return f"must have a host, and perhaps a port, as in {example}"


def issuer(value: object) -> str:
    """Reads the address of an OpenID provider, exactly as it calls itself."""
    given = text()(value).strip()
    try:
        parts = urlsplit(given)
        is_safe = parts.scheme == "https" or is_loopback(parts.hostname or "")
    except ValueError:
        is_safe = False
    else:
        is_safe = is_safe and bool(parts.hostname) and "@" not in parts.netloc
        is_safe = is_safe and not parts.query and not parts.fragment and len(given) <= 500
    if not is_safe:
        raise ValueError("must be an https:// URL such as https://login.example.com")
    return given


def is_loopback(host: str) -> bool:
    """Returns whether a host is this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host in LOOPBACK


def _parts(value: object, of: str) -> list[str]:
    """Returns the parts of a text with commas, or of a list, without empty ones."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple):
        raise ValueError(f"must be {of}")
    return [part for each in cast("list[object]", parts) if (part := str(each).strip())]


def networks(value: object) -> tuple[Network, ...]:
    """Reads networks."""
    parts = _parts(value, "networks such as 10.1.0.0/16, separated by commas")
    return tuple(map(_network, parts))


def _network(part: str) -> Network:
    try:
        meant = ip_network(part, strict=False)
    except ValueError:
        raise ValueError(f"{part!r} is not a network such as 10.1.0.0/16") from None
    try:
        return ip_network(part)
    except ValueError:
        reason = f"{part} is an address within a network: write {meant}"
        raise ValueError(reason) from None


def cipher_keys(value: object) -> tuple[str, ...]:
    """Reads keys for secrets."""
    parts = _parts(value, "keys as `estafette secret-key` prints them, with commas")
    if len(parts) > _MOST_OTHER_KEYS:
        raise ValueError(f"must be at most {_MOST_OTHER_KEYS} keys")
    return tuple(map(cipher_key, parts))


def cipher_key(value: object) -> str:
    """Reads a key for secrets."""
    from estafette.usecases.accounts.secrets import Cipher  # loaded only where a key is set

    key = text()(value)
    try:
        Cipher(key)
    except ValueError as error:
        raise ValueError(f"{error}; `estafette secret-key` prints a new one") from error
    return key


def postgres_url(value: object) -> str:
    """Reads an address of a PostgreSQL, its password written as in a URL."""
    try:
        parts = urlsplit(text()(value))
        _ = parts.port, parts.hostname  # what stands for a port may be the rest of a password
        misread = parts.fragment or "@" in parts.path  # by a password that is not encoded
        if parts.scheme in ("postgresql", "postgres") and not misread:
            return str(value)
    except ValueError:
        pass
    raise ValueError(
        "must be a postgresql:// URL; what is special in its password is percent-encoded"
    )
