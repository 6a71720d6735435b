"""Which addresses a platform may have: requests carry keys, so nobody may read them on the way."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

Network = IPv4Network | IPv6Network

_LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


class AddressRefusedError(ValueError):
    """Requests to this address are not allowed; the message says why, and what to do."""


def check_address(url: str, plain: Iterable[Network]) -> None:
    """Returns if a platform may be reached at `url`.

    Without TLS it may be only in the networks of `plain` and on this machine, given as a number or
    as `localhost`: the address of another name is known only when it is dialled. Raises
    AddressRefusedError.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise AddressRefusedError(f"{url!r} is not a URL") from None
    if parts.scheme == "https":
        return
    if parts.scheme != "http":
        raise AddressRefusedError("the address must begin with https://")
    if host == "localhost":
        return
    try:
        address = ip_address(host)
    except ValueError:
        address = None
    if address is None or not any(address in network for network in (*_LOOPBACK, *plain)):
        raise AddressRefusedError(
            "without TLS the key could be read on the way: use https://, or allow the network with"
            " ESTAFETTE_WEBHOOK_ALLOWED_NETWORKS and write the address as a number"
        )
