"""What a new price list changes of the one before it, row by row."""

from collections.abc import Iterable
from typing import NamedTuple

from estafette.core.quotes.pricing import Tariff, in_reading_order


class TariffChange(NamedTuple):
    """One row that is added (`before` None), removed (`after` None) or changed.

    `row` is the one that there is of the two, the new one of both.
    """

    row: Tariff
    before: Tariff | None
    after: Tariff | None


def tariff_changes(before: Iterable[Tariff], after: Iterable[Tariff]) -> list[TariffChange]:
    """Returns the rows that differ, in the order in which a price list is read.

    A row is the same one where route, distance and weight are.
    """
    was = {_key(row): row for row in before}
    is_now = {_key(row): row for row in after}
    differing = {
        key: TariffChange(row, was.get(key), is_now.get(key))
        for key, row in {**was, **is_now}.items()
        if was.get(key) != is_now.get(key)
    }
    ordered = in_reading_order(change.row for change in differing.values())
    return [differing[_key(row)] for row in ordered]


def _key(row: Tariff) -> tuple[str, str, int | None, int]:
    return row.origin, row.destination, row.up_to_km, row.up_to_grams
