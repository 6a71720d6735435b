"""Courier companies: whom they serve, what they can do, and what Estafette asks of them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Any, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Parcel, Stop
from estafette.core.deliveries.failing import FailurePolicy
from estafette.core.deliveries.windows import AS_USUAL, WindowRules
from estafette.core.money.payment import NO_BANK, BankAccount
from estafette.core.proofs.demand import NOTHING, Demand
from estafette.core.quotes.address_words import normalise
from estafette.core.quotes.place import City
from estafette.core.quotes.pricing import Price, PriceList
from estafette.core.quotes.province import province_key


class Connector(StrEnum):
    """How a company is reached."""

    INHOUSE = "inhouse"
    """Its price list and its drivers are in this Estafette."""
    REMOTE = "remote"
    """It has a platform of its own, which is asked over HTTP."""
    SANDBOX = "sandbox"
    """It is simulated, whatever the mode."""


WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""The names of the days in opening hours, as `datetime.weekday` counts them."""

Span = tuple[time, time]
"""From an hour to an hour; one that ends at or before its beginning ends on the next day."""


@dataclass(frozen=True, slots=True)
class Hours:
    """When a company works: for each day of the week (`WEEKDAYS`) its spans; none: closed."""

    days: Mapping[str, tuple[Span, ...]]

    def open_at(self, local: datetime) -> bool:
        """Returns whether `local`, in the company's own time zone, is within a span."""
        moment = local.time()
        today, yesterday = WEEKDAYS[local.weekday()], WEEKDAYS[local.weekday() - 1]
        return any(
            opens <= moment and (moment < closes or closes <= opens)
            for opens, closes in self.days.get(today, ())
        ) or any(
            closes <= opens and moment < closes for opens, closes in self.days.get(yesterday, ())
        )


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a company offers and what it asks for; None is "no limit".

    `parcel_types` are of `PARCEL_TYPES`; `bank` is where transfers go when they are enabled.
    `proof` is what its drivers have to show; the PIN is `require_delivery_pin`.
    `failing` is what becomes of what they cannot hand over; None: a dispatcher decides each time.
    `windows` are those in which it is tried again, and which recipients may choose.
    """

    bank_transfer_enabled: bool = False
    bank: BankAccount = NO_BANK
    require_delivery_pin: bool = False
    parcel_types: tuple[str, ...] | None = None
    max_weight_grams: int | None = None
    proof: Demand = NOTHING
    failing: FailurePolicy | None = None
    windows: WindowRules = AS_USUAL


PARCEL_TYPES: Mapping[str, int | None] = {"small": 5_000, "medium": 20_000, "large": None}
"""The types of parcels, lightest first, each with the most grams that it holds."""


def parcel_type(weight_grams: int) -> str:
    """Returns the lightest type of parcel that holds a weight."""
    return next(
        name for name, limit in PARCEL_TYPES.items() if limit is None or weight_grams <= limit
    )


@dataclass(frozen=True, slots=True)
class Margin:
    """What the operator adds to a company's fee: a percentage of it and a fixed sum."""

    percent: Decimal = Decimal(0)
    fixed: int = 0

    def on(self, fee: int) -> int:
        """Returns the merchant's fee over the company's, in whole units, rounded up."""
        if not self.percent:
            return fee + self.fixed
        share = (fee * self.percent / 100).to_integral_value(ROUND_CEILING)
        return fee + int(share) + self.fixed


@dataclass(frozen=True, slots=True)
class Company:
    """A courier company of a market, for all its accounts or (`account_id`) for one alone.

    `service_zones` are names of cities and provinces; none means the whole market. `hours` None
    is "always". `base_fee` (whole units) and `base_eta_minutes` are what it advertises, and what
    an in-house company without a price list charges. `phone_e164` is whom its drivers call, and
    recipients whose merchant names no number.
    """

    id: UUID
    market: str
    account_id: UUID | None
    name: str
    slug: str
    connector: Connector
    time_zone: str
    logo_url: str | None = None
    service_zones: tuple[str, ...] = ()
    base_fee: int | None = None
    base_eta_minutes: int | None = None
    hours: Hours | None = None
    capabilities: Capabilities = Capabilities()
    margin: Margin = Margin()
    active: bool = True
    phone_e164: str | None = None
    zones: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Keeps the zones in the form in which they are compared."""
        object.__setattr__(self, "zones", frozenset(map(province_key, self.service_zones)))


def names_of(stop: Stop, city: City | None) -> frozenset[str]:
    """Returns the names by which a zone may hold a stop: of its city, and of its province.

    A province is known by every spelling; see `province_key`.
    """
    names = (stop.city, city and city.name, stop.province)
    return frozenset(key for name in names if name for key in (normalise(name), province_key(name)))


class Obstacle(StrEnum):
    """Why a company does not carry something."""

    INACTIVE = "inactive"
    ZONE = "zone"
    WEIGHT = "weight"
    PARCEL_TYPE = "parcel_type"
    HOURS = "hours"
    PRICE = "price"
    """Its price list has nothing for it."""


def obstacle(
    company: Company,
    origin: Collection[str],
    destination: Collection[str],
    parcel: Parcel,
    at: datetime,
) -> Obstacle | None:
    """Returns why a company's zones, weights, types and hours do not allow a parcel at a moment.

    None where they do. `origin` and `destination` are what `names_of` says of the stops.
    """
    zones, able = company.zones, company.capabilities
    if not company.active:
        return Obstacle.INACTIVE
    if zones and (zones.isdisjoint(origin) or zones.isdisjoint(destination)):
        return Obstacle.ZONE
    if able.max_weight_grams is not None and parcel.weight_grams > able.max_weight_grams:
        return Obstacle.WEIGHT
    if able.parcel_types is not None and parcel_type(parcel.weight_grams) not in able.parcel_types:
        return Obstacle.PARCEL_TYPE
    if company.hours is None:
        return None
    is_open = company.hours.open_at(at.astimezone(ZoneInfo(company.time_zone)))
    return None if is_open else Obstacle.HOURS


def fits(
    company: Company,
    origin: Collection[str],
    destination: Collection[str],
    parcel: Parcel,
    at: datetime,
) -> bool:
    """Returns whether a company's zones, weights, types and hours allow a parcel at a moment."""
    return obstacle(company, origin, destination, parcel, at) is None


@dataclass(frozen=True, slots=True)
class QuoteRequest:
    """What a company is asked to price; the cities are the gazetteer's, None if not recognised.

    `mode` is the merchant's: a platform that is asked for it is asked in the same one.
    `account_id` is who wants to know, so that no account takes a platform from the others.
    """

    origin: Stop
    destination: Stop
    parcel: Parcel
    origin_city: City | None = None
    destination_city: City | None = None
    mode: Mode = Mode.LIVE
    account_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """A company's answer: its own fee (whole units, before any margin) and its promise.

    `pickup_within` counts from the creation of the delivery, `delivery_within` from the pickup.
    `require_pin` None leaves it to the company's capabilities. `expires_at` is when the company
    itself stops being bound, where it said so. `upstream` is whatever its connector wants to see
    again when the delivery is created: a JSON object that nobody else reads.
    """

    fee: int
    pickup_within: timedelta
    delivery_within: timedelta
    require_pin: bool | None = None
    expires_at: datetime | None = None
    upstream: Mapping[str, Any] | None = None


class CourierFailed(Exception):  # noqa: N818 - a courier's failure, not a fault of the program
    """A company could not answer: its platform is down or slow, or its answer was invalid."""


class CourierResting(CourierFailed):
    """A company was not asked, because it failed so often that it is not asked for a while."""

    def __init__(self, reason: str, seconds: float) -> None:
        """`seconds` until it may be asked again."""
        self.seconds = seconds
        super().__init__(reason)


class Courier(Protocol):
    """A connector: asks companies of one kind for offers; never while a transaction is open.

    Deliveries of remote companies are sent to their platforms by `usecases.couriers.dispatch`.
    """

    @property
    def waits(self) -> bool:
        """Whether asking takes time: only then is it bounded, and done beside the others."""
        ...

    async def quote(self, company: Company, wanted: QuoteRequest) -> Offer | None:
        """Returns the company's offer; None when it does not carry that. Raises CourierFailed."""
        ...


def connector_of(company: Company, *, rehearsal: bool) -> Connector:
    """Returns how a company is reached; in sandbox mode all but remote ones are simulated."""
    if rehearsal and company.connector is not Connector.REMOTE:
        return Connector.SANDBOX
    return company.connector


def offer_by_tariff(company: Company, prices: PriceList, wanted: QuoteRequest) -> Offer | None:
    """Returns what a company charges by its price list; without one, what it advertises.

    Between cities of which one is not in the gazetteer, the slowest price of the list that holds
    the weight: the company serves the zone, and nothing is known of the distance.
    """
    if not prices:
        return _advertised(company)
    grams = wanted.parcel.weight_grams
    if wanted.origin_city and wanted.destination_city:
        price = prices.price(wanted.origin_city, wanted.destination_city, grams)
    else:
        price = prices.price_anywhere(grams)
    return price and _offer(price)


@lru_cache(maxsize=4096)  # one for each line of the price lists, asked for with every quote
def _offer(price: Price) -> Offer:
    return Offer(
        fee=price.fee,
        pickup_within=timedelta(seconds=price.pickup_within_seconds),
        delivery_within=timedelta(seconds=price.delivery_within_seconds),
    )


def _advertised(company: Company) -> Offer | None:
    if company.base_fee is None or company.base_eta_minutes is None:
        return None
    eta = timedelta(minutes=company.base_eta_minutes)
    return Offer(company.base_fee, pickup_within=eta / 3, delivery_within=eta - eta / 3)
