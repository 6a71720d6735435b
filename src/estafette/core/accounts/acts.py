"""What an API key may do: the acts, the operations that are each one of them, and networks."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TypeAlias


class Act(StrEnum):
    """What a key may be allowed. A key's scopes are a choice of these."""

    READ = "read"
    """See deliveries, their history, and the courier companies."""
    QUOTE = "quote"
    """Ask for prices."""
    CREATE = "create"
    """Create deliveries."""
    CANCEL = "cancel"
    """Cancel deliveries."""
    CONFIRM = "confirm"
    """Let deliveries go on that are held."""
    TEST_WEBHOOKS = "test-webhooks"
    """Have test webhooks sent."""
    MOVE = "move"
    """Move deliveries of the sandbox by hand."""


class Operation(StrEnum):
    """What a request with a key asks for, in any dialect."""

    SHOW_COMPANIES = "show companies"
    QUOTE = "quote"
    CREATE = "create"
    LIST = "list"
    SHOW = "show"
    SHOW_HISTORY = "show history"
    CANCEL = "cancel"
    CONFIRM = "confirm"
    TEST_WEBHOOK = "test webhook"
    MOVE = "move"


ACT_OF: Mapping[Operation, Act] = {
    Operation.SHOW_COMPANIES: Act.READ,
    Operation.QUOTE: Act.QUOTE,
    Operation.CREATE: Act.CREATE,
    Operation.LIST: Act.READ,
    Operation.SHOW: Act.READ,
    Operation.SHOW_HISTORY: Act.READ,
    Operation.CANCEL: Act.CANCEL,
    Operation.CONFIRM: Act.CONFIRM,
    Operation.TEST_WEBHOOK: Act.TEST_WEBHOOKS,
    Operation.MOVE: Act.MOVE,
}
"""Which act an operation is."""

EVERY_ACT = frozenset(Act)

PAGE_ACTS = frozenset({Act.READ, Act.QUOTE, Act.CREATE})
"""The acts that a publishable key may be given: the widget API has no others."""

FULL = "full"

PRESETS: Mapping[str, frozenset[Act]] = {
    FULL: EVERY_ACT,
    "read-only": frozenset({Act.READ}),
    "no-cancel": EVERY_ACT - {Act.CANCEL},
}
"""Choices of acts that have a name. A key with all of them has those too that come to be."""


class ScopeError(ValueError):
    """A text is no choice of acts; the message says why."""


def read_acts(text: str) -> frozenset[Act]:
    """Returns the acts in a text: a preset, or acts with commas between. Raises ScopeError."""
    named = [part.strip().lower() for part in text.split(",") if part.strip()]
    if len(named) == 1 and named[0] in PRESETS:
        return PRESETS[named[0]]
    unknown = [name for name in named if name not in set(Act)]
    if unknown or not named:
        raise ScopeError(
            f"{text!r} is no scope: name one of {', '.join(PRESETS)},"
            f" or some of {', '.join(Act)} with commas between"
        )
    return frozenset(map(Act, named))


def acts_text(acts: frozenset[Act], among: frozenset[Act] = EVERY_ACT) -> str:
    """Returns the acts as a person names them; `among` are those that the key's kind can have."""
    for name, preset in PRESETS.items():
        if acts == preset & among:
            return name
    return ",".join(act for act in Act if act in acts) or "nothing"


Network: TypeAlias = IPv4Network | IPv6Network


class NetworkError(ValueError):
    """A text is no network; the message says why."""


def read_network(text: str) -> Network:
    """Returns the network in a text: `203.0.113.0/24`, or one address. Raises NetworkError."""
    written = text.strip()
    try:
        network = ip_network(written, strict=False)
    except ValueError:
        raise NetworkError(
            f"{text!r} is not a network such as 203.0.113.0/24 or 2001:db8::/32, or an address"
        ) from None
    if "/" in written and str(ip_address(written.partition("/")[0])) != str(
        network.network_address
    ):
        raise NetworkError(f"{text!r} has bits beyond its prefix; {network} may be meant")
    return network


def address_of(text: str | None) -> IPv4Address | IPv6Address | None:
    """Returns the address in a text, an IPv4-mapped one as IPv4; None where it is not known."""
    try:
        address = ip_address((text or "").partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def is_within(networks: Iterable[Network], text: str | None) -> bool:
    """Returns whether an address is in one of the networks; one that is not known is in none."""
    address = address_of(text)
    return address is not None and any(address in network for network in networks)
