"""Who calls: the account (tenant), its market, its modes and the credential it shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from estafette.core.accounts.acts import EVERY_ACT, PAGE_ACTS, Act, Network
from estafette.core.accounts.page_limits import PageLimits


class Mode(StrEnum):
    """Real deliveries or rehearsed ones. The API key decides; the two share no data."""

    LIVE = "live"
    SANDBOX = "sandbox"


class Scope(NamedTuple):
    """What a credential gives access to: one mode of one account."""

    account_id: UUID
    mode: Mode


class KeyKind(StrEnum):
    """A secret key is for servers; a publishable one for pages in a browser."""

    SECRET = "secret"  # noqa: S105 - a kind of key, not a key
    PUBLISHABLE = "publishable"

    @property
    def acts(self) -> frozenset[Act]:
        """The acts that a key of this kind may be given."""
        return EVERY_ACT if self is KeyKind.SECRET else PAGE_ACTS


@dataclass(frozen=True, slots=True)
class Market:
    """A country with its currency (ISO 4217), time zone (IANA) and phone region (ISO 3166).

    `dialect` is the API of its accounts; `keys` are the kinds of API keys that these have, each
    with the prefix of such keys, by which a person, or a scanner for leaked secrets, recognises
    them. `language` (BCP 47) is the one that most recipients understand, and `country_names` are
    the names of the country in addresses, in every language of its people.
    """

    code: str
    currency: str
    time_zone: str
    dialect: str
    keys: Mapping[KeyKind, str]
    language: str
    country_names: tuple[str, ...]

    @property
    def phone_region(self) -> str:
        """The region by which a phone number without a country code is read."""
        return self.code


MARKETS = {
    market.code: market
    for market in (
        # Kaspi's keys have no published form; Entrega's have (its contract: sk_…, pk_…).
        Market(
            "KZ",
            "KZT",
            "Asia/Almaty",
            "kaspi",
            {KeyKind.SECRET: "kd"},
            "ru",
            ("Kazakhstan", "Qazaqstan", "Казахстан", "Қазақстан", "РК", "RK", "KZ", "KAZ"),
        ),
        Market(
            "AO",
            "AOA",
            "Africa/Luanda",
            "entrega",
            {KeyKind.SECRET: "sk", KeyKind.PUBLISHABLE: "pk"},
            "pt",
            ("Angola", "AO"),
        ),
    )
}
"""The markets by country code."""


@dataclass(frozen=True, slots=True)
class Account:
    """A tenant. `rate_per_second` and `burst` bound the requests of each of its API keys.

    `origins` are patterns of the web pages that may use its publishable keys; see
    core/accounts/origin.py.
    Every key of one that `is_disabled` is answered as a disabled key is.
    """

    id: UUID
    name: str
    market: Market
    dialect: str
    rate_per_second: int
    burst: int
    origins: tuple[str, ...] = ()
    is_disabled: bool = False


@dataclass(frozen=True, slots=True)
class Credential:
    """An API key that was found. It may be disabled or expired, which the caller checks.

    It may do `acts`, from an address in `networks`, or from any where there are none. `page` are
    the limits of a publishable key. `lineage` is the first of the keys that it followed in
    rotations, if it did.
    """

    account: Account
    key_id: UUID
    mode: Mode
    kind: KeyKind
    expires_at: datetime | None
    disabled: bool
    acts: frozenset[Act] = EVERY_ACT
    networks: tuple[Network, ...] = ()
    page: PageLimits | None = None
    lineage: UUID | None = None

    @property
    def scope(self) -> Scope:
        """The mode of the account that the key opens."""
        return Scope(self.account.id, self.mode)
