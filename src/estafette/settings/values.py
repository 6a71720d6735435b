"""How the value of a setting is read, and what is wrong with it."""

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "::1", "localhost")

Network = IPv4Network | IPv6Network


def no_public_url(value: str) -> str:
    """Why this is no address of Estafette."""
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


def is_loopback(host: str) -> bool:
    """Whether a host is this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host in LOOPBACK


def network(part: object) -> Network:
    """The network that is written so. Raises ValueError."""
    text = str(part).strip()
    try:
        return ip_network(text)
    except ValueError:
        pass
    try:
        meant = ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"{text!r} is not a network such as 10.1.0.0/16") from None
    raise ValueError(f"{text} is an address within a network: write {meant}")


def cipher_key(text: str) -> str:
    """The key for secrets, if it is one. Raises ValueError."""
    from estafette.usecases.accounts.secrets import Cipher  # only who sets a key pays for it

    try:
        Cipher(text)
    except ValueError as error:
        raise ValueError(f"{error}; `estafette secret-key` prints a new one") from error
    return text


def is_postgres_url(text: str) -> bool:
    """Whether it is an address of a PostgreSQL, its password written as in a URL."""
    try:
        parts = urlsplit(text)
        _ = parts.port, parts.hostname  # what stands for a port may be the rest of a password
    except ValueError:
        return False
    misread = parts.fragment or "@" in parts.path  # by a password that is not encoded
    return parts.scheme in ("postgresql", "postgres") and not misread
