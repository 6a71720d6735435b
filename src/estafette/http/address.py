"""The address from which a request comes: the caller's own, reported by trusted proxies.

`X-Forwarded-For` is believed only where a trusted proxy added to it. Each proxy appends the address
of its own caller, so that only the right end of the list is known to be true. The header
`Forwarded` is not read: a proxy that knows only one of the two headers passes the other on as the
caller wrote it.
"""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)

from starlette.types import Scope

from estafette.logs import Logger

Network = IPv4Network | IPv6Network

_FORWARDED = b"x-forwarded-for"
_HOPS = 20
"""How many proxies may stand in a row; a longer list ends there."""

_ENTRY_LENGTH = 64
"""How long an entry may be, in bytes; an IPv6 address with its port has at most 47."""

_REMEMBERED = 16_384

_log = Logger()


class ClientAddresses:
    """Finds the caller's address of each request."""

    def __init__(self, trusted: Sequence[Network] = ()) -> None:
        """Reads `X-Forwarded-For` only from proxies in the `trusted` networks."""
        self._trusted = tuple(trusted)
        self._is_trusted = lru_cache(maxsize=_REMEMBERED)(self._trusts)
        self._may_remark = True

    def is_proxy(self, host: str) -> bool:
        """Returns whether `host` is a trusted proxy, whose connections carry many callers."""
        return bool(self._trusted) and self._is_trusted(host)

    def of(self, scope: Scope) -> str | None:
        """Returns the caller's address in its usual form, without a port; None where it has none.

        It is the last one in `X-Forwarded-For` that does not belong to a trusted proxy; the caller
        itself may have written those before it. Where an entry is no address, the address of the
        proxy that wrote it is returned.
        """
        peer = scope.get("client")
        if not peer:
            return None
        host = plain(peer[0])
        if not self.is_proxy(host):
            if self._may_remark:
                self._remark(host, scope)
            return host
        for entry in _hops(scope):
            address = _read(entry)
            if address is None:
                break
            host = address
            if not self.is_proxy(host):
                break
        return host

    def _trusts(self, host: str) -> bool:
        try:
            address = ip_address(host)
        except ValueError:
            return False
        return any(address in network for network in self._trusted)

    def _remark(self, host: str, scope: Scope) -> None:
        """Warns once of a near host that forwards requests and is not trusted: likely a mistake."""
        if _is_near(host) and any(name == _FORWARDED for name, _ in scope["headers"]):
            self._may_remark = False
            _log.warning(
                "X-Forwarded-For is not believed: all callers behind this proxy share one address,"
                " and its limits; ESTAFETTE_TRUSTED_PROXIES names the networks of proxies",
                client=host,
            )


def _hops(scope: Scope) -> list[bytes]:
    """Returns the entries of all `X-Forwarded-For` headers, the last first, at most `_HOPS`."""
    found: list[bytes] = []
    for name, value in reversed(scope["headers"]):
        if name == _FORWARDED:
            found += reversed(value.rsplit(b",", _HOPS)[-_HOPS:])
            if len(found) >= _HOPS:
                break
    return found[:_HOPS]


def _read(entry: bytes) -> str | None:
    """Returns an entry as an address without its port, or None when it is not an address."""
    if len(entry) > _ENTRY_LENGTH:
        return None
    text = entry.decode("latin-1").strip(" \t")
    if text.startswith("["):  # [2001:db8::1]:443
        text, bracket, port = text[1:].partition("]")
        if not bracket or not (port == "" or _is_port(port)):
            return None
    elif text.count(":") == 1:  # 192.0.2.1:443
        text, _, port = text.partition(":")
        if not _is_port(f":{port}"):
            return None
    try:
        return _usual(ip_address(text))
    except ValueError:
        return None


def _is_port(text: str) -> bool:
    digits = text[1:]
    return text[0] == ":" and digits.isascii() and digits.isdigit() and int(digits) < 65_536


def _usual(address: IPv4Address | IPv6Address) -> str:
    """Returns one form for each address: IPv4 within IPv6 becomes IPv4, and a zone is dropped."""
    if isinstance(address, IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Address(int(address)))


@lru_cache(maxsize=_REMEMBERED)
def plain(host: str) -> str:
    """Returns the address of a connection in its usual form; any other text stays as it is."""
    try:
        return _usual(ip_address(host))
    except ValueError:
        return host


@lru_cache(maxsize=_REMEMBERED)
def counted(host: str) -> str:
    """Returns the name for limits: for IPv6 the /64, which is one caller's, else the address."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv4Address):
        return host
    return str(IPv6Network((int(address), 64), strict=False))


@lru_cache(maxsize=_REMEMBERED)
def _is_near(host: str) -> bool:
    """Returns whether an address is of this machine or a private network, as a proxy's often is."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_private
