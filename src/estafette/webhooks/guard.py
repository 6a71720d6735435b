"""Which addresses a webhook may reach: the guard against server-side request forgery (SSRF).

An account chooses the URLs of its endpoints, so an attacker may choose one. The text of a URL does
not show where a request will go: the owner of a name chooses its address, and may change it within
a second. The guard therefore checks the address of the socket when it is dialled
(`Guard.open_socket`); no name is resolved again between that check and the connection. `check_url`
refuses earlier, with a reason, URLs that can never be sent to.
"""

import errno
import ipaddress
import re
import socket
from collections.abc import Iterable
from typing import Final

from yarl import URL

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
# What getaddrinfo returns for one address: family, type, protocol, canonical name, socket address.
AddressInfo = tuple[
    int | socket.AddressFamily,
    int | socket.SocketKind,
    int,
    str,
    tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes],
]

MAX_URL_CHARACTERS: Final = 2048

# Every block of the IANA IPv4 special-purpose address registry (those that are routed on the
# internet too: no endpoint lives there), multicast, and one address by which a cloud serves the
# machine's own configuration from outside those blocks.
DENIED_IPV4: Final = (
    ("0.0.0.0/8", "this network"),
    ("10.0.0.0/8", "private network"),
    ("100.64.0.0/10", "shared by a carrier"),
    ("127.0.0.0/8", "loopback"),
    ("168.63.129.16/32", "platform of the host"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private network"),
    ("192.0.0.0/24", "protocol assignments"),
    ("192.0.2.0/24", "documentation"),
    ("192.31.196.0/24", "AS112"),
    ("192.52.193.0/24", "AMT"),
    ("192.88.99.0/24", "6to4 relay"),
    ("192.168.0.0/16", "private network"),
    ("192.175.48.0/24", "AS112"),
    ("198.18.0.0/15", "benchmarking"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
    ("255.255.255.255/32", "broadcast"),
)

# Every block of the IANA IPv6 special-purpose address registry, then all that lies outside
# 2000::/3, the only space from which IANA gives out unicast addresses. Narrow blocks come first,
# so that a refusal names the closest one.
DENIED_IPV6: Final = (
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("::/96", "IPv4-compatible"),
    ("::ffff:0:0:0/96", "IPv4-translated"),
    ("64:ff9b::/96", "NAT64"),
    ("64:ff9b:1::/48", "NAT64"),
    ("100::/64", "discard"),
    ("100:0:0:1::/64", "dummy prefix"),
    ("2001::/32", "Teredo"),
    ("2001:2::/48", "benchmarking"),
    ("2001::/23", "protocol assignments"),
    ("2001:db8::/32", "documentation"),
    ("2002::/16", "6to4"),
    ("2620:4f:8000::/48", "AS112"),
    ("3ffe::/16", "6bone"),
    ("3fff::/20", "documentation"),
    ("5f00::/16", "segment routing"),
    ("fc00::/7", "unique local"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
    ("::/3", "not assigned"),
    ("4000::/2", "not assigned"),
    ("8000::/1", "not assigned"),
)

_DENIED_IPV4: Final = [(ipaddress.IPv4Network(block), name) for block, name in DENIED_IPV4]
_DENIED_IPV6: Final = [(ipaddress.IPv6Network(block), name) for block, name in DENIED_IPV6]

_COMPATIBLE: Final = ipaddress.IPv6Network("::/96")
_TRANSLATED: Final = ipaddress.IPv6Network("::ffff:0:0:0/96")
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
# The middle of an ISATAP address (RFC 5214), in front of the IPv4 address that it tunnels to.
_ISATAP: Final = (0x00005EFE, 0x02005EFE)

_UNSEEN: Final = re.compile(r"[\x00-\x20\x7f\\]")
_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")


class GuardError(Exception):
    """The guard refused the request; nothing was sent.

    The message is short and names the kind of address, never the address itself: an account must
    not learn to what a name resolves inside the operator's network.
    """


class UrlRefusedError(GuardError, ValueError):
    """Webhooks are not sent to such a URL."""


class AddressRefusedError(GuardError, OSError):
    """The address about to be dialled lies in a denied range.

    It is an `OSError` so that connecting goes on with the next address of the name, as it does
    after any address that cannot be reached.
    """

    def __init__(self, kind: str) -> None:
        self.reason = f"destination address is not allowed ({kind})"
        super().__init__(errno.EACCES, self.reason)


class Guard:
    """Decides which addresses may be dialled.

    Arguments:
        allow: networks that may be reached although they are denied: for those who host both
            sides. An IPv4 network also allows its IPv4-mapped IPv6 form.
    """

    def __init__(self, *, allow: Iterable[Network] = ()) -> None:
        self._allow = tuple(allow)

    def check_address(self, text: str) -> None:
        """Returns if the numeric address `text` may be dialled.

        Raises:
            AddressRefusedError: it lies in a denied range, or is not an address at all. An IPv6
                address that leads to an IPv4 address (6to4, NAT64 and the like) is no more allowed
                than that address is; an IPv4-mapped one is judged as the IPv4 one that it dials.
        """
        try:
            address = _without_zone(ipaddress.ip_address(text))
        except ValueError:
            raise AddressRefusedError("not a numeric address") from None
        kind = self._denial(address)
        if kind is None and isinstance(address, ipaddress.IPv6Address):
            kinds = (self._denial(carried) for carried in _carried(address))
            kind = next((kind for kind in kinds if kind is not None), None)
        if kind is not None:
            raise AddressRefusedError(kind)

    def open_socket(self, info: AddressInfo) -> socket.socket:
        """Opens the socket for one address of a name; to be the connector's `socket_factory`.

        Raises:
            AddressRefusedError: as `check_address` does.
        """
        family, kind, protocol, _, address = info
        # Only IPv4 and IPv6 come from the resolver; anything else fails the check as well.
        self.check_address(str(address[0]))
        return socket.socket(family=family, type=kind, proto=protocol)

    def _denial(self, address: Address) -> str | None:
        if any(address in network for network in self._allow):
            return None
        denied = _DENIED_IPV4 if address.version == 4 else _DENIED_IPV6
        return next((kind for network, kind in denied if address in network), None)


def check_url(text: str) -> URL:
    """Returns `text` parsed, if a webhook may be sent to a URL of this form.

    It must be `http` or `https`, of at most `MAX_URL_CHARACTERS`, without user name and password,
    with a host and a usable port. A host that is a number must be written as four decimal numbers
    or as IPv6 in brackets: the other notations (`0x7f.1`, `2130706433`) only serve to hide it.
    The address of the host is checked when it is dialled.

    Raises:
        UrlRefusedError: with the reason, fit to be shown to the account.
    """
    if len(text) > MAX_URL_CHARACTERS:
        raise UrlRefusedError(f"the URL is longer than {MAX_URL_CHARACTERS} characters")
    if _UNSEEN.search(text):
        raise UrlRefusedError("the URL contains a space, a control character or a backslash")
    scheme, separator, rest = text.partition("://")
    if not separator or scheme.lower() not in ("http", "https"):
        raise UrlRefusedError("the URL must begin with http:// or https://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in authority:
        raise UrlRefusedError("the URL must not contain a user name or a password")
    try:
        url = URL(text)
        host = url.raw_host
        port = url.port
    except ValueError:
        raise UrlRefusedError("the URL is malformed") from None
    if not port:
        raise UrlRefusedError("the port of the URL must lie between 1 and 65535")
    if not host:
        raise UrlRefusedError("the URL has no host")
    _check_host(host, bracketed=authority.startswith("["))
    return url.with_fragment(None)


def _check_host(host: str, *, bracketed: bool) -> None:
    """Refuses a host, lower-case and in ASCII, that is neither a name nor a plain address."""
    if bracketed or ":" in host:
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            raise UrlRefusedError("the host of the URL is not an IPv6 address") from None
        if "%" in host:
            raise UrlRefusedError("the host of the URL must not name a network interface")
        return
    labels = host.removesuffix(".").split(".")
    if _NUMBER.fullmatch(labels[-1]):
        # What a resolver would take for an IPv4 address, in whatever notation.
        try:
            ipaddress.IPv4Address(host)
        except ValueError:
            raise UrlRefusedError(
                "an IPv4 address must be written as four decimal numbers"
            ) from None
        return
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise UrlRefusedError("the host of the URL is not a valid name")


def _without_zone(address: Address) -> Address:
    """Returns the address that is dialled: without a zone, and as IPv4 where it is IPv4-mapped."""
    if isinstance(address, ipaddress.IPv6Address):
        plain = ipaddress.IPv6Address(int(address))
        return plain.ipv4_mapped or plain
    return address


def _carried(address: ipaddress.IPv6Address) -> tuple[ipaddress.IPv4Address, ...]:
    """Returns the IPv4 addresses to which an address of a transition mechanism leads.

    64:ff9b:1::/48 is not unwrapped: where the IPv4 address stands in it depends on a prefix length
    that only its network knows. It is denied as a whole.
    """
    number = int(address)
    if number <= 1:
        return ()  # "::" and "::1" look IPv4-compatible, and are not (RFC 4291, 2.5.5.1)
    if any(address in network for network in (_COMPATIBLE, _TRANSLATED, _NAT64)):
        return (ipaddress.IPv4Address(number & 0xFFFFFFFF),)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    if address.teredo is not None:
        return address.teredo  # the addresses of its server and of its client
    if number >> 32 & 0xFFFFFFFF in _ISATAP:
        return (ipaddress.IPv4Address(number & 0xFFFFFFFF),)
    return ()
