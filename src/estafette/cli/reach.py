"""Whether webhooks would reach a URL from here: what the worker would say before it sends any."""

import socket
from collections.abc import Iterable

from estafette.settings.values import Network
from estafette.webhooks.guard import Guard, GuardError, check_url

ADVICE = "allow its network with ESTAFETTE_WEBHOOK_ALLOWED_NETWORKS, or change it"


class NotReachedError(Exception):
    """A URL to which no webhook would be sent; the message says why, and what to do."""

    def __init__(self, reason: str, advice: str) -> None:
        self.reason = reason
        self.advice = advice
        super().__init__(f"{reason}; {advice}")


def check_reach(url: str, allowed: Iterable[Network]) -> None:
    """Looks the name of a URL up, and asks the guard about each of its addresses.

    Raises NotReachedError for one that the worker would not dial, whichever mode it is for, and for
    a name that does not resolve. May take as long as the system's resolver.
    """
    guard = Guard(allow=allowed)
    try:
        host = check_url(url).raw_host or ""
        for address in _addresses(host):
            guard.check_address(address)
    except GuardError as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise NotReachedError(reason or str(error), ADVICE) from None
    except (OSError, UnicodeError) as error:
        text = getattr(error, "strerror", None) or str(error)
        raise NotReachedError(
            f"the name is not known ({text})", "correct the URL, or the DNS"
        ) from (None)


def why_not_reached(url: str, allowed: Iterable[Network]) -> str | None:
    """The same in one line; None: it would be sent to."""
    try:
        check_reach(url, allowed)
    except NotReachedError as error:
        return f"no webhook will be sent to {url}: {error}"
    return None


def _addresses(host: str) -> list[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return sorted({str(address[0]) for *_, address in found})
