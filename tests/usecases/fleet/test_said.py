"""What waits as it did is explained once in a while, and an address is looked at once."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from estafette.core.deliveries.delivery import Stop
from estafette.core.fleet.dispatching import Decision, Outcome, Reason
from estafette.core.quotes.place import City, CityIndex
from estafette.usecases.fleet.problems import Places
from estafette.usecases.fleet.said import SECONDS, Said
from tests.usecases.angola import CITIES

AT = datetime(2026, 3, 4, 12, tzinfo=UTC)
WAITS = Decision(UUID(int=1), UUID(int=2), UUID(int=3), Outcome.NOBODY, AT, None, {"why": "busy"})


def test_the_same_is_said_again_after_a_while_and_anything_else_at_once() -> None:
    now = 0.0
    said = Said(lambda: now)
    assert said.news([WAITS]) == [WAITS]
    now = SECONDS - 1
    other = replace(WAITS, facts={"why": Reason.SKILLS})
    assert said.news([WAITS]) == []
    assert said.news([other, WAITS]) == [other, WAITS]
    now += SECONDS
    assert said.news([WAITS]) == [WAITS]
    offered = replace(WAITS, outcome=Outcome.OFFERED)
    assert said.news([offered, offered]) == [offered, offered]
    assert said.news([WAITS]) == [WAITS]


class Looked(CityIndex):
    """Counts how often it is asked."""

    count = 0

    def find(self, address: str) -> City | None:
        self.count += 1
        return super().find(address)


def test_an_address_is_looked_at_once_in_a_round() -> None:
    cities = Looked(CITIES)
    places = Places(cities)
    shop = Stop("Rua 1", city="Luanda")
    found = {places.point(shop) for _ in range(9)} | {places.point(replace(shop, address="Rua 2"))}
    assert len(found) == 1
    assert cities.count == 1
