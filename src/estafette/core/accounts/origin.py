"""Origins of web pages, and the patterns by which an account trusts them."""

import re
from collections.abc import Collection
from urllib.parse import urlsplit

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_LABELS = re.compile(rf"(?:{_LABEL}\.)+")
_ADDRESS = re.compile(r"\[[0-9a-f:.]+\]")
# Python's IDNA turns these into other letters, browsers keep them: that is another domain.
_READ_IN_TWO_WAYS = re.compile("[\u00df\u03c2\u200c\u200d]")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LONGEST = 300
WILDCARD = "*."


class OriginPatternError(ValueError):
    """A text is no pattern of origins; the message says why."""


def read_pattern(text: str) -> str:
    """Returns a pattern as a person writes it, in the form in which browsers write origins.

    `https://loja.ao` is that origin alone; `https://*.loja.ao` any name of one or more labels
    before it, never the bare domain. Scheme and port are exact. Raises OriginPatternError.
    """
    written = text.strip()
    if len(written) > _LONGEST:
        raise OriginPatternError(f"an origin is at most {_LONGEST} characters long")
    try:
        parts = urlsplit(written)
        scheme, name, port = parts.scheme.lower(), _host(parts.netloc), parts.port
    except ValueError:
        raise OriginPatternError(f"{text!r} is not an origin such as https://loja.ao") from None
    if scheme not in _DEFAULT_PORTS:
        raise OriginPatternError(f"{text!r} must begin with https:// or http://")
    if parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise OriginPatternError(f"{text!r} must be a scheme, a host and perhaps a port, no more")
    wild = name.startswith(WILDCARD)
    host = _ascii(name.removeprefix(WILDCARD))
    if host is None:
        raise OriginPatternError(
            f"{text!r} is not an origin such as https://loja.ao;"
            " * may stand for the first labels alone, as in https://*.loja.ao"
        )
    if wild and (host.startswith("[") or ("." not in host and host != "localhost")):
        raise OriginPatternError(f"{text!r} would trust a whole top-level domain")
    shown_port = "" if port in (None, _DEFAULT_PORTS[scheme]) else f":{port}"
    return f"{scheme}://{WILDCARD if wild else ''}{host}{shown_port}"


def _host(netloc: str) -> str:
    """Returns the host with its wildcard, without the port, of a place without a user's name."""
    if netloc.startswith("["):
        return netloc[: netloc.find("]") + 1].lower()
    return netloc.partition(":")[0].lower()


def _ascii(host: str) -> str | None:
    """Returns a host name as browsers send it; None for what is none."""
    if _ADDRESS.fullmatch(host):
        return host
    if _READ_IN_TWO_WAYS.search(host):
        return None
    try:
        name = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    return name if _NAME.fullmatch(name) else None


def trusts(patterns: Collection[str], origin: str) -> bool:
    """Returns whether an `Origin`, to the letter as a browser sent it, is among the patterns.

    How many they are costs nothing where they are a frozenset: they are looked up by each of the
    domains that the origin lies in.
    """
    if len(origin) > _LONGEST or not patterns or "*" in origin:
        return False
    if origin in patterns:
        return True
    known = patterns if isinstance(patterns, frozenset) else frozenset(patterns)
    scheme, mark, rest = origin.partition("://")
    at = rest.find(".")
    while at > 0:
        if f"{scheme}{mark}*{rest[at:]}" in known:
            return _LABELS.fullmatch(rest[: at + 1]) is not None
        at = rest.find(".", at + 1)
    return False
