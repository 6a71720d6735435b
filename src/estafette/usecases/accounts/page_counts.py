"""Count what pages have had created within the last hour, in the transaction that creates more.

All deliveries of a publishable key are created one transaction after another, in whichever process:
so no flood gets past a count, and a transaction that fails has counted nothing. Who creates with a
secret key waits for nobody.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from estafette.core.accounts.account import Scope
from estafette.core.accounts.page_orders import EVERYBODY, OrderingPage, OrderTally, hour_refusal
from estafette.core.errors import Refusal
from estafette.store.accounts import page_tallies
from estafette.store.accounts.page_tallies import Counted
from estafette.store.deliveries.idempotency import lock_number
from estafette.store.pool import Connection


class Ordered(Protocol):
    """What a page may have ordered."""

    @property
    def scope(self) -> Scope:
        """The account and mode that it is for."""
        ...

    @property
    def page(self) -> OrderingPage | None:
        """The page; None for an order with a secret key."""
        ...


def locks(orders: Sequence[Ordered]) -> list[int]:
    """Returns the advisory locks under which the counts of these orders are read and written."""
    return [lock_number("page", order.page.lineage) for order in orders if order.page]


class PageCounts:
    """The counts of the pages of one transaction."""

    def __init__(self, tallies: dict[Counted, OrderTally], now: datetime) -> None:
        """Begins with the tallies that there are."""
        self._tallies = tallies
        self._changed: dict[Counted, OrderTally] = {}
        self._now = now

    def refusal(self, order: Ordered) -> Refusal | None:
        """Returns why a page may not have one more created within this hour, or None."""
        if order.page is None:
            return None
        of_all, of_source = map(self._tally, _counted(order, order.page))
        return hour_refusal(order.page.limits, of_all, of_source, self._now)

    def add(self, order: Ordered) -> None:
        """One more is created."""
        for counted in _counted(order, order.page) if order.page else ():
            self._changed[counted] = self._tally(counted).plus_one()

    async def write(self, connection: Connection) -> None:
        """Keeps what was counted."""
        await page_tallies.write(connection, self._changed)

    def _tally(self, counted: Counted) -> OrderTally:
        known = self._changed.get(counted) or self._tallies.get(counted) or OrderTally()
        return known.at(self._now)


async def read(connection: Connection, orders: Sequence[Ordered], now: datetime) -> PageCounts:
    """Returns the counts of the pages that order, at the time `now`; their `locks` are held."""
    wanted = [counted for order in orders if order.page for counted in _counted(order, order.page)]
    return PageCounts(await page_tallies.read(connection, set(wanted)), now)


def _counted(order: Ordered, page: OrderingPage) -> tuple[Counted, Counted]:
    account_id = order.scope.account_id
    return (
        Counted(account_id, page.lineage, EVERYBODY),
        Counted(account_id, page.lineage, page.source),
    )
