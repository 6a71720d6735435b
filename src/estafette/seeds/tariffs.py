"""The price lists that markets begin with: plausible figures, for the operator to replace.

Written as tables of fees, one line a distance, so that they can be checked by eye.
"""

from collections.abc import Iterator

from estafette.core.quotes.pricing import ANY, SAME, Tariff

_HOUR = 3_600
_DAY = 24 * _HOUR

_KZ_BANDS_GRAMS = (1_000, 5_000, 20_000, 100_000, 1_000_000)

# (origin, destination, up to km, (fees in tenge by band), pickup within, delivery within)
_KZ_ROUTES = (
    # The guides show a pickup two hours after the order and a delivery ten hours after the pickup.
    (ANY, SAME, None, (990, 1_290, 2_490, 6_990, 29_990), 2 * _HOUR, 10 * _HOUR),
    # Several flights a day.
    ("almaty", "astana", None, (2_290, 3_490, 8_490, 28_990, 189_990), 2 * _HOUR, _DAY),
    ("astana", "almaty", None, (2_290, 3_490, 8_490, 28_990, 189_990), 2 * _HOUR, _DAY),
    (ANY, ANY, 60, (1_490, 1_990, 3_990, 10_990, 49_990), 3 * _HOUR, _DAY),
    (ANY, ANY, 300, (1_790, 2_490, 5_490, 16_990, 89_990), 4 * _HOUR, 2 * _DAY),
    (ANY, ANY, 800, (2_190, 3_190, 7_490, 24_990, 149_990), 4 * _HOUR, 3 * _DAY),
    (ANY, ANY, 1_500, (2_590, 3_990, 9_990, 34_990, 229_990), 4 * _HOUR, 4 * _DAY),
    (ANY, ANY, None, (2_990, 4_790, 12_990, 46_990, 319_990), 4 * _HOUR, 5 * _DAY),
)


def tariffs_of(country: str) -> list[Tariff]:
    """Give the price list that a market (country code, "KZ") begins with; empty if there is none.

    Kazakhstan's covers every pair of cities and up to 1,000 kg, fees in whole tenge.
    """
    return list(_kazakhstan()) if country == "KZ" else []


def _kazakhstan() -> Iterator[Tariff]:
    for origin, destination, kilometres, fees, pickup, delivery in _KZ_ROUTES:
        for grams, fee in zip(_KZ_BANDS_GRAMS, fees, strict=True):
            yield Tariff(origin, destination, kilometres, grams, fee, pickup, delivery)
