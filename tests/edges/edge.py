"""What an edge is: one dialect in words that hold for every dialect."""

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from estafette.core.deliveries.delivery import Status
from estafette.core.errors import Refusal
from estafette.http.refusals import HttpRefusal
from estafette.http.reply import HttpReply


@dataclass(frozen=True)
class Call:
    """A request in the words of a dialect; `body` is None for none."""

    method: str
    path: str
    body: Any = None


Ask = Callable[[Call], Awaitable[Any]]
"""Makes a request that must succeed; gives the JSON value of the answer."""


@dataclass(frozen=True)
class Belongings:
    """What a tenant has, and another may reach for: its order, the id of the order's delivery, the
    answer to `Edge.quote` (None without one), the answer to `Edge.first_page`, after which there
    is more."""

    order: str
    delivery: str
    quote: Any
    page: Any


@dataclass(frozen=True)
class Reach:
    """A request that names what is another's: how it is answered, the code of a refusal, or, where
    it is given, the whole answer."""

    call: Call
    status: int
    code: str | None = None
    told: Any = None


@dataclass(frozen=True)
class Heard:
    """A webhook in plain words: its event's id, the delivery's id as shown, its type."""

    event: str
    delivery: str
    type: str


@dataclass(frozen=True)
class Edge:
    """One dialect as its callers see it.

    Attributes:
        name: the dialect's, which is the demo account's too.
        market: the country code of the market of its accounts.
        base: where it is mounted; all paths here begin with it.
        create_path: where a delivery is created by POST.
        created_status: the HTTP status of a new delivery.
        replay_header: the header, in lower case, that marks a repeated answer.
        authorize: the headers that show an API key.
        body: a valid body of a creation for an order of that name.
        prepare: the same, for a dialect where something has to be asked for first.
        id_of: the delivery's id in the answer to a creation.
        status_of: the delivery's status, in the dialect's words, in any answer that shows one.
        get: the request that reads a delivery by its id.
        cancel: the request that cancels it.
        list: the request that lists deliveries.
        unknown_id: a well-formed id that no delivery has.
        check_error: asserts that a body is this dialect's way to refuse; returns its code.
        contract: where its OpenAPI document is.
        delivery_parameters: the parameters in paths of the document that are a delivery's id.
        disabled_statuses: how a disabled key is answered: as a rule, and where an idempotency key
            would repeat an answer.
        quote: a request for a quote, where there are quotes.
        first_page: the request for a page of one delivery.
        reaches: for each operation of the contract that needs a key (`GET /path/{parameter}`, as
            the document writes it), how another might reach for a tenant's belongings.
        shown: the word for a delivery in that status, which has come as far as that milestone.
        may_cancel: whether its merchant may cancel such a delivery.
        heard: reads a webhook's headers, whose names are in lower case, and body; asserts that it
            is signed with the secret.
        refuse: how the dialect's code writes a refusal.
        follows: the body of a request that follows from an answer, by the link of the contract that
            leads to it, in runtime expressions of OpenAPI: generators of clients refuse links that
            hold more than a text there.
        publishable: those of these operations that a publishable key may do, and it alone.
        origin: the origin of the pages that tenants trust with such a key, if there are such keys.
    """

    name: str
    market: str
    base: str
    create_path: str
    created_status: int
    replay_header: str
    authorize: Callable[[str], dict[str, str]]
    body: Callable[[str], dict[str, Any]]
    id_of: Callable[[Mapping[str, Any]], str]
    status_of: Callable[[Mapping[str, Any]], str]
    get: Callable[[str], Call]
    cancel: Callable[[str], Call]
    list: Call
    unknown_id: str
    check_error: Callable[[int, Mapping[str, str], bytes], str]
    contract: str
    delivery_parameters: frozenset[str]
    disabled_statuses: tuple[int, int]
    first_page: Call
    reaches: Callable[[Belongings], Mapping[str, tuple[Reach, ...]]]
    shown: Callable[[Status, Status], str]
    may_cancel: Callable[[Status, Status], bool]
    heard: Callable[[Mapping[str, str], bytes, str], Heard]
    refuse: Callable[[Refusal | HttpRefusal], HttpReply]
    follows: Mapping[str, Any]
    publishable: frozenset[str] = frozenset()
    origin: str | None = None
    quote: Call | None = None
    prepare: Callable[[Ask, str], Awaitable[dict[str, Any]]] | None = None

    def __str__(self) -> str:
        """The dialect's name, for the names of tests."""
        return self.name


def sha256(secret: str, signed: bytes) -> str:
    """How webhooks are signed: HMAC-SHA256, in hexadecimal."""
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
