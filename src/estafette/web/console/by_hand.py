"""What the console's pages of deliveries are given: how dialects take orders and write ids."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request

from estafette.usecases.deliveries.create import Creator
from estafette.usecases.deliveries.ordering import Ordering, OrderRules
from estafette.web.asked import id_in
from estafette.web.visit import Visit


@dataclass(frozen=True, slots=True)
class ByHand:
    """How dialects, by their names, take what people order, and write the ids of deliveries."""

    rules: Callable[[str], OrderRules]
    shown_id: Callable[[str, UUID], str]
    parse_id: Callable[[str, str], UUID | None]

    def ordering(self, visit: Visit) -> Ordering:
        """Returns what orders on this visit. Raises HTTPException (404); see `rules_of`."""
        self.rules_of(visit)
        return Ordering(visit.platform, Creator(visit.platform), self.rules)

    def rules_of(self, visit: Visit) -> OrderRules:
        """Returns what the account's API says of orders.

        Raises HTTPException (404) where people order nothing by hand.
        """
        try:
            return self.rules(visit.account.dialect)
        except KeyError:
            raise HTTPException(404) from None

    def show(self, visit: Visit, id: UUID) -> str:
        """Returns a delivery's id as the account's API writes it."""
        return self.shown_id(visit.account.dialect, id)

    def read(self, visit: Visit, text: str) -> UUID | None:
        """Returns the id that a text is, as the account's API writes it; None for none."""
        return self.parse_id(visit.account.dialect, text)


def by_hand(request: Request) -> ByHand:
    """Returns what the application was given."""
    return cast(ByHand, request.app.state.by_hand)


def delivery_in(request: Request) -> UUID:
    """Returns the delivery that the path names, by its id in hex. Raises HTTPException (404)."""
    return id_in(request.path_params["delivery"])
