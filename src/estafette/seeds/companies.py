"""The courier companies that a demo account begins with: invented, each different in what counts.

One is fast, small and asks for a PIN; one is cheap and takes bank transfers; one carries far and
heavy, in working hours.
"""

from collections.abc import Iterator
from datetime import time
from typing import NamedTuple
from uuid import UUID

from estafette.core.couriers.company import WEEKDAYS, Capabilities, Company, Connector, Hours
from estafette.core.ids import new_id
from estafette.core.money.payment import BankAccount
from estafette.core.quotes.pricing import ANY, SAME, Tariff

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR


class DemoCompany(NamedTuple):
    """A courier company and its price list."""

    company: Company
    tariffs: list[Tariff]


def demo_companies(country: str, account_id: UUID) -> list[DemoCompany]:
    """The companies of a new demo account in a market; none for a market without seeds."""
    return list(_angola(account_id)) if country == "AO" else []


# (origin, destination, up to km, (fees in kwanza by band), pickup within, delivery within)
_Route = tuple[str, str, int | None, tuple[int, ...], int, int]

_KIANDA_GRAMS = (2_000, 5_000, 10_000)
_KIANDA: tuple[_Route, ...] = (
    (ANY, SAME, None, (2_500, 3_200, 4_500), 15 * _MINUTE, 30 * _MINUTE),
    (ANY, ANY, 40, (3_500, 4_500, 6_500), 20 * _MINUTE, 60 * _MINUTE),
)
_ZANGO_GRAMS = (5_000, 15_000, 30_000)
_ZANGO: tuple[_Route, ...] = (
    (ANY, SAME, None, (1_800, 2_900, 5_200), 45 * _MINUTE, 90 * _MINUTE),
    (ANY, ANY, 60, (2_600, 4_100, 7_500), _HOUR, 2 * _HOUR),
    (ANY, ANY, 150, (4_900, 7_900, 13_500), 2 * _HOUR, 6 * _HOUR),
)
_KWANZA_GRAMS = (20_000, 100_000, 1_000_000)
_KWANZA: tuple[_Route, ...] = (
    (ANY, SAME, None, (4_500, 12_000, 65_000), 2 * _HOUR, 6 * _HOUR),
    (ANY, ANY, 300, (9_500, 28_000, 160_000), 4 * _HOUR, _DAY),
    (ANY, ANY, 700, (14_500, 42_000, 260_000), 4 * _HOUR, 2 * _DAY),
    (ANY, ANY, None, (19_500, 58_000, 390_000), 6 * _HOUR, 4 * _DAY),
)


def _angola(account_id: UUID) -> Iterator[DemoCompany]:
    yield DemoCompany(
        _company(
            account_id,
            name="Kianda Expresso",
            slug="kianda-expresso",
            service_zones=("Luanda",),
            base_fee=2_500,
            base_eta_minutes=45,
            capabilities=Capabilities(
                require_delivery_pin=True,
                parcel_types=("small", "medium"),
                max_weight_grams=_KIANDA_GRAMS[-1],
            ),
        ),
        _tariffs(_KIANDA_GRAMS, _KIANDA),
    )
    yield DemoCompany(
        _company(
            account_id,
            name="Zango Entregas",
            slug="zango-entregas",
            service_zones=("Luanda", "Icolo e Bengo", "Bengo"),
            base_fee=1_800,
            base_eta_minutes=135,
            capabilities=Capabilities(
                bank_transfer_enabled=True,
                bank=BankAccount(
                    "Banco Exemplo", "AO93999900000000000001429", "Zango Entregas, Lda. (exemplo)"
                ),
                max_weight_grams=_ZANGO_GRAMS[-1],
            ),
        ),
        _tariffs(_ZANGO_GRAMS, _ZANGO),
    )
    hours = (time(6), time(22))
    yield DemoCompany(
        _company(
            account_id,
            name="Kwanza Cargas",
            slug="kwanza-cargas",
            service_zones=("Luanda", "Benguela", "Huambo", "Huíla", "Malanje", "Cuanza Sul"),
            base_fee=4_500,
            base_eta_minutes=480,
            hours=Hours(dict.fromkeys(WEEKDAYS[:6], (hours,))),
            capabilities=Capabilities(max_weight_grams=_KWANZA_GRAMS[-1]),
        ),
        _tariffs(_KWANZA_GRAMS, _KWANZA),
    )


def _company(
    account_id: UUID,
    *,
    name: str,
    slug: str,
    service_zones: tuple[str, ...],
    base_fee: int,
    base_eta_minutes: int,
    capabilities: Capabilities,
    hours: Hours | None = None,
) -> Company:
    return Company(
        id=new_id(),
        market="AO",
        account_id=account_id,
        name=name,
        slug=slug,
        connector=Connector.INHOUSE,
        time_zone="Africa/Luanda",
        service_zones=service_zones,
        base_fee=base_fee,
        base_eta_minutes=base_eta_minutes,
        hours=hours,
        capabilities=capabilities,
    )


def _tariffs(bands: tuple[int, ...], routes: tuple[_Route, ...]) -> list[Tariff]:
    return [
        Tariff(origin, destination, kilometres, grams, fee, pickup, delivery)
        for origin, destination, kilometres, fees, pickup, delivery in routes
        for grams, fee in zip(bands, fees, strict=True)
    ]
