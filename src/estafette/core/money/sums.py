"""Sums of money, in whole units of a market's currency."""

from typing import Final

LARGEST_SUM: Final = 2**53 - 1
"""The largest that is taken anywhere: the greatest that all readers of JSON keep exactly."""
