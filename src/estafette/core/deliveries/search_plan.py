"""How a search is looked for: which of its ways is the cheapest, by a look at the first texts.

A piece of text that many deliveries have is found soonest by looking through them in the order of
the list; a rare one by its grams (see `search.py` beside this). How many have it is estimated from
the first texts of the list.
"""

from enum import Enum, auto
from math import inf
from typing import NamedTuple


class Effort(NamedTuple):
    """How a search weighs its ways, in texts that are looked through in the order of the list.

    `sample` texts are looked through first; one that is fetched apart, by its grams or by its
    delivery, costs as much as `fetch` of them; what costs more than `long` is worth another way, if
    there is one.
    """

    sample: int = 2_000
    fetch: float = 10.0
    long: float = 40_000


EFFORT = Effort()


class Way(Enum):
    """How the rest of a search is done, once the first texts did not do."""

    IN_ORDER = auto()
    """Looking through the texts in the order of the list."""

    BY_GRAMS = auto()
    """Asking the index for the texts that have the grams of the piece."""

    BY_STATUS = auto()
    """Going through the deliveries of the chosen statuses, and looking at the text of each."""


class Sampled(NamedTuple):
    """What the first `Effort.sample` texts of a list have told.

    `total` is how many texts there are, at most. Of the first ones, `hits` have the piece, and
    `found` of these have a chosen status as well; `need` deliveries are wanted, more than `found`.
    """

    total: int
    hits: int
    found: int
    need: int


class Plan(NamedTuple):
    """The way, and how many texts are looked through first where that is in order.

    Where those do not give all that are needed, `otherwise` is the way; None: they were all.
    """

    way: Way
    reach: int = 0
    otherwise: Way | None = None


def plan(sampled: Sampled, *, by_status: bool, has_grams: bool, effort: Effort = EFFORT) -> Plan:
    """The cheapest way to the rest of a search.

    `by_status` says that statuses were chosen, `has_grams` that the piece can be found by grams.
    """
    expected = expected_reach(sampled, effort)
    in_order = cost_in_order(sampled, by_status=by_status, effort=effort)
    by_grams = cost_by_grams(sampled, effort) if has_grams else inf
    if by_status and min(in_order, by_grams) > effort.long:
        return Plan(Way.BY_STATUS)
    last = Way.BY_GRAMS if has_grams else Way.IN_ORDER
    if in_order > by_grams:
        return Plan(last)
    reach = round(2 * expected)  # the texts are not spread evenly: twice as many as it should take
    if reach >= sampled.total:
        return Plan(Way.IN_ORDER, sampled.total)
    return Plan(Way.IN_ORDER, reach, otherwise=last)


def expected_reach(sampled: Sampled, effort: Effort) -> float:
    """How many texts in the order of the list should have all that are needed."""
    if not sampled.found:
        return sampled.total
    return min(sampled.total, effort.sample * sampled.need / sampled.found)


def cost_in_order(sampled: Sampled, *, by_status: bool, effort: Effort) -> float:
    """The cost of looking through them; by status each text that has the piece is fetched."""
    reach = expected_reach(sampled, effort)
    if not by_status:
        return reach
    return reach * (1 + effort.fetch * sampled.hits / effort.sample)


def cost_by_grams(sampled: Sampled, effort: Effort) -> float:
    """The cost of fetching every text that has the piece, by its grams."""
    return sampled.total * effort.fetch * sampled.hits / effort.sample
